//! Answers as they were written before, for readers who read alike.

use std::{hash, sync::Arc};

use bytes::Bytes;
use moka::sync::Cache;
use poem_openapi::types::ToJSON;

use super::reader::{Answer, Reader, Wording};

/// How much memory the answers of an operation take at most, in bytes: some 2,500 of the usual size.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// What an entry takes besides its texts.
const OVERHEAD: usize = 512;

/// Written answers, by what they are made of, how they say it, and the address that their links have.
pub struct Written<S: ?Sized>(Cache<(Source<S>, Wording, String), Bytes>);

/// What an answer is made of, told apart from others by its place in memory, which it keeps as long as it is a key here.
struct Source<S: ?Sized>(Arc<S>);

impl<S: ?Sized> PartialEq for Source<S> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<S: ?Sized> Eq for Source<S> {}

impl<S: ?Sized> hash::Hash for Source<S> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}

impl<S: ?Sized + Send + Sync + 'static> Default for Written<S> {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl<S: ?Sized + Send + Sync + 'static> Written<S> {
    fn new(capacity: u64) -> Self {
        // The key holds what the answer is made of, which has the same texts.
        let weight = |(_, _, base): &(Source<S>, Wording, String), body: &Bytes| {
            u32::try_from(2 * body.len() + base.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(capacity).build())
    }

    /// The answer that is made of this: as it was written before, or by making its carrier. `base` is the address that its
    /// links have, if it has any.
    pub fn answer<T: ToJSON>(
        &self,
        source: Arc<S>,
        base: String,
        reader: Reader,
        carrier: impl FnOnce(&S, &str) -> T,
    ) -> Answer<T> {
        let Some(wording) = reader.wording() else { return reader.answer(carrier(&source, &base)) };
        let key = (Source(source), wording, base);
        let body = match self.0.get(&key) {
            Some(body) => body,
            None => {
                let body = Bytes::from(reader.write(&carrier(&key.0.0, &key.2)));
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
    use crate::{
        api::{carriers::CustomCommand, reader::Reading},
        commands::AvailableCommand,
        localization::Zone,
    };

    type Lists = Written<[AvailableCommand]>;

    /// Answers readers with these headers.
    async fn answer(written: &Lists, headers: impl Iterator<Item = Vec<(&'static str, String)>>) {
        let commands: Arc<[AvailableCommand]> = Arc::new([]);
        for headers in headers {
            let add = |request: poem::RequestBuilder, (name, value)| request.header::<&str, String>(name, value);
            let mut request = headers.into_iter().fold(Request::builder(), add).finish();
            Reading::lend(Reading::of(request.headers(), &Zone::utc()), &mut request);
            let reader = Reader::from_request(&request, &mut RequestBody::default()).await.expect("a reader");
            written.answer(Arc::clone(&commands), String::new(), reader, |_, _| Vec::<CustomCommand>::new());
        }
        written.0.run_pending_tasks();
    }

    #[tokio::test]
    async fn headers_that_mean_the_same_share_an_entry() {
        let written = Lists::default();
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
        let written = Lists::new(capacity);
        let cultures = (0..most)
            .map(|number| vec![("so-language", "en".to_owned()), ("so-culture", format!("en-US-{number:0>8}"))]);
        answer(&written, cultures).await;
        assert!(written.0.weighted_size() <= capacity);
        assert!((1..most).contains(&written.0.entry_count()));
    }
}
