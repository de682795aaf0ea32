//! Exact failure counts per account, address and pair, in bounded memory.
//!
//! A bucket is never evicted before its failures are older than the window. Every failure takes one password
//! verification, so the table hardly fills within a minute. When it is full, new keys share a fixed number of buckets:
//! their failures add up, and they reach the limit earlier.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::error::TooManyAttempts;

pub const WINDOW: Duration = Duration::from_secs(60);
/// Exclusive buckets; further keys use shared buckets.
const MAX_BUCKETS: usize = 1 << 17;
/// Shared buckets in each group.
const SHARED_BUCKETS: usize = 4096;
const GROUPS: usize = 3;
/// Failures per bucket that are restored from the database.
const MAX_RESTORED: usize = 10_000;
/// The table is swept when it reaches this size, or twice its size after the last sweep.
const SWEEP_FROM: usize = 1024;
/// Minimum time between sweeps while the table stays full.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// The keyed digest of an account, an address, or both.
pub type BucketKey = i64;

/// What a bucket counts. Attempts acquire permits in this order; shared buckets belong to one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketGroup {
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

    /// Acquires a permit in a bucket. Waits while attempts in flight fill it. An attempt takes at most one permit per
    /// group, in the order of the groups, so attempts cannot deadlock.
    ///
    /// # Errors
    /// Too many attempts failed.
    pub async fn enter(&self, group: BucketGroup, key: BucketKey, limit: usize) -> Result<Permit, TooManyAttempts> {
        let bucket = self.exclusive_bucket(key).unwrap_or_else(|| self.shared_bucket(group, key));
        enter(bucket, limit).await
    }

    /// Restores the failures of an earlier process, all with the time of the last failure.
    pub fn restore(&self, key: BucketKey, failures: usize, age: Duration) {
        let now = Instant::now();
        // `Instant` cannot be earlier than the start of the machine.
        let last = now.checked_sub(age).unwrap_or(now);
        let Some(bucket) = self.exclusive_bucket(key) else { return };
        let mut state = bucket.state();
        state.failures.extend(std::iter::repeat_n(last, failures.min(MAX_RESTORED)));
        state.is_saved = true;
    }

    /// Up to `limit` buckets with unsaved failures, most failures first.
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

    /// The number of exclusive buckets.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.table().buckets.len()
    }

    #[cfg(test)]
    pub fn max(&self) -> usize {
        self.max
    }

    /// The exclusive bucket of this key; `None` when the table is full.
    fn exclusive_bucket(&self, key: BucketKey) -> Option<Arc<Bucket>> {
        let mut table = self.table();
        if let Some(bucket) = table.buckets.get(&key) {
            return Some(Arc::clone(bucket));
        }
        table.sweep(self.max);
        let is_full = table.buckets.len() >= self.max;
        (!is_full).then(|| Arc::clone(table.buckets.entry(key).or_default()))
    }

    fn shared_bucket(&self, group: BucketGroup, key: BucketKey) -> Arc<Bucket> {
        let shared = self.shared.get_or_init(|| (0..GROUPS * SHARED_BUCKETS).map(|_| Arc::default()).collect());
        Arc::clone(&shared[group as usize * SHARED_BUCKETS + key.unsigned_abs() as usize % SHARED_BUCKETS])
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Removes unused buckets without failures, when the table is large.
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

/// A bucket with failures that must be saved.
pub struct UnsavedBucket {
    pub key: BucketKey,
    pub count: usize,
    /// The time of the last failure.
    last: Instant,
    bucket: Arc<Bucket>,
}

impl UnsavedBucket {
    /// Time since the last failure.
    pub fn age(&self) -> Duration {
        self.last.elapsed()
    }

    /// Marks the bucket as saved, unless a new failure arrived since.
    pub fn set_saved(self) {
        let mut state = self.bucket.state();
        state.is_saved = state.failures.back() == Some(&self.last);
    }
}

/// The failures of the last minute and the number of attempts in flight.
#[derive(Debug, Default)]
struct Bucket {
    state: Mutex<State>,
    attempt_ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: VecDeque<Instant>,
    in_flight: usize,
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

/// A permit in a bucket for an attempt in flight.
pub struct Permit {
    bucket: Arc<Bucket>,
    /// Whether dropping the permit counts a failure.
    pub counts_as_failure: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.bucket.state();
        state.in_flight -= 1;
        if self.counts_as_failure {
            state.failures.push_back(Instant::now());
            state.is_saved = false;
        }
        drop(state);
        self.bucket.attempt_ended.notify_waiters();
    }
}

async fn enter(bucket: Arc<Bucket>, limit: usize) -> Result<Permit, TooManyAttempts> {
    loop {
        let attempt_ended = bucket.attempt_ended.notified();
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
            if state.failures.len() + state.in_flight < limit {
                state.in_flight += 1;
                break;
            }
        }
        attempt_ended.await;
    }
    Ok(Permit { bucket, counts_as_failure: false })
}
