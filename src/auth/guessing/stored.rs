//! What the rate limiter keeps in the database: known addresses, and failures that a restart must not forget.
//!
//! Nothing is written on the way of a login. What is new is written once a second, so a process that is killed forgets the
//! last second.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, DbErr};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Address, Guessing, Kind,
    buckets::{UnsavedBucket, WINDOW},
};
use crate::{
    store::{Store, Touched},
    users::{login_address, login_failure},
};

const SAVE_PERIOD: Duration = Duration::from_secs(1);
/// Buckets that are written at once.
const MAX_SAVED_BUCKETS: usize = 5000;
/// New logins that wait to be written.
const MAX_UNSAVED_LOGINS: usize = 5000;
/// A known address is written again when its last login is older than this.
const REFRESH_AFTER: TimeDelta = TimeDelta::days(1);

/// Whether a user logged in from an address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    No,
    Yes,
    /// It has to be written again, or it would be forgotten.
    Ageing,
}

/// What is not in the database yet, apart from failures.
#[derive(Debug, Default)]
pub struct Unsaved {
    logins: Mutex<HashSet<(i32, i64)>>,
    /// When failures were written last, until they are removed.
    failures_saved: Mutex<Option<Instant>>,
}

impl Unsaved {
    fn logins(&self) -> MutexGuard<'_, HashSet<(i32, i64)>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures_saved(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failures_saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guessing {
    /// Whether this user logged in from this address before. A user who does not exist takes the same statement.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn known(
        &self,
        db: &impl ConnectionTrait,
        user_id: Option<i32>,
        address: Address,
    ) -> Result<Known, DbErr> {
        let address = self.known_address(address);
        let stored = login_address::last_login(db, user_id, address).await?;
        let is_unsaved = user_id.is_some_and(|user_id| self.unsaved.logins().contains(&(user_id, address)));
        Ok(match stored {
            _ if is_unsaved => Known::Yes,
            None => Known::No,
            Some(age) if age > REFRESH_AFTER => Known::Ageing,
            Some(_) => Known::Yes,
        })
    }

    /// Notes that a user logged in from an address.
    pub fn note_login(&self, user_id: i32, address: Address, known: Known) {
        let mut logins = self.unsaved.logins();
        if known != Known::Yes && logins.len() < MAX_UNSAVED_LOGINS {
            logins.insert((user_id, self.known_address(address)));
        }
    }

    /// Goes on where an earlier process ended.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn restore(&self, store: &Store) -> Result<(), DbErr> {
        for failures in login_failure::list(store.reader(), window()).await? {
            self.buckets.restore(failures.bucket, failures.count, failures.age.to_std().unwrap_or_default());
        }
        *self.unsaved.failures_saved() = Some(Instant::now());
        Ok(())
    }

    /// Writes what is new once a second.
    pub async fn keep_saving(self, store: Store) {
        let mut due = interval(SAVE_PERIOD);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            if let Err(error) = self.save(&store).await {
                tracing::warn!(%error, "failed to save the state of the login rate limiter; it is tried again");
            }
        }
    }

    /// Writes what is new. Nothing is lost when that fails.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn save(&self, store: &Store) -> Result<(), DbErr> {
        let logins: Vec<_> = self.unsaved.logins().iter().copied().collect();
        let buckets = self.buckets.unsaved(MAX_SAVED_BUCKETS);
        // The last failures are removed when they are past their time, too.
        let has_past = self.unsaved.failures_saved().is_some_and(|saved| saved.elapsed() > WINDOW);
        if logins.is_empty() && buckets.is_empty() && !has_past {
            return Ok(());
        }
        write(store, logins.clone(), &buckets).await?;
        if !buckets.is_empty() || has_past {
            *self.unsaved.failures_saved() = (!buckets.is_empty()).then(Instant::now);
        }
        buckets.into_iter().for_each(UnsavedBucket::set_saved);
        let mut unsaved = self.unsaved.logins();
        logins.iter().for_each(|login| {
            unsaved.remove(login);
        });
        Ok(())
    }

    fn known_address(&self, address: Address) -> i64 {
        self.digest(Kind::KnownAddress, "", Some(address))
    }
}

async fn write(store: &Store, logins: Vec<(i32, i64)>, buckets: &[UnsavedBucket]) -> Result<(), DbErr> {
    let failures = buckets.iter().map(|bucket| login_failure::Failures {
        bucket: bucket.key,
        count: bucket.count,
        age: TimeDelta::from_std(bucket.age()).unwrap_or_default(),
    });
    let failures: Vec<_> = failures.collect();
    let save = store.write(move |transaction| {
        Box::pin(async move {
            login_address::remember(transaction, &logins).await?;
            login_failure::save(transaction, &failures).await?;
            login_failure::clear(transaction, window()).await?;
            Ok(((), Touched::Nothing))
        })
    });
    save.await
}

fn window() -> TimeDelta {
    TimeDelta::from_std(WINDOW).unwrap_or_default()
}
