//! Guessing passwords: failed attempts are counted over the last minute, and when there were too many, the next one is
//! refused before any work is done for it.
//!
//! Only failures count. An attempt takes a place in each of its buckets while its password is verified, so that many at
//! once are no way around; whoever finds a bucket full of attempts that are still under way waits for their end rather
//! than being refused. An address from which an account was entered before is counted apart from all others, so that
//! nobody is locked out from somewhere else.
//!
//! An account is known here by the name that is tried, whether or not there is such a user: limits tell nothing.

use std::{
    collections::VecDeque,
    fmt,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use moka::sync::Cache;
use poem::{Addr, web::RemoteAddr};
use tokio::sync::Notify;

use crate::{error::TooManyAttempts, users};

const WINDOW: Duration = Duration::from_secs(60);
/// How many accounts, addresses and pairs of them are counted at once; those tried most are kept.
const BUCKETS: u64 = 10_000;
/// How many places from which an account was entered are remembered, and for how long after the last time.
const KNOWN: u64 = 100_000;
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// How many attempts may fail in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessLimits {
    /// For one account, from one address.
    pair: usize,
    /// From one address.
    address: usize,
    /// For one account, from all addresses from which it was never entered.
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

/// Where a request comes from: an IPv4 address, or the network of an IPv6 one, since its owner has all of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(Option<IpAddr>);

impl From<&RemoteAddr> for Address {
    fn from(remote: &RemoteAddr) -> Self {
        let address = match &remote.0 {
            Addr::SocketAddr(address) => Some(address.ip().to_canonical()),
            _ => None,
        };
        Self(address.map(|address| match address {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
            address => address,
        }))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// Stands for a name that is tried, which may be long. Nobody outside can tell which names share one.
type Account = u64;

/// Counts the attempts that fail.
#[derive(Clone)]
pub struct Guessing {
    limits: GuessLimits,
    hasher: RandomState,
    pairs: Cache<(Account, Address), Arc<Bucket>>,
    addresses: Cache<Address, Arc<Bucket>>,
    accounts: Cache<Account, Arc<Bucket>>,
    known: Cache<(Account, Address), ()>,
}

impl fmt::Debug for Guessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guessing")
    }
}

impl Guessing {
    pub fn new(limits: GuessLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            pairs: Cache::builder().max_capacity(BUCKETS).time_to_idle(2 * WINDOW).build(),
            addresses: Cache::builder().max_capacity(BUCKETS).time_to_idle(2 * WINDOW).build(),
            accounts: Cache::builder().max_capacity(BUCKETS).time_to_idle(2 * WINDOW).build(),
            known: Cache::builder().max_capacity(KNOWN).time_to_idle(KNOWN_FOR).build(),
        }
    }

    /// Lets an attempt in, when not too many failed before it.
    ///
    /// # Errors
    /// Too many failed.
    pub async fn enter(&self, name: &str, address: Address) -> Result<Attempt<'_>, TooManyAttempts> {
        let pair = (self.hasher.hash_one(users::fold(name)), address);
        let mut places = vec![enter(self.addresses.get_with(address, Arc::default), self.limits.address).await?];
        if !self.known.contains_key(&pair) {
            places.push(enter(self.accounts.get_with(pair.0, Arc::default), self.limits.account).await?);
        }
        places.push(enter(self.pairs.get_with(pair, Arc::default), self.limits.pair).await?);
        // From here on, whoever goes away has failed.
        places.iter_mut().for_each(|place| place.counts = true);
        Ok(Attempt { guessing: self, pair, places })
    }
}

/// An attempt under way. It has failed unless it is said to have succeeded, or to be void.
pub struct Attempt<'a> {
    guessing: &'a Guessing,
    pair: (Account, Address),
    places: Vec<Place>,
}

impl Attempt<'_> {
    /// The password was right: the account is known at this address from now on.
    pub fn succeed(self) {
        self.guessing.known.insert(self.pair, ());
        self.void();
    }

    /// Nothing was found out.
    pub fn void(mut self) {
        self.places.iter_mut().for_each(|place| place.counts = false);
    }
}

/// The failures of the last minute, and the attempts under way.
#[derive(Debug, Default)]
struct Bucket {
    state: Mutex<State>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: VecDeque<Instant>,
    under_way: usize,
}

impl Bucket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a bucket while an attempt is under way.
struct Place {
    bucket: Arc<Bucket>,
    counts: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.bucket.state();
        state.under_way -= 1;
        if self.counts {
            state.failures.push_back(Instant::now());
        }
        drop(state);
        self.bucket.settled.notify_waiters();
    }
}

async fn enter(bucket: Arc<Bucket>, limit: usize) -> Result<Place, TooManyAttempts> {
    loop {
        let settled = bucket.settled.notified();
        {
            let mut state = bucket.state();
            let now = Instant::now();
            while state.failures.front().is_some_and(|failure| now.duration_since(*failure) >= WINDOW) {
                state.failures.pop_front();
            }
            if state.failures.len() >= limit {
                let oldest = state.failures.front().map_or(Duration::ZERO, |failure| now.duration_since(*failure));
                let retry_after_seconds = WINDOW.saturating_sub(oldest).as_secs() + 1;
                return Err(TooManyAttempts { retry_after_seconds });
            }
            if state.failures.len() + state.under_way < limit {
                state.under_way += 1;
                break;
            }
        }
        settled.await;
    }
    Ok(Place { bucket, counts: false })
}

#[cfg(test)]
mod tests;
