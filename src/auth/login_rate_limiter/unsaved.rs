//! The logins that the login rate limiter has not written to the database yet.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Whether a user logged in from an address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    No,
    Yes,
    /// Yes, but the row must be refreshed before it expires.
    Ageing,
}

/// Unsaved logins. The buckets hold the unsaved failures.
#[derive(Debug, Default)]
pub struct Unsaved {
    logins: Mutex<HashSet<(i32, i64)>>,
    /// When failures were last written; `None` when the database has none.
    failures_saved: Mutex<Option<Instant>>,
}

impl Unsaved {
    pub fn logins(&self) -> MutexGuard<'_, HashSet<(i32, i64)>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn failures_saved(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failures_saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
