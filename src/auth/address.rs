//! The client address of a request, as the login rate limiter counts it.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use poem::{Addr, web::RemoteAddr};

use crate::users::password::Requester;

/// An IPv4 address, or the /64 network of an IPv6 address: a client usually owns the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub(super) Option<IpAddr>);

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
    /// The requester for which the password hasher queues a login from this address, when the user is not known yet.
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
