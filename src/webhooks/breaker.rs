//! A circuit breaker: blocks the calls to a target for a while after repeated failures.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Number of failures in a row that opens the breaker.
const FAILURES: u32 = 5;
/// How long the breaker stays open, before one call tries the target again.
const REST: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Lets a call through if the breaker is closed. After the rest, one call is let through as a trial; other calls
    /// stay blocked until it succeeds.
    ///
    /// # Errors
    /// The breaker is open for this remaining time.
    pub fn enter(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        match state.rests_until {
            Some(end) if end > now => Err(end - now),
            Some(_) => {
                state.rests_until = Some(now + REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// How long the breaker stays open; `None` if it is closed.
    pub fn open_for(&self, now: Instant) -> Option<Duration> {
        self.state().rests_until.filter(|end| *end > now).map(|end| end - now)
    }

    /// Records how a call ended.
    pub fn record(&self, is_success: bool, now: Instant) {
        let mut state = self.state();
        if is_success {
            *state = State::default();
        } else {
            state.failures += 1;
            if state.failures >= FAILURES {
                state.rests_until = Some(now + REST);
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_for_half_a_minute() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            breaker.record(false, start);
        }
        breaker.record(true, start);
        for _ in 0..4 {
            breaker.record(false, start);
        }
        assert!(breaker.enter(start).is_ok(), "not in a row");
        breaker.record(false, start);
        assert_eq!(breaker.enter(start), Err(REST));
        let later = start + REST;
        assert!(breaker.enter(later).is_ok(), "one call tries");
        assert!(breaker.enter(later).is_err(), "the other calls stay blocked");
        breaker.record(false, later);
        assert_eq!(breaker.open_for(later), Some(REST));
        let much_later = later + REST;
        assert!(breaker.enter(much_later).is_ok());
        breaker.record(true, much_later);
        assert!(breaker.open_for(much_later).is_none() && breaker.enter(much_later).is_ok());
    }
}
