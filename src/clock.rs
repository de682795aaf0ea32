//! What time it is. The one place that asks the system; timers and deadlines run by themselves, and are no matter of this.

use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// How far the time in an id may be ahead of the one it was made for, since the clock may be set back.
pub const AHEAD: TimeDelta = TimeDelta::minutes(1);

static FROZEN: OnceLock<DateTime<Utc>> = OnceLock::new();

/// Now: what stands in records, and what tickets and passwords are held against.
pub fn now() -> DateTime<Utc> {
    FROZEN.get().copied().unwrap_or_else(wall)
}

/// The same in whole microseconds, which is what every database keeps.
pub fn now_in_micros() -> DateTime<Utc> {
    now().trunc_subsecs(6)
}

/// Now, as other systems see it, too: what webhooks are sent and signed by.
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A new id that begins with this time, which is now, and sorts behind those before. When the clock is set back by more
/// than [`AHEAD`], ids follow it, and sort among those of the time it is set to.
pub fn new_id(now: DateTime<Utc>) -> Uuid {
    static IDS: Mutex<Ids> = Mutex::new(Ids { count: ContextV7::new(), newest: DateTime::UNIX_EPOCH });
    IDS.lock().unwrap_or_else(PoisonError::into_inner).next(now)
}

/// Where the ids of a process have come to.
struct Ids {
    /// Of one and the same time, the count alone tells which came first.
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

/// Stops the clock at this time, for as long as the process lives. Only the demo does this, and only once.
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
    fn ids_sort_as_they_were_made_and_are_hardly_ahead_of_the_clock() {
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
