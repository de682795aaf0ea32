//! The keys of an identity provider, as they were when they were last fetched.
//!
//! A token that names a key which is not among them has them fetched once more, since providers change their keys. Who
//! makes up names has them fetched no more often than that: so many times a minute, and never twice at once. While the
//! provider cannot be reached, the keys that are known stay good.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{algorithm::Algorithm, fetch::Source, key_set::Key};

/// How often the keys are fetched at most.
const MOST_FETCHES: usize = 6;
const IN: Duration = Duration::from_secs(60);
/// Keys that are older are fetched again in passing, so that one which the provider took back is forgotten.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// The provider was asked for its keys and gave none, so that it is not known whether a token is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    source: Source,
    /// Held while the keys are fetched.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Vec<Arc<Key>>,
    /// When the keys were fetched in the last minute, or it was tried.
    tried: VecDeque<Instant>,
    is_reachable: bool,
    fetched: Option<Instant>,
}

impl State {
    fn may_try(&mut self, now: Instant) -> bool {
        while self.tried.front().is_some_and(|tried| now.duration_since(*tried) >= IN) {
            self.tried.pop_front();
        }
        self.tried.len() < MOST_FETCHES
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.fetched.is_some_and(|fetched| now.duration_since(fetched) >= STALE_AFTER)
    }
}

impl Keys {
    pub fn new(source: Source) -> Self {
        Self(Arc::new(Inner { source, turn: tokio::sync::Mutex::default(), state: Mutex::default() }))
    }

    /// The keys with which a token may be signed that names this key and algorithm.
    ///
    /// # Errors
    /// None is known, and the provider cannot be asked for others.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Arc<Key>>, Unreachable> {
        let asked = Instant::now();
        let known = self.0.known(id, algorithm);
        if !known.is_empty() && !self.0.is_due(asked) {
            return Ok(known);
        }
        // In a task of its own: it goes on when the client goes away, and others may wait for it.
        let inner = Arc::clone(&self.0);
        let fetched = tokio::spawn(async move { inner.fetch(asked).await });
        if !known.is_empty() {
            return Ok(known);
        }
        fetched.await.map_err(|_| Unreachable)??;
        Ok(self.0.known(id, algorithm))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        self.state().keys.iter().filter(|key| key.fits(id, algorithm)).cloned().collect()
    }

    /// The keys are stale, and nobody is fetching them.
    fn is_due(&self, now: Instant) -> bool {
        let mut state = self.state();
        state.is_stale(now) && state.may_try(now) && self.turn.try_lock().is_ok()
    }

    /// Fetches the keys, unless somebody else did so since it was asked for, or it was done too often.
    async fn fetch(&self, asked: Instant) -> Result<(), Unreachable> {
        let _turn = self.turn.lock().await;
        let is_needed = {
            let mut state = self.state();
            let now = Instant::now();
            let is_needed = state.tried.back().is_none_or(|tried| *tried < asked) && state.may_try(now);
            if is_needed {
                state.tried.push_back(now);
            }
            is_needed
        };
        if is_needed {
            let fetched = self.source.fetch().await;
            let mut state = self.state();
            state.is_reachable = fetched.is_ok();
            match fetched {
                Ok(keys) => {
                    state.keys = keys.into_iter().map(Arc::new).collect();
                    state.fetched = Some(Instant::now());
                }
                Err(error) => tracing::warn!(%error, "the keys of the identity provider cannot be fetched"),
            }
        }
        if self.state().is_reachable { Ok(()) } else { Err(Unreachable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_so_often_a_minute_and_are_stale_after_ten() {
        let begin = Instant::now();
        let mut state = State { fetched: Some(begin), ..State::default() };
        for _ in 0..MOST_FETCHES {
            assert!(state.may_try(begin));
            state.tried.push_back(begin);
        }
        assert!(!state.may_try(begin + IN - Duration::from_millis(1)));
        assert!(state.may_try(begin + IN));
        assert!(!state.is_stale(begin + STALE_AFTER - Duration::from_millis(1)) && state.is_stale(begin + STALE_AFTER));
        assert!(!State::default().is_stale(begin), "what was never fetched is no older than anything");
    }
}
