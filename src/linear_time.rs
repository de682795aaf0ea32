//! Asserts in tests that an algorithm takes linear time.

use std::time::Duration;

/// How many times larger the second input of a test is than the first.
pub(crate) const GROWTH: usize = 8;
/// The limit of the ratio of both times: about 8 is linear, 64 is quadratic. Caches and other processes can make the
/// larger input up to three times as slow without failing the test.
const MAX_RATIO: u32 = 24;
/// The minimum of several measurements counts, because other processes can only make a measurement longer.
const MIN_ROUNDS: usize = 2;
const MAX_ROUNDS: usize = 15;

/// Asserts that the time grows like the input. `measure` returns the time for the first or for the larger input.
///
/// # Panics
/// When the larger input takes more than [`MAX_RATIO`] times as long in each round.
pub(crate) fn assert_linear<I>(name: &str, [small, large]: [&I; 2], measure: impl Fn(&I) -> Duration) {
    let (mut small_time, mut large_time) = (Duration::MAX, Duration::MAX);
    for round in 1..=MAX_ROUNDS {
        small_time = small_time.min(measure(small));
        large_time = large_time.min(measure(large));
        if round >= MIN_ROUNDS && large_time <= MAX_RATIO * small_time {
            return;
        }
    }
    panic!("{name}: {large_time:?} for {GROWTH} times the input of {small_time:?}");
}
