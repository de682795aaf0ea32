//! A cache of rows. A row becomes invalid when the user that it belongs to changes.

use std::{
    array, fmt,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    time::Duration,
};

use moka::sync::Cache;
use sea_orm::DbErr;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::timeout,
};

use super::invalidation::{CacheScope, Invalidations};

/// Number of load locks; keys that share a lock wait for each other.
const LOAD_LOCKS: usize = 64;
/// Maximum wait for another load of the same key.
const LOAD_WAIT: Duration = Duration::from_millis(100);

/// Caches rows by a key. Every row belongs to a user and becomes invalid when that user changes.
pub struct EntityCache<K, V> {
    rows: Cache<K, Row<V>>,
    scopes: &'static [CacheScope],
    invalidations: Invalidations,
    load_locks: Box<[Mutex<()>; LOAD_LOCKS]>,
}

/// How to find the user that a row belongs to: from the key, or from the row itself.
#[derive(Clone, Copy)]
pub enum OwnerOf<K, V> {
    Key(fn(&K) -> i32),
    Value(fn(&V) -> i32),
}

#[derive(Clone)]
struct Row<V> {
    value: V,
    owner: i32,
    version: u64,
}

impl<K, V> fmt::Debug for EntityCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EntityCache")
    }
}

impl<K, V> EntityCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of at most `capacity` rows.
    pub fn new(scopes: &'static [CacheScope], invalidations: Invalidations, capacity: u64) -> Self {
        Self::of(Cache::new(capacity), scopes, invalidations)
    }

    /// A cache of rows of at most `capacity` bytes in total.
    pub fn weighed(
        scopes: &'static [CacheScope],
        invalidations: Invalidations,
        capacity: u64,
        bytes: fn(&V) -> usize,
    ) -> Self {
        let weight = move |_: &K, row: &Row<V>| u32::try_from(bytes(&row.value)).unwrap_or(u32::MAX);
        Self::of(Cache::builder().weigher(weight).max_capacity(capacity).build(), scopes, invalidations)
    }

    fn of(rows: Cache<K, Row<V>>, scopes: &'static [CacheScope], invalidations: Invalidations) -> Self {
        Self { rows, scopes, invalidations, load_locks: Box::new(array::from_fn(|_| Mutex::new(()))) }
    }

    /// The row with this key, from the cache or from `load`. Absent rows are not cached. `load` is called, and its
    /// large future created, only on a cache miss.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn get_or_load<F>(
        &self,
        key: K,
        owner: OwnerOf<K, V>,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>, DbErr>
    where
        F: Future<Output = Result<Option<V>, DbErr>>,
    {
        if !self.invalidations.is_synced() {
            return Box::pin(load()).await;
        }
        if let Some(value) = self.get_current(&key) {
            return Ok(Some(value));
        }
        // After an invalidation many requests miss at once: one loads the row, the others wait for it.
        let _loading = self.load_lock(&key).await;
        if let Some(value) = self.get_current(&key) {
            return Ok(Some(value));
        }
        // Versions are taken before the read, so that a change during the read makes the cached row invalid.
        let (owner, version, value) = match owner {
            OwnerOf::Key(owner) => {
                let owner = owner(&key);
                let version = self.version(owner);
                let Some(value) = Box::pin(load()).await? else { return Ok(None) };
                (owner, version, value)
            }
            OwnerOf::Value(owner) => {
                let changes = self.version_of_all();
                let Some(value) = Box::pin(load()).await? else { return Ok(None) };
                let owner = owner(&value);
                let version = self.version(owner);
                if self.version_of_all() != changes {
                    return Ok(Some(value));
                }
                (owner, version, value)
            }
        };
        self.rows.insert(key, Row { value: value.clone(), owner, version });
        Ok(Some(value))
    }

    /// The cached row with this key, if its user did not change since.
    pub fn get_current(&self, key: &K) -> Option<V> {
        self.rows.get(key).filter(|row| self.version(row.owner) == row.version).map(|row| row.value)
    }

    /// Caches a row that this process has just committed. `before` is the user's version before the row was read; if
    /// there was another change since, the row is not cached.
    pub fn store_written(&self, key: K, owner: i32, before: u64, value: V) {
        let version = before + 1;
        if self.version(owner) == version {
            self.rows.insert(key, Row { value, owner, version });
        }
    }

    /// The current version of a user's rows.
    pub fn version(&self, owner: i32) -> u64 {
        self.scopes.iter().map(|scope| self.invalidations.version(*scope, owner)).sum()
    }

    fn version_of_all(&self) -> u64 {
        self.scopes.iter().map(|scope| self.invalidations.version_of_all(*scope)).sum()
    }

    async fn load_lock(&self, key: &K) -> Option<MutexGuard<'_, ()>> {
        let lock = BuildHasherDefault::<DefaultHasher>::default().hash_one(key) as usize % LOAD_LOCKS;
        timeout(LOAD_WAIT, self.load_locks[lock].lock()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::Touched;

    const USER: i32 = 7;
    const ACCESS: &[CacheScope] = &[CacheScope::Access];

    fn cache() -> (Invalidations, EntityCache<&'static str, i32>) {
        let invalidations = Invalidations::default();
        invalidations.synced(Instant::now());
        (invalidations.clone(), EntityCache::new(ACCESS, invalidations, 10))
    }

    async fn get(cache: &EntityCache<&'static str, i32>, stored: i32) -> i32 {
        let found = cache.get_or_load("key", OwnerOf::Value(|_| USER), || async { Ok(Some(stored)) }).await;
        found.expect("an answer").expect("a row")
    }

    #[tokio::test]
    async fn a_row_is_cached_until_its_user_changes() {
        let (invalidations, cache) = cache();
        assert_eq!((get(&cache, 1).await, get(&cache, 2).await), (1, 1));
        invalidations.invalidate(&Touched::users([USER]));
        invalidations.invalidate(&Touched::access([USER + 1]));
        assert_eq!(get(&cache, 3).await, 1, "neither concerns this row");
        invalidations.invalidate(&Touched::access([USER]));
        assert_eq!((get(&cache, 4).await, get(&cache, 5).await), (4, 4));
        invalidations.invalidate(&Touched::Everything);
        assert_eq!(get(&cache, 6).await, 6);
    }

    #[tokio::test]
    async fn a_row_that_changes_during_its_load_is_not_cached() {
        let (invalidations, cache) = cache();
        for owner in [OwnerOf::Value(|_| USER), OwnerOf::Key(|_| USER)] {
            let load = || async {
                invalidations.invalidate(&Touched::access([USER]));
                Ok(Some(1))
            };
            assert_eq!(cache.get_or_load("key", owner, load).await, Ok(Some(1)));
            assert_eq!(get(&cache, 2).await, 2);
            invalidations.invalidate(&Touched::Everything);
        }
    }

    #[tokio::test]
    async fn a_written_row_is_cached_unless_another_change_came() {
        let (invalidations, cache) = cache();
        for (others, expected) in [(0, 1), (1, 2)] {
            let before = cache.version(USER);
            for _ in 0..=others {
                invalidations.invalidate(&Touched::access([USER]));
            }
            cache.store_written("key", USER, before, 1);
            assert_eq!(get(&cache, 2).await, expected, "after {others} other changes");
        }
    }

    #[test]
    fn the_capacity_limits_the_total_size() {
        let (capacity, row) = (100, 30);
        let cache: EntityCache<i32, usize> =
            EntityCache::weighed(ACCESS, Invalidations::default(), capacity, |bytes| *bytes);
        for key in 0..50 {
            cache.invalidations.invalidate(&Touched::access([key]));
            cache.store_written(key, key, 0, row);
        }
        cache.rows.run_pending_tasks();
        assert!(cache.rows.weighted_size() <= capacity);
        assert!((1..=3).contains(&cache.rows.entry_count()));
    }

    #[tokio::test]
    async fn an_absent_row_is_not_cached() {
        let (_, cache) = cache();
        assert_eq!(cache.get_or_load("key", OwnerOf::Value(|_| USER), || async { Ok(None) }).await, Ok(None));
        assert_eq!(get(&cache, 1).await, 1);
    }

    #[tokio::test]
    async fn nothing_is_cached_without_synchronization() {
        let cache = EntityCache::new(ACCESS, Invalidations::default(), 10);
        assert_eq!((get(&cache, 1).await, get(&cache, 2).await), (1, 2));
    }
}
