//! The login rate limiter: failed attempts are counted over the last minute, and when there were too many, the next one
//! is refused before any work is done for it.
//!
//! Only failures count. An attempt takes a place in each of its buckets while its password is verified, so that many at
//! once are no way around; an attempt that finds a bucket full of attempts under way waits for their end. A login from an
//! address from which this user logged in before is not counted with the strangers' logins, so that they cannot lock the
//! user out.
//!
//! An account is known here by the name that is tried, whether or not there is such a user: limits tell nothing.

mod buckets;
mod stored;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};

use hmac::{Hmac, KeyInit, Mac};
use poem::{Addr, web::RemoteAddr};
use sha2::Sha256;

pub use self::stored::Known;
use self::{
    buckets::{BucketKey, Buckets, Group, Place},
    stored::Unsaved,
};
use crate::{
    error::TooManyAttempts,
    users::{self, password::Requester},
};

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

impl Address {
    /// Who asks for the work of a login from here, unless a user does.
    pub fn requester(self) -> Requester {
        Requester::Address(self.0)
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

/// What a digest is of.
#[derive(Clone, Copy)]
enum Kind {
    Bucket(Group),
    /// The address of a user, as it is stored.
    KnownAddress,
}

/// Counts the attempts that fail.
#[derive(Clone)]
pub struct Guessing {
    limits: GuessLimits,
    /// The key of the digests, without which they tell nothing of names and addresses.
    key: [u8; 32],
    buckets: Arc<Buckets>,
    unsaved: Arc<Unsaved>,
}

impl fmt::Debug for Guessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guessing")
    }
}

impl Guessing {
    pub fn new(limits: GuessLimits, key: [u8; 32]) -> Self {
        Self { limits, key, buckets: Arc::default(), unsaved: Arc::default() }
    }

    /// Lets an attempt in, when not too many failed before it.
    ///
    /// # Errors
    /// Too many failed.
    pub async fn enter(&self, name: &str, address: Address, known: Known) -> Result<Attempt, TooManyAttempts> {
        let name = users::fold(name);
        let enter = async |group, name: &str, address: Option<Address>, limit| {
            let key = self.digest(Kind::Bucket(group), name, address);
            self.buckets.enter(group, key, limit).await
        };
        let mut places = vec![enter(Group::Address, "", Some(address), self.limits.address).await?];
        if known == Known::No {
            places.push(enter(Group::Account, &name, None, self.limits.account).await?);
        }
        places.push(enter(Group::Pair, &name, Some(address), self.limits.pair).await?);
        // From here on, an attempt that is given up has failed.
        places.iter_mut().for_each(|place| place.counts = true);
        Ok(Attempt { places })
    }

    /// A number that stands for a name, an address, or both.
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

/// An attempt under way. It has failed unless it is said to be void.
pub struct Attempt {
    places: Vec<Place>,
}

impl Attempt {
    /// The password was right, or nothing was found out.
    pub fn void(mut self) {
        self.places.iter_mut().for_each(|place| place.counts = false);
    }
}

#[cfg(test)]
mod tests;
