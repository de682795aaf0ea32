//! Caches serialized response bodies for requests with the same format and locale.

use std::{hash, sync::Arc};

use bytes::Bytes;
use moka::sync::Cache;
use poem_openapi::types::ToJSON;

use super::format::{FormatKey, Formatted, ResponseFormat};

/// The memory that the cache of one operation may use, in bytes. Holds about 2,500 bodies of the usual size.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// The estimated memory of an entry besides its texts, in bytes.
const OVERHEAD: usize = 512;

/// Cached bodies. The key is the source value, the format, and the base URL of links.
pub struct ResponseCache<S: ?Sized>(Cache<(Source<S>, FormatKey, String), Bytes>);

/// The value that a body is made from, compared by its address. The `Arc` in the key keeps the address in use.
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

impl<S: ?Sized + Send + Sync + 'static> Default for ResponseCache<S> {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl<S: ?Sized + Send + Sync + 'static> ResponseCache<S> {
    fn new(capacity: u64) -> Self {
        // Twice the body: the source in the key has about the same texts.
        let weight = |(_, _, base): &(Source<S>, FormatKey, String), body: &Bytes| {
            u32::try_from(2 * body.len() + base.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(capacity).build())
    }

    /// The response for `source`: from the cache, or made by `model`. `base` is the base URL of links; empty for a
    /// model without links.
    pub fn answer<T: ToJSON>(
        &self,
        source: Arc<S>,
        base: String,
        format: ResponseFormat,
        model: impl FnOnce(&S, &str) -> T,
    ) -> Formatted<T> {
        let Some(key) = format.key() else { return format.answer(model(&source, &base)) };
        let key = (Source(source), key, base);
        let body = match self.0.get(&key) {
            Some(body) => body,
            None => {
                let body = Bytes::from(format.write(&model(&key.0.0, &key.2)));
                self.0.insert(key, body.clone());
                body
            }
        };
        format.serialized(body)
    }
}

#[cfg(test)]
mod tests {
    use poem::{FromRequest, Request, RequestBody};

    use super::*;
    use crate::{
        api::{models::CustomCommand, respond::format::RequestLocale},
        commands::AvailableCommand,
        localization::Zone,
    };

    type Lists = ResponseCache<[AvailableCommand]>;

    /// Answers one request for each set of headers.
    async fn answer(cache: &Lists, headers: impl Iterator<Item = Vec<(&'static str, String)>>) {
        let commands: Arc<[AvailableCommand]> = Arc::new([]);
        for headers in headers {
            let add = |request: poem::RequestBuilder, (name, value)| request.header::<&str, String>(name, value);
            let mut request = headers.into_iter().fold(Request::builder(), add).finish();
            RequestLocale::attach(RequestLocale::of(request.headers(), &Zone::utc()), &mut request);
            let format = ResponseFormat::from_request(&request, &mut RequestBody::default()).await.expect("a format");
            cache.answer(Arc::clone(&commands), String::new(), format, |_, _| Vec::<CustomCommand>::new());
        }
        cache.0.run_pending_tasks();
    }

    #[tokio::test]
    async fn headers_that_mean_the_same_share_an_entry() {
        let cache = Lists::default();
        let different = (0..10_000).map(|number| {
            let weight = f64::from(number) / 20_000.0;
            vec![
                ("accept", format!("application/json, text/{number}")),
                ("accept-language", format!("nb, en;q={weight}, x{number}")),
                ("so-timezone", format!("{}NO", ",".repeat(number as usize % 100))),
            ]
        });
        answer(&cache, different).await;
        assert_eq!(cache.0.entry_count(), 1);
        let others = ["nb-NO", "en", "*", "de"].map(|language| vec![("accept-language", language.to_owned())]);
        answer(&cache, others.into_iter()).await;
        assert_eq!(cache.0.entry_count(), 5);
    }

    #[tokio::test]
    async fn the_cache_does_not_grow_over_its_capacity() {
        let (capacity, count) = (64 * 1024, 1000);
        let cache = Lists::new(capacity);
        let cultures = (0..count)
            .map(|number| vec![("so-language", "en".to_owned()), ("so-culture", format!("en-US-{number:0>8}"))]);
        answer(&cache, cultures).await;
        assert!(cache.0.weighted_size() <= capacity);
        assert!((1..count).contains(&cache.0.entry_count()));
    }
}
