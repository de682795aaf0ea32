//! Leaves a target alone for a while that fails again and again.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// After so many failures in a row it is left alone.
const FAILURES: u32 = 5;
/// For so long, until one call tries it again.
const REST: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Lets a call through, or tells how long the target is still left alone.
    ///
    /// After the rest one call is let through; the others wait for what comes of it.
    ///
    /// # Errors
    /// The target is left alone.
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

    /// How long no call is let through, if none is.
    pub fn remaining_rest(&self, now: Instant) -> Option<Duration> {
        self.state().rests_until.filter(|end| *end > now).map(|end| end - now)
    }

    /// Takes note of how a call ended.
    pub fn record(&self, is_well: bool, now: Instant) {
        let mut state = self.state();
        if is_well {
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
    fn five_failures_in_a_row_open_it_for_half_a_minute_and_then_one_call_tries() {
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
        assert!(breaker.enter(later).is_ok(), "one tries");
        assert!(breaker.enter(later).is_err(), "the others wait");
        breaker.record(false, later);
        assert_eq!(breaker.remaining_rest(later), Some(REST));
        let much_later = later + REST;
        assert!(breaker.enter(much_later).is_ok());
        breaker.record(true, much_later);
        assert!(breaker.remaining_rest(much_later).is_none() && breaker.enter(much_later).is_ok());
    }
}
