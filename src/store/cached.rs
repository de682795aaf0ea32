//! Rows that are kept in memory for as long as they are known to be what the database has.

use std::{
    array,
    fmt::{self, Debug},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    time::Duration,
};

use moka::sync::Cache;
use sea_orm::DbErr;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::timeout,
};

use super::{
    Changes,
    changes::{Topic, Unread},
};

/// How many loads are under way at once at most, keys that share a place waiting for each other.
const PLACES: usize = 64;
/// How long to wait for somebody else who loads the same.
const PATIENCE: Duration = Duration::from_millis(100);

/// Rows of one kind, by a key. Each concerns a user, and is forgotten with whatever changes of that user.
pub struct Cached<K, V> {
    rows: Cache<K, Row<V>>,
    topic: Topic,
    changes: Changes,
    loading: Box<[Mutex<()>; PLACES]>,
}

/// Who tells whom a row concerns.
#[derive(Clone, Copy)]
pub enum Whom<K, V> {
    OfKey(fn(&K) -> i32),
    OfRow(fn(&V) -> i32),
}

#[derive(Clone)]
struct Row<V> {
    value: V,
    user_id: i32,
    mark: u64,
}

impl<K, V> Debug for Cached<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached")
    }
}

impl<K, V> Cached<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Keeps so many rows at most.
    pub fn new(topic: Topic, changes: Changes, most: u64) -> Self {
        Self::with(Cache::new(most), topic, changes)
    }

    /// Keeps rows of so many bytes together at most.
    pub fn weighed(topic: Topic, changes: Changes, most_bytes: u64, bytes: fn(&V) -> usize) -> Self {
        let weight = move |_: &K, row: &Row<V>| u32::try_from(bytes(&row.value)).unwrap_or(u32::MAX);
        Self::with(Cache::builder().weigher(weight).max_capacity(most_bytes).build(), topic, changes)
    }

    fn with(rows: Cache<K, Row<V>>, topic: Topic, changes: Changes) -> Self {
        Self { rows, topic, changes, loading: Box::new(array::from_fn(|_| Mutex::new(()))) }
    }

    /// The row with this key: as it is remembered, or else as `load` finds it. What is not there is not remembered.
    /// Loading is a large future, which is made only where it is needed.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn find<F>(&self, key: K, whom: Whom<K, V>, load: impl FnOnce() -> F) -> Result<Option<V>, DbErr>
    where
        F: Future<Output = Result<Option<V>, DbErr>>,
    {
        if !self.changes.is_fresh() {
            return Box::pin(load()).await;
        }
        if let Some(value) = self.remembered(&key) {
            return Ok(Some(value));
        }
        // After a change everybody asks at once: one loads, and the others find it.
        let _turn = self.turn(&key).await;
        if let Some(value) = self.remembered(&key) {
            return Ok(Some(value));
        }
        let found = match whom {
            Whom::OfKey(user_id) => {
                let user_id = user_id(&key);
                let mark = self.changes.mark(self.topic, user_id);
                Box::pin(load()).await?.map(|value| Row { value, user_id, mark })
            }
            Whom::OfRow(user_id) => {
                let before = self.changes.mark_of_all(self.topic);
                let found = Box::pin(load()).await?.map(|value| (user_id(&value), value));
                let found =
                    found.map(|(user_id, value)| Row { value, user_id, mark: self.changes.mark(self.topic, user_id) });
                // A change that came in between may be missing in what was loaded.
                if self.changes.mark_of_all(self.topic) != before {
                    return Ok(found.map(|row| row.value));
                }
                found
            }
        };
        Ok(found.map(|row| {
            self.rows.insert(key, row.clone());
            row.value
        }))
    }

    fn remembered(&self, key: &K) -> Option<V> {
        self.row(key).map(|row| row.value)
    }

    /// What is remembered, unless something changed since.
    fn row(&self, key: &K) -> Option<Row<V>> {
        self.rows.get(key).filter(|row| self.changes.mark(self.topic, row.user_id) == row.mark)
    }

    /// The row with this key as a transaction sees it that has the write lock, if it is remembered and not among what
    /// changed in it.
    pub fn find_within(&self, key: &K, unread: &Unread) -> Option<V> {
        self.row(key).filter(|row| !unread.concerns(self.topic, row.user_id)).map(|row| row.value)
    }

    /// Remembers a row that was written. The mark is that of what is in force with it.
    pub fn remember(&self, key: K, user_id: i32, mark: u64, value: V) {
        self.rows.insert(key, Row { value, user_id, mark });
    }

    async fn turn(&self, key: &K) -> Option<MutexGuard<'_, ()>> {
        let place = BuildHasherDefault::<DefaultHasher>::default().hash_one(key) as usize % PLACES;
        timeout(PATIENCE, self.loading[place].lock()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::Change;

    const USER: i32 = 7;

    fn rows() -> (Changes, Cached<&'static str, i32>) {
        let changes = Changes::default();
        changes.heard(Instant::now());
        (changes.clone(), Cached::new(Topic::Access, changes, 10))
    }

    async fn find(rows: &Cached<&'static str, i32>, there: i32) -> i32 {
        let found = rows.find("key", Whom::OfRow(|_| USER), || async { Ok(Some(there)) }).await;
        found.expect("an answer").expect("a row")
    }

    fn change(topic: Topic, user_id: Option<i32>) -> Change {
        Change { topic, user_id }
    }

    #[tokio::test]
    async fn a_row_is_remembered_until_something_changes_of_whom_it_concerns() {
        let (changes, rows) = rows();
        assert_eq!((find(&rows, 1).await, find(&rows, 2).await), (1, 1));
        changes.tell(change(Topic::Users, Some(USER)));
        changes.tell(change(Topic::Access, Some(USER + 1)));
        assert_eq!(find(&rows, 3).await, 1, "neither is about it");
        changes.tell(change(Topic::Access, Some(USER)));
        assert_eq!((find(&rows, 4).await, find(&rows, 5).await), (4, 4));
        changes.tell(change(Topic::Access, None));
        assert_eq!(find(&rows, 6).await, 6);
    }

    #[tokio::test]
    async fn what_was_loaded_while_it_changed_is_not_remembered() {
        let (changes, rows) = rows();
        for whom in [Whom::OfRow(|_| USER), Whom::OfKey(|_| USER)] {
            let load = || async {
                changes.tell(change(Topic::Access, Some(USER)));
                Ok(Some(1))
            };
            assert_eq!(rows.find("key", whom, load).await, Ok(Some(1)));
            assert_eq!(find(&rows, 2).await, 2);
            changes.tell_everything();
        }
    }

    #[test]
    fn rows_that_are_large_are_remembered_in_smaller_number() {
        let (capacity, row) = (100, 30);
        let rows: Cached<i32, usize> = Cached::weighed(Topic::Users, Changes::default(), capacity, |bytes| *bytes);
        (0..50).for_each(|key| rows.remember(key, USER, 0, row));
        rows.rows.run_pending_tasks();
        assert!(rows.rows.weighted_size() <= capacity);
        assert!((1..=3).contains(&rows.rows.entry_count()));
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_remembered() {
        let (_, rows) = rows();
        assert_eq!(rows.find("key", Whom::OfRow(|_| USER), || async { Ok(None) }).await, Ok(None));
        assert_eq!(find(&rows, 1).await, 1);
    }

    #[tokio::test]
    async fn nothing_is_remembered_while_nobody_follows_what_changes() {
        let rows = Cached::new(Topic::Access, Changes::default(), 10);
        assert_eq!((find(&rows, 1).await, find(&rows, 2).await), (1, 2));
    }
}
