//! A bounded, fair queue for hashing and verifying passwords.
//!
//! The next job comes from the requester with the fewest recent jobs, so a requester with many jobs mostly delays its
//! own. Users and unfamiliar addresses take turns, so that no number of addresses can block users. Choosing the next
//! job and the job to evict are pure functions; [`HashQueue`] adds the lock and the waiting.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Maximum number of waiting jobs; a further job evicts one.
pub const MAX_WAITING: usize = 64;
/// All counts are halved after this many jobs.
const JOBS_PER_HALF_LIFE: usize = 256;
/// Counts at or below this are removed.
const MIN_COUNT: f32 = 0.1;

/// The requester of a job, by which the queue is fair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requester {
    /// The server itself, or the command line.
    Server,
    /// An authenticated caller, or a login from an address from which this user logged in before.
    User(i32),
    /// A login from an unfamiliar address.
    Address(Option<IpAddr>),
}

impl Requester {
    fn is_unfamiliar(self) -> bool {
        matches!(self, Self::Address(_))
    }
}

/// Recent jobs per requester. The size is bounded, because counts decay with each job.
#[derive(Default)]
struct Usage {
    counts: HashMap<Requester, f32>,
    jobs: usize,
}

impl Usage {
    fn of(&self, requester: Requester) -> f32 {
        self.counts.get(&requester).copied().unwrap_or_default()
    }

    fn add(&mut self, requester: Requester) {
        *self.counts.entry(requester).or_default() += 1.0;
        self.jobs += 1;
        if self.jobs.is_multiple_of(JOBS_PER_HALF_LIFE) {
            self.counts.retain(|_, count| {
                *count /= 2.0;
                *count > MIN_COUNT
            });
        }
    }
}

/// The index of the next job. `waiting` is in the order of arrival.
fn next_job(waiting: &[Requester], usage: impl Fn(Requester) -> f32, last_was_unfamiliar: bool) -> Option<usize> {
    let has_other_class = waiting.iter().any(|requester| requester.is_unfamiliar() != last_was_unfamiliar);
    let candidates = waiting
        .iter()
        .enumerate()
        .filter(|(_, requester)| !has_other_class || requester.is_unfamiliar() != last_was_unfamiliar);
    // Of equal candidates `min_by` takes the first, which waits longest.
    let next = candidates.min_by(|(_, one), (_, other)| usage(**one).total_cmp(&usage(**other)));
    next.map(|(index, _)| index)
}

/// The index of the job to evict: the newest job of the requester with the most waiting and recent jobs, in the larger
/// class.
fn job_to_evict(waiting: &[Requester], usage: impl Fn(Requester) -> f32) -> Option<usize> {
    let unfamiliar = waiting.iter().filter(|requester| requester.is_unfamiliar()).count();
    let from_unfamiliar = 2 * unfamiliar >= waiting.len();
    let load = |requester: Requester| {
        let jobs = waiting.iter().filter(|other| **other == requester).count();
        usage(requester) + jobs as f32
    };
    let in_class = waiting.iter().enumerate().filter(|(_, requester)| requester.is_unfamiliar() == from_unfamiliar);
    // Of equal jobs `max_by` takes the last, which is the newest.
    let evicted = in_class.map(|(index, requester)| (index, load(*requester)));
    evicted.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(index, _)| index)
}

/// Waiting jobs in the order of arrival.
struct Jobs<T> {
    requesters: Vec<Requester>,
    jobs: Vec<T>,
    usage: Usage,
    last_was_unfamiliar: bool,
}

impl<T> Jobs<T> {
    fn new() -> Self {
        Self { requesters: Vec::new(), jobs: Vec::new(), usage: Usage::default(), last_was_unfamiliar: false }
    }

    /// Counts a job that starts.
    fn begin(&mut self, requester: Requester) {
        self.usage.add(requester);
        self.last_was_unfamiliar = requester.is_unfamiliar();
    }

    /// Adds a job. When the queue is full, evicts and returns a job, possibly this one.
    fn push(&mut self, requester: Requester, job: T) -> Option<T> {
        self.requesters.push(requester);
        self.jobs.push(job);
        if self.jobs.len() <= MAX_WAITING {
            return None;
        }
        let evicted = job_to_evict(&self.requesters, |requester| self.usage.of(requester))?;
        self.requesters.remove(evicted);
        Some(self.jobs.remove(evicted))
    }

    /// Takes and counts the next job.
    fn pop(&mut self) -> Option<T> {
        let next = next_job(&self.requesters, |requester| self.usage.of(requester), self.last_was_unfamiliar)?;
        let requester = self.requesters.remove(next);
        self.begin(requester);
        Some(self.jobs.remove(next))
    }

    /// Removes the jobs that are no longer wanted.
    fn retain(&mut self, is_wanted: impl Fn(&T) -> bool) {
        // Ask once per job: the answer can change, and both lists must stay in step.
        let wanted: Vec<bool> = self.jobs.iter().map(is_wanted).collect();
        let (mut of_requesters, mut of_jobs) = (wanted.iter(), wanted.iter());
        self.requesters.retain(|_| of_requesters.next().copied().unwrap_or_default());
        self.jobs.retain(|_| of_jobs.next().copied().unwrap_or_default());
    }
}

/// Grants at most one permit per processor at a time.
pub struct HashQueue {
    processors: usize,
    state: Mutex<State>,
}

struct State {
    working: usize,
    waiting: Jobs<oneshot::Sender<HashPermit>>,
}

/// Permission to use a processor for one job. Dropping it starts the next job.
pub struct HashPermit(Arc<HashQueue>);

/// The job was evicted from a full queue.
#[derive(Debug)]
pub struct Evicted;

impl HashQueue {
    pub fn new(processors: usize) -> Arc<Self> {
        Arc::new(Self { processors, state: Mutex::new(State { working: 0, waiting: Jobs::new() }) })
    }

    /// Waits for a processor.
    pub async fn acquire(self: &Arc<Self>, requester: Requester) -> Result<HashPermit, Evicted> {
        let permit = {
            let mut state = self.state();
            state.waiting.retain(|job| !job.is_closed()); // drop cancelled jobs
            if state.working < self.processors && state.waiting.jobs.is_empty() {
                state.working += 1;
                state.waiting.begin(requester);
                return Ok(HashPermit(Arc::clone(self)));
            }
            let (job, permit) = oneshot::channel();
            state.waiting.push(requester, job);
            permit
        };
        permit.await.map_err(|_| Evicted)
    }

    /// The numbers of waiting and running jobs.
    pub fn load(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.jobs.len(), state.working)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job that is still wanted; without one, frees the processor.
    fn next(&self) -> Option<oneshot::Sender<HashPermit>> {
        let mut state = self.state();
        state.waiting.retain(|job| !job.is_closed());
        let next = state.waiting.pop();
        if next.is_none() {
            state.working -= 1;
        }
        next
    }
}

impl Drop for HashPermit {
    fn drop(&mut self) {
        if let Some(job) = self.0.next() {
            // If the caller has just been cancelled, `send` returns the permit, and it is dropped again.
            drop(job.send(Self(Arc::clone(&self.0))));
        }
    }
}

#[cfg(test)]
mod tests;
