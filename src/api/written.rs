//! Lists of commands as they were written before, for readers who read alike.

use std::sync::Arc;

use bytes::Bytes;
use moka::sync::Cache;

use super::{
    carriers::CustomCommand,
    reader::{Answer, Reader, Wording},
};
use crate::commands::Offer;

/// How much memory they take at most, in bytes: some 2,500 lists of the usual size.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// What an entry takes besides its texts.
const OVERHEAD: usize = 512;

/// Written lists, by what they say and how they say it.
pub struct Written(Cache<(Says, Wording), Bytes>);

/// A list, told apart from others by its place in memory, which it keeps as long as it is a key here.
struct Says(Arc<[Offer]>);

impl PartialEq for Says {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Says {}

impl std::hash::Hash for Says {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

impl Default for Written {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Written {
    fn new(capacity: u64) -> Self {
        // The key holds the list, whose texts are a part of what is written.
        let weight = |_: &(Says, Wording), body: &Bytes| u32::try_from(2 * body.len() + OVERHEAD).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(capacity).build())
    }

    /// The answer that tells a reader of a list.
    pub fn answer(&self, offers: Arc<[Offer]>, reader: Reader) -> Answer<Vec<CustomCommand>> {
        let carrier = |offers: &[Offer]| offers.iter().map(Into::into).collect::<Vec<_>>();
        let Some(wording) = reader.wording() else { return reader.answer(carrier(&offers)) };
        let key = (Says(offers), wording);
        let body = match self.0.get(&key) {
            Some(body) => body,
            None => {
                let body = Bytes::from(reader.write(&carrier(&key.0.0)));
                self.0.insert(key, body.clone());
                body
            }
        };
        reader.written(body)
    }
}

#[cfg(test)]
mod tests {
    use poem::{FromRequest, Request, RequestBody};

    use super::*;
    use crate::{api::reader::Reading, localization::Zone};

    /// Answers readers with these headers.
    async fn answer(written: &Written, headers: impl Iterator<Item = Vec<(&'static str, String)>>) {
        let offers: Arc<[Offer]> = Arc::new([]);
        for headers in headers {
            let add = |request: poem::RequestBuilder, (name, value)| request.header::<&str, String>(name, value);
            let mut request = headers.into_iter().fold(Request::builder(), add).finish();
            Reading::lend(Reading::of(request.headers(), &Zone::utc()), &mut request);
            let reader = Reader::from_request(&request, &mut RequestBody::default()).await.expect("a reader");
            written.answer(Arc::clone(&offers), reader);
        }
        written.0.run_pending_tasks();
    }

    #[tokio::test]
    async fn headers_that_mean_the_same_share_an_entry() {
        let written = Written::default();
        let different = (0..10_000).map(|number| {
            let weight = f64::from(number) / 20_000.0;
            vec![
                ("accept", format!("application/json, text/{number}")),
                ("accept-language", format!("nb, en;q={weight}, x{number}")),
                ("so-timezone", format!("{}NO", ",".repeat(number as usize % 100))),
            ]
        });
        answer(&written, different).await;
        assert_eq!(written.0.entry_count(), 1);
        let others = ["nb-NO", "en", "*", "de"].map(|language| vec![("accept-language", language.to_owned())]);
        answer(&written, others.into_iter()).await;
        assert_eq!(written.0.entry_count(), 5);
    }

    #[tokio::test]
    async fn what_clients_ask_for_takes_a_bounded_share_of_memory() {
        let (capacity, most) = (64 * 1024, 1000);
        let written = Written::new(capacity);
        let cultures = (0..most)
            .map(|number| vec![("so-language", "en".to_owned()), ("so-culture", format!("en-US-{number:0>8}"))]);
        answer(&written, cultures).await;
        assert!(written.0.weighted_size() <= capacity);
        assert!((1..most).contains(&written.0.entry_count()));
    }
}
