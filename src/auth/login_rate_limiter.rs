//! The login rate limiter. It counts failed attempts over the last minute and rejects further attempts before their
//! password is verified.
//!
//! Only failures count. An attempt holds a permit in each of its buckets while its password is verified, so parallel
//! attempts cannot exceed the limit; an attempt waits while attempts in flight fill a bucket. Logins from an address
//! from which the user logged in before do not count towards the account's limit, so attackers cannot lock the user
//! out.
//!
//! The account is the name that was tried, whether or not such a user exists: the limits do not reveal user names.
//!
//! Known addresses and failures are written once a second in the background. A killed process loses the last second.

mod buckets;
mod unsaved;

use std::{
    fmt,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{ConnectionTrait, DbErr};
use sha2::Sha256;
use tokio::time::{MissedTickBehavior, interval};

pub use self::unsaved::Known;
use self::{
    buckets::{BucketGroup, BucketKey, Buckets, Permit, UnsavedBucket, WINDOW},
    unsaved::Unsaved,
};
use super::address::Address;
use crate::{
    error::TooManyAttempts,
    store::{Store, Touched},
    users::{self, login_address, login_failure},
};

const SAVE_PERIOD: Duration = Duration::from_secs(1);
/// Buckets per write.
const MAX_SAVED_BUCKETS: usize = 5000;
/// Logins that may wait to be written; further logins are not remembered.
const MAX_UNSAVED_LOGINS: usize = 5000;
/// A known address is written again at a login when its last login is older than this.
const REFRESH_AFTER: TimeDelta = TimeDelta::days(1);

/// Failed logins allowed per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessLimits {
    /// Per account and address.
    pair: usize,
    /// Per address.
    address: usize,
    /// Per account over all unfamiliar addresses.
    account: usize,
}

impl FromStr for GuessLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<usize> = text.split(',').map_while(|number| number.trim().parse().ok()).collect();
        match numbers[..] {
            [pair, address, account] if text.split(',').count() == 3 && numbers.iter().all(|number| *number > 0) => {
                Ok(Self { pair, address, account })
            }
            _ => Err(format!("`{text}` is not of the form 10,100,30")),
        }
    }
}

/// What a digest identifies.
#[derive(Clone, Copy)]
enum Kind {
    Bucket(BucketGroup),
    /// A known address of a user, as stored in the database.
    KnownAddress,
}

/// Limits failed login attempts.
#[derive(Clone)]
pub struct LoginRateLimiter {
    limits: GuessLimits,
    /// The HMAC key of the digests; without it they reveal no names or addresses.
    key: [u8; 32],
    buckets: Arc<Buckets>,
    unsaved: Arc<Unsaved>,
}

impl fmt::Debug for LoginRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginRateLimiter")
    }
}

impl LoginRateLimiter {
    pub fn new(limits: GuessLimits, key: [u8; 32]) -> Self {
        Self { limits, key, buckets: Arc::default(), unsaved: Arc::default() }
    }

    /// Starts an attempt. Waits while attempts in flight fill one of its buckets.
    ///
    /// # Errors
    /// Too many attempts failed.
    pub async fn enter(&self, name: &str, address: Address, known: Known) -> Result<LoginAttempt, TooManyAttempts> {
        let name = users::fold(name);
        let enter = async |group, name: &str, address: Option<Address>, limit| {
            let key = self.digest(Kind::Bucket(group), name, address);
            self.buckets.enter(group, key, limit).await
        };
        let mut permits = vec![enter(BucketGroup::Address, "", Some(address), self.limits.address).await?];
        if known == Known::No {
            permits.push(enter(BucketGroup::Account, &name, None, self.limits.account).await?);
        }
        permits.push(enter(BucketGroup::Pair, &name, Some(address), self.limits.pair).await?);
        // From here on, a dropped attempt counts as failed.
        permits.iter_mut().for_each(|permit| permit.counts_as_failure = true);
        Ok(LoginAttempt { permits })
    }

    /// Whether this user logged in from this address before. Runs the same statement for unknown users.
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

    /// Records that a user logged in from an address.
    pub fn note_login(&self, user_id: i32, address: Address, known: Known) {
        let mut logins = self.unsaved.logins();
        if known != Known::Yes && logins.len() < MAX_UNSAVED_LOGINS {
            logins.insert((user_id, self.known_address(address)));
        }
    }

    /// Loads the failures that an earlier process saved.
    pub async fn restore(&self, store: &Store) -> Result<(), DbErr> {
        for failures in login_failure::list(store.reader(), window()).await? {
            self.buckets.restore(failures.bucket, failures.count, failures.age.to_std().unwrap_or_default());
        }
        *self.unsaved.failures_saved() = Some(Instant::now());
        Ok(())
    }

    /// Saves new logins and failures once a second.
    pub async fn keep_saving(self, store: Store) {
        let mut due = interval(SAVE_PERIOD);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            if let Err(error) = self.save(&store).await {
                tracing::warn!(%error, "failed to save the state of the login rate limiter; retrying");
            }
        }
    }

    /// Saves new logins and failures. After an error they stay unsaved, and the next call tries again.
    pub async fn save(&self, store: &Store) -> Result<(), DbErr> {
        let logins: Vec<_> = self.unsaved.logins().iter().copied().collect();
        let buckets = self.buckets.unsaved(MAX_SAVED_BUCKETS);
        // Expired failures are removed from the database even when nothing is new.
        let has_expired = self.unsaved.failures_saved().is_some_and(|saved| saved.elapsed() > WINDOW);
        if logins.is_empty() && buckets.is_empty() && !has_expired {
            return Ok(());
        }
        write(store, logins.clone(), &buckets).await?;
        if !buckets.is_empty() || has_expired {
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

    /// The keyed digest of a name, an address, or both.
    fn digest(&self, kind: Kind, name: &str, address: Option<Address>) -> BucketKey {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(&[match kind {
            Kind::Bucket(group) => group as u8,
            Kind::KnownAddress => u8::MAX,
        }]);
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(address.map(|address| address.to_string()).unwrap_or_default().as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        i64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// An attempt in flight. Dropping it counts as a failure; see [`LoginAttempt::void`].
pub struct LoginAttempt {
    permits: Vec<Permit>,
}

impl LoginAttempt {
    /// Ends the attempt without counting a failure: the password was right, or it could not be verified.
    pub fn void(mut self) {
        self.permits.iter_mut().for_each(|permit| permit.counts_as_failure = false);
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

#[cfg(test)]
mod tests;
