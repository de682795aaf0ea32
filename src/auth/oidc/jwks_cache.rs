//! Caches the keys of an identity provider.
//!
//! A token with an unknown key id triggers a fetch, because providers rotate their keys. Fetches are rate limited and
//! never run in parallel, so invented key ids cannot flood the provider. While the provider is unreachable, cached keys
//! stay valid.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{algorithm::Algorithm, jwks::SigningKey, jwks_client::JwksClient};

/// Fetches allowed per window.
const MAX_FETCHES: usize = 6;
const FETCH_WINDOW: Duration = Duration::from_secs(60);
/// Older keys are refreshed in the background, so that revoked keys are dropped.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// The keys could not be fetched, so the token cannot be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

#[derive(Clone)]
pub struct JwksCache(Arc<Inner>);

struct Inner {
    client: JwksClient,
    /// Held during a fetch.
    fetch_lock: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Vec<Arc<SigningKey>>,
    /// Times of the fetches in the last window, successful or not.
    attempts: VecDeque<Instant>,
    is_reachable: bool,
    fetched_at: Option<Instant>,
}

impl State {
    fn may_fetch(&mut self, now: Instant) -> bool {
        while self.attempts.front().is_some_and(|attempt| now.duration_since(*attempt) >= FETCH_WINDOW) {
            self.attempts.pop_front();
        }
        self.attempts.len() < MAX_FETCHES
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.fetched_at.is_some_and(|fetched_at| now.duration_since(fetched_at) >= STALE_AFTER)
    }
}

impl JwksCache {
    pub fn new(client: JwksClient) -> Self {
        Self(Arc::new(Inner { client, fetch_lock: tokio::sync::Mutex::default(), state: Mutex::default() }))
    }

    /// The keys that may verify a token with this `kid` and `alg`.
    ///
    /// # Errors
    /// No cached key fits, and the keys cannot be fetched.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Arc<SigningKey>>, Unreachable> {
        let requested_at = Instant::now();
        let cached = self.0.cached(id, algorithm);
        if !cached.is_empty() && !self.0.is_due(requested_at) {
            return Ok(cached);
        }
        // In its own task: the fetch continues when this client disconnects, since other requests may wait for it.
        let inner = Arc::clone(&self.0);
        let fetch = tokio::spawn(async move { inner.fetch(requested_at).await });
        if !cached.is_empty() {
            return Ok(cached);
        }
        fetch.await.map_err(|_| Unreachable)??;
        Ok(self.0.cached(id, algorithm))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<SigningKey>> {
        self.state().keys.iter().filter(|key| key.fits(id, algorithm)).cloned().collect()
    }

    /// Whether the keys are stale and no fetch is running.
    fn is_due(&self, now: Instant) -> bool {
        let mut state = self.state();
        state.is_stale(now) && state.may_fetch(now) && self.fetch_lock.try_lock().is_ok()
    }

    /// Fetches the keys, unless another task did so after `requested_at` or the rate limit is reached.
    async fn fetch(&self, requested_at: Instant) -> Result<(), Unreachable> {
        let _guard = self.fetch_lock.lock().await;
        let is_needed = {
            let mut state = self.state();
            let now = Instant::now();
            let is_needed = state.attempts.back().is_none_or(|attempt| *attempt < requested_at) && state.may_fetch(now);
            if is_needed {
                state.attempts.push_back(now);
            }
            is_needed
        };
        if is_needed {
            let fetched = self.client.fetch().await;
            let mut state = self.state();
            state.is_reachable = fetched.is_ok();
            match fetched {
                Ok(keys) => {
                    state.keys = keys.into_iter().map(Arc::new).collect();
                    state.fetched_at = Some(Instant::now());
                }
                Err(error) => tracing::warn!(%error, "failed to fetch the keys of the identity provider"),
            }
        }
        if self.state().is_reachable { Ok(()) } else { Err(Unreachable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_are_rate_limited_and_keys_become_stale() {
        let begin = Instant::now();
        let mut state = State { fetched_at: Some(begin), ..State::default() };
        for _ in 0..MAX_FETCHES {
            assert!(state.may_fetch(begin));
            state.attempts.push_back(begin);
        }
        assert!(!state.may_fetch(begin + FETCH_WINDOW - Duration::from_millis(1)));
        assert!(state.may_fetch(begin + FETCH_WINDOW));
        assert!(!state.is_stale(begin + STALE_AFTER - Duration::from_millis(1)) && state.is_stale(begin + STALE_AFTER));
        assert!(!State::default().is_stale(begin), "keys that were never fetched are not stale");
    }
}
