//! Limits how often rejected tokens are logged, so that a client cannot fill the disk.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const LINES_PER_SECOND: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct LogLimit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    logged: u32,
    left_out: u64,
}

impl LogLimit {
    /// Admits a line and returns how many were left out since the last one. `None`: do not log this line.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.since.is_none_or(|since| now.duration_since(since) >= SECOND) {
            (state.since, state.logged) = (Some(now), 0);
        }
        if state.logged >= LINES_PER_SECOND {
            state.left_out += 1;
            return None;
        }
        state.logged += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_logged_and_the_rest_is_counted() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        let admitted = |now: Instant| (0..100).filter_map(|_| limit.admit(now)).collect::<Vec<_>>();
        assert_eq!(admitted(start), [0; 10]);
        assert_eq!(admitted(start + SECOND / 2), [0; 0]);
        assert_eq!(limit.admit(start + SECOND), Some(190));
    }
}
