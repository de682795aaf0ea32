//! What time it is. The one place that asks the system; timers and deadlines run by themselves, and are no matter of this.

use std::sync::{Mutex, OnceLock};

use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

static FROZEN: OnceLock<DateTime<Utc>> = OnceLock::new();

/// Now: what stands in records, and what tickets and passwords are held against.
pub fn now() -> DateTime<Utc> {
    FROZEN.get().copied().unwrap_or_else(wall)
}

/// Now, as other systems see it, too: what webhooks are sent and signed by.
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A new id that begins with the time, and sorts behind those before.
pub fn new_id() -> Uuid {
    /// Of a time that stands, the count alone tells which came first.
    static COUNT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    let seconds = FROZEN.get().and_then(|time| u64::try_from(time.timestamp()).ok());
    match seconds {
        None => Uuid::now_v7(),
        Some(seconds) => Uuid::new_v7(Timestamp::from_unix(&COUNT, seconds, 0)),
    }
}

/// Stops the clock at this time, for as long as the process lives. Only the demo does this, and only once.
pub fn freeze(time: DateTime<Utc>) {
    FROZEN.get_or_init(|| time);
}
