//! Lists of commands as they were written before, for readers who read alike.

use std::sync::Arc;

use bytes::Bytes;
use moka::sync::Cache;

use super::{
    carriers::CustomCommand,
    reader::{Answer, Reader, Wording},
};
use crate::commands::Offer;

/// How many are kept at most, each of a few kilobytes.
const MOST: u64 = 2048;

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
        Self(Cache::new(MOST))
    }
}

impl Written {
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
