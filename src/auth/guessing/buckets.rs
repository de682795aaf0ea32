//! The failures of accounts, addresses and pairs of them: exact, in bounded memory, and never evicted.
//!
//! A bucket stays until its failures are older than the window, whatever comes meanwhile. Each bucket with a failure took a
//! verification, so more than the table holds within a minute are hardly possible; those that come then share a fixed
//! number of buckets, where they meet others' failures and are refused early.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::error::TooManyAttempts;

pub const WINDOW: Duration = Duration::from_secs(60);
/// Buckets of their own at most; further ones are shared.
const MAX_BUCKETS: usize = 1 << 17;
/// Buckets that are shared, in each group.
const SHARED_BUCKETS: usize = 4096;
const GROUPS: usize = 3;
/// Failures of a bucket that are taken from the database.
const MAX_RESTORED: usize = 10_000;
/// The table is swept when it has grown to this, or to twice what was left by the last sweep.
const SWEEP_FROM: usize = 1024;
/// A table that stays full is swept no more often than this.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// The keyed digest of what a bucket counts.
pub type BucketKey = i64;

/// What a bucket counts. Buckets are shared within a group only, and places are taken in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Address,
    Account,
    Pair,
}

/// All buckets.
#[derive(Debug)]
pub struct Buckets {
    max: usize,
    table: Mutex<Table>,
    shared: OnceLock<Vec<Arc<Bucket>>>,
}

#[derive(Debug)]
struct Table {
    buckets: HashMap<BucketKey, Arc<Bucket>>,
    sweep_at: usize,
    swept: Instant,
}

impl Default for Buckets {
    fn default() -> Self {
        Self::with_max(MAX_BUCKETS)
    }
}

impl Buckets {
    pub fn with_max(max: usize) -> Self {
        let table = Table { buckets: HashMap::new(), sweep_at: SWEEP_FROM.min(max), swept: Instant::now() };
        Self { max, table: Mutex::new(table), shared: OnceLock::new() }
    }

    /// Takes a place in a bucket. Where attempts under way fill it, waits for their end. An attempt takes one place of each
    /// group at most, in the order of the groups: so no attempt waits for itself, or for one that waits for it.
    ///
    /// # Errors
    /// Too many failed.
    pub async fn enter(&self, group: Group, key: BucketKey, limit: usize) -> Result<Place, TooManyAttempts> {
        let bucket = self.own_bucket(key).unwrap_or_else(|| self.shared_bucket(group, key));
        enter(bucket, limit).await
    }

    /// Counts failures of an earlier process, all at the time of the last one.
    pub fn restore(&self, key: BucketKey, failures: usize, age: Duration) {
        let now = Instant::now();
        // A machine that has just started knows no earlier time.
        let last = now.checked_sub(age).unwrap_or(now);
        let Some(bucket) = self.own_bucket(key) else { return };
        let mut state = bucket.state();
        state.failures.extend(std::iter::repeat_n(last, failures.min(MAX_RESTORED)));
        state.is_saved = true;
    }

    /// The buckets with failures that are not stored: so many at most, those with most failures first.
    pub fn unsaved(&self, limit: usize) -> Vec<UnsavedBucket> {
        let all: Vec<_> = self.table().buckets.iter().map(|(key, bucket)| (*key, Arc::clone(bucket))).collect();
        let unsaved = all.into_iter().filter_map(|(key, bucket)| {
            let state = bucket.state();
            let last = *state.failures.back().filter(|_| !state.is_saved)?;
            let count = state.failures.len();
            drop(state);
            Some(UnsavedBucket { key, count, last, bucket })
        });
        let mut unsaved: Vec<_> = unsaved.collect();
        unsaved.sort_by_key(|unsaved| std::cmp::Reverse(unsaved.count));
        unsaved.truncate(limit);
        unsaved
    }

    /// How many buckets there are, apart from the shared ones.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.table().buckets.len()
    }

    #[cfg(test)]
    pub fn max(&self) -> usize {
        self.max
    }

    /// The bucket of this key alone, unless the table is full.
    fn own_bucket(&self, key: BucketKey) -> Option<Arc<Bucket>> {
        let mut table = self.table();
        if let Some(bucket) = table.buckets.get(&key) {
            return Some(Arc::clone(bucket));
        }
        table.sweep(self.max);
        let is_full = table.buckets.len() >= self.max;
        (!is_full).then(|| Arc::clone(table.buckets.entry(key).or_default()))
    }

    fn shared_bucket(&self, group: Group, key: BucketKey) -> Arc<Bucket> {
        let shared = self.shared.get_or_init(|| (0..GROUPS * SHARED_BUCKETS).map(|_| Arc::default()).collect());
        Arc::clone(&shared[group as usize * SHARED_BUCKETS + key.unsigned_abs() as usize % SHARED_BUCKETS])
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Removes buckets without failures that nobody uses, when there are many.
    fn sweep(&mut self, max: usize) {
        let now = Instant::now();
        if self.buckets.len() < self.sweep_at || self.sweep_at == max && now < self.swept + SWEEP_PAUSE {
            return;
        }
        self.buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || bucket.state().has_failures(now));
        self.sweep_at = (2 * self.buckets.len()).max(SWEEP_FROM).min(max);
        self.swept = now;
    }
}

/// A bucket whose failures are to be stored.
pub struct UnsavedBucket {
    pub key: BucketKey,
    pub count: usize,
    /// The time of the last failure.
    last: Instant,
    bucket: Arc<Bucket>,
}

impl UnsavedBucket {
    /// How long ago the last failure was.
    pub fn age(&self) -> Duration {
        self.last.elapsed()
    }

    /// It is stored, unless more failures came meanwhile.
    pub fn set_saved(self) {
        let mut state = self.bucket.state();
        state.is_saved = state.failures.back() == Some(&self.last);
    }
}

/// The failures of the last minute, and the attempts under way.
#[derive(Debug, Default)]
struct Bucket {
    state: Mutex<State>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: VecDeque<Instant>,
    under_way: usize,
    is_saved: bool,
}

impl State {
    fn has_failures(&self, now: Instant) -> bool {
        self.failures.back().is_some_and(|failure| now.duration_since(*failure) < WINDOW)
    }
}

impl Bucket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a bucket while an attempt is under way.
pub struct Place {
    bucket: Arc<Bucket>,
    pub counts: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.bucket.state();
        state.under_way -= 1;
        if self.counts {
            state.failures.push_back(Instant::now());
            state.is_saved = false;
        }
        drop(state);
        self.bucket.settled.notify_waiters();
    }
}

async fn enter(bucket: Arc<Bucket>, limit: usize) -> Result<Place, TooManyAttempts> {
    loop {
        let settled = bucket.settled.notified();
        {
            let mut state = bucket.state();
            let now = Instant::now();
            while state.failures.front().is_some_and(|failure| now.duration_since(*failure) >= WINDOW) {
                state.failures.pop_front();
            }
            if state.failures.len() >= limit {
                let oldest = state.failures.front().map_or(Duration::ZERO, |failure| now.duration_since(*failure));
                let retry_after_seconds = WINDOW.saturating_sub(oldest).as_secs() + 1;
                return Err(TooManyAttempts { retry_after_seconds });
            }
            if state.failures.len() + state.under_way < limit {
                state.under_way += 1;
                break;
            }
        }
        settled.await;
    }
    Ok(Place { bucket, counts: false })
}
