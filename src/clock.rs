//! The current time, and ids that contain it. Only this module reads the system clock. Timers do not use it.

use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Maximum time by which an id may be ahead of the clock, after the clock was set back.
pub const AHEAD: TimeDelta = TimeDelta::minutes(1);

static FROZEN: OnceLock<DateTime<Utc>> = OnceLock::new();

/// The current time for records and for the expiry of tickets and passwords. Frozen in a demo with `--clock`.
pub fn now() -> DateTime<Utc> {
    FROZEN.get().copied().unwrap_or_else(wall)
}

/// [`now`] in whole microseconds, the precision of all databases.
pub fn now_in_micros() -> DateTime<Utc> {
    now().trunc_subsecs(6)
}

/// The real time, never frozen, for sending and signing webhooks.
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A new id (UUIDv7) for this time, which sorts after all earlier ids of this process. If the clock was set back by
/// more than [`AHEAD`], ids follow the clock instead.
pub fn new_id(now: DateTime<Utc>) -> Uuid {
    static IDS: Mutex<Ids> = Mutex::new(Ids { count: ContextV7::new(), newest: DateTime::UNIX_EPOCH });
    IDS.lock().unwrap_or_else(PoisonError::into_inner).next(now)
}

/// The state of the id generator.
struct Ids {
    /// Orders ids with the same time.
    count: ContextV7,
    newest: DateTime<Utc>,
}

impl Ids {
    fn next(&mut self, now: DateTime<Utc>) -> Uuid {
        if now + AHEAD < self.newest {
            *self = Self { count: ContextV7::new(), newest: now };
        }
        self.newest = self.newest.max(now);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&self.count, seconds, now.timestamp_subsec_nanos()))
    }
}

/// Stops the clock at this time until the process ends. Only a demo does this, once.
pub fn freeze(time: DateTime<Utc>) {
    FROZEN.get_or_init(|| time);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(id: Uuid) -> i64 {
        let (seconds, nanoseconds) = id.get_timestamp().expect("a time").to_unix();
        seconds as i64 * 1000 + i64::from(nanoseconds / 1_000_000)
    }

    #[test]
    fn ids_are_ordered_and_hardly_ahead_of_the_clock() {
        let mut ids = Ids { count: ContextV7::new(), newest: DateTime::UNIX_EPOCH };
        let now = wall();
        let made = [0, 0, 0, 5, -59_000, 6].map(|later| ids.next(now + TimeDelta::milliseconds(later)));
        assert!(made.is_sorted() && made.windows(2).all(|two| two[0] != two[1]), "{made:?}");
        let back = now - TimeDelta::hours(2);
        let made = [0, 0, 1].map(|later| ids.next(back + TimeDelta::milliseconds(later)));
        assert!(made.is_sorted());
        assert_eq!(made.map(time), [0, 0, 1].map(|later| back.timestamp_millis() + later));
    }
}
