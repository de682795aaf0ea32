//! The queue for hashing and verifying passwords: bounded, and fair between those who ask for the work.
//!
//! The requester that was served least lately is served next, so one that asks for much delays mostly itself. Users and
//! strangers take turns, so no number of unfamiliar addresses keeps users out. Which job is next, and which one a full
//! queue gives up, are functions over values; [`HashQueue`] adds the lock and the waiting.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Jobs that wait at most; with one more, the queue evicts one.
pub const MAX_WAITING: usize = 64;
/// After this many jobs, what was counted before counts half.
const JOBS_PER_HALF_LIFE: usize = 256;
/// A count that is down to this is forgotten.
const LEAST_COUNT: f32 = 0.1;

/// Who asks for the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requester {
    /// The server itself, or the command line.
    Server,
    /// A caller who is authenticated, or a login from an address from which this user logged in before.
    User(i32),
    /// Any other login, by its address.
    Address(Option<IpAddr>),
}

impl Requester {
    fn is_stranger(self) -> bool {
        matches!(self, Self::Address(_))
    }
}

/// How many jobs each requester had lately. Each entry costs a job, and few jobs pass before it is removed: that bounds it.
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
                *count > LEAST_COUNT
            });
        }
    }
}

/// The job to do next, of those that wait in the order of their arrival.
fn next_job(waiting: &[Requester], usage: impl Fn(Requester) -> f32, last_was_stranger: bool) -> Option<usize> {
    let has_other_class = waiting.iter().any(|requester| requester.is_stranger() != last_was_stranger);
    let in_turn = waiting
        .iter()
        .enumerate()
        .filter(|(_, requester)| !has_other_class || requester.is_stranger() != last_was_stranger);
    // Of equal ones, `min_by` takes the first, which waits longest.
    let next = in_turn.min_by(|(_, one), (_, other)| usage(**one).total_cmp(&usage(**other)));
    next.map(|(index, _)| index)
}

/// The job to give up, of too many: the newest of the requester that has and had most, in the larger class.
fn job_to_evict(waiting: &[Requester], usage: impl Fn(Requester) -> f32) -> Option<usize> {
    let strangers = waiting.iter().filter(|requester| requester.is_stranger()).count();
    let from_strangers = 2 * strangers >= waiting.len();
    let load = |requester: Requester| {
        let jobs = waiting.iter().filter(|other| **other == requester).count();
        usage(requester) + jobs as f32
    };
    let in_class = waiting.iter().enumerate().filter(|(_, requester)| requester.is_stranger() == from_strangers);
    // Of equal ones, `max_by` takes the last, which is the newest.
    let evicted = in_class.map(|(index, requester)| (index, load(*requester)));
    evicted.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(index, _)| index)
}

/// Jobs that wait, in the order of their arrival.
struct Jobs<T> {
    requesters: Vec<Requester>,
    jobs: Vec<T>,
    usage: Usage,
    last_was_stranger: bool,
}

impl<T> Jobs<T> {
    fn new() -> Self {
        Self { requesters: Vec::new(), jobs: Vec::new(), usage: Usage::default(), last_was_stranger: false }
    }

    /// Counts a job that begins.
    fn begin(&mut self, requester: Requester) {
        self.usage.add(requester);
        self.last_was_stranger = requester.is_stranger();
    }

    /// Adds a job. When too many wait, one is evicted, which may be this one.
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

    /// Takes the job that is next, and counts it.
    fn pop(&mut self) -> Option<T> {
        let next = next_job(&self.requesters, |requester| self.usage.of(requester), self.last_was_stranger)?;
        let requester = self.requesters.remove(next);
        self.begin(requester);
        Some(self.jobs.remove(next))
    }

    /// Removes the jobs that are no longer wanted.
    fn retain(&mut self, is_wanted: impl Fn(&T) -> bool) {
        // Each job is asked once: a caller who leaves between two answers would part the two lists.
        let wanted: Vec<bool> = self.jobs.iter().map(is_wanted).collect();
        let (mut of_requesters, mut of_jobs) = (wanted.iter(), wanted.iter());
        self.requesters.retain(|_| of_requesters.next().copied().unwrap_or_default());
        self.jobs.retain(|_| of_jobs.next().copied().unwrap_or_default());
    }
}

/// Gives out as many permits at once as there are processors.
pub struct HashQueue {
    processors: usize,
    state: Mutex<State>,
}

struct State {
    working: usize,
    waiting: Jobs<oneshot::Sender<HashPermit>>,
}

/// The right to use a processor for one job. When it is dropped, the next job gets it.
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
        let turn = {
            let mut state = self.state();
            state.waiting.retain(|job| !job.is_closed()); // their callers are gone
            if state.working < self.processors && state.waiting.jobs.is_empty() {
                state.working += 1;
                state.waiting.begin(requester);
                return Ok(HashPermit(Arc::clone(self)));
            }
            let (job, turn) = oneshot::channel();
            state.waiting.push(requester, job);
            turn
        };
        turn.await.map_err(|_| Evicted)
    }

    /// Jobs that wait, and jobs under way.
    pub fn load(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.jobs.len(), state.working)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job that is still wanted. Without one, the processor is free.
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
            // Where the caller has just gone, the permit comes back, and is dropped again.
            drop(job.send(Self(Arc::clone(&self.0))));
        }
    }
}

#[cfg(test)]
mod tests;
