//! The types of settings, and the functions that parse other settings.

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, SocketAddr},
    ops::Deref,
    str::FromStr,
};

use clap::{ValueEnum, builder::RangedU64ValueParser};
use ipnet::IpNet;

use crate::store;

/// Parses a number of connections.
pub(super) fn connections() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1_000_000)
}

/// Parses a network or a single address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or(address).map_err(|_| format!("`{text}` is neither a network, such as 10.0.0.0/8, nor an address"))
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "it takes an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// The URL of the database, which may contain a password.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl From<&str> for DatabaseUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Deref for DatabaseUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Leaves out the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&store::redact_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The header in which trusted proxies send the client's address and scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProxyHeader {
    Forwarded,
    #[default]
    XForwardedFor,
}

impl ProxyHeader {
    /// The value of the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
        }
    }
}

/// Where `/metrics` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metrics {
    /// Nowhere, and nothing is counted.
    Off,
    /// On the listener of the API.
    Path,
    /// On a separate listener.
    At(SocketAddr),
}

impl FromStr for Metrics {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "path" => Ok(Self::Path),
            address => address
                .parse()
                .map(Self::At)
                .map_err(|_| format!("`{text}` is not off, path, or an address and port such as 127.0.0.1:9090")),
        }
    }
}
