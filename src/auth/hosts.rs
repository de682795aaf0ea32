//! Checks the `Host` header of requests against the hosts that the server accepts.
//!
//! Links and the cross-site check rely on this header. The check also stops DNS rebinding: a site can point its name to
//! this machine, but browsers still send that name as `Host`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use poem::{
    Request,
    http::{HeaderValue, Version, header, uri::Scheme},
};

use crate::error::Error;

/// Paths that accept every host: probes use arbitrary names, and the response contains only the health.
const HEALTH: [&str; 2] = ["/health/live", "/health/ready"];

/// A DNS name or IP address with an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    name: Name,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Address(IpAddr),
    /// In lower case.
    Dns(String),
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or_else(|| {
            format!(
                "`{text}` is not a host; give a name or address, such as kommando.example.com or [2001:db8::7]:8443"
            )
        })
    }
}

impl HostName {
    fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (Name::Address(IpAddr::from(address.parse::<Ipv6Addr>().ok()?).to_canonical()), port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (Name::parse(name)?, port)
            }
        };
        // RFC 3986 allows a colon without a port.
        let port = match port.strip_prefix(':') {
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None if port.is_empty() => None,
            None => return None,
        };
        Some(Self { name, port })
    }

    /// The port, or the default port of this scheme.
    fn port_or_default(&self, scheme: &Scheme) -> u16 {
        self.port.unwrap_or(if *scheme == Scheme::HTTPS { 443 } else { 80 })
    }

    /// Whether this host can have the given port. Without a port it can be 80 or 443: behind a proxy the scheme may be
    /// unknown.
    fn may_have(&self, port: u16) -> bool {
        self.port.map_or([80, 443].contains(&port), |own| own == port)
    }

    /// Whether both are the same host and port in a URL of this scheme.
    pub fn is_same(&self, other: &Self, scheme: &Scheme) -> bool {
        self.name == other.name && self.port_or_default(scheme) == other.port_or_default(scheme)
    }

    /// Whether this is `localhost` or a loopback address: always this machine, independent of DNS.
    pub fn is_loopback(&self) -> bool {
        match &self.name {
            Name::Address(address) => address.to_canonical().is_loopback(),
            Name::Dns(name) => name == "localhost",
        }
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let has_empty_label = text.strip_suffix('.').unwrap_or(text).split('.').any(str::is_empty);
        let is_dns_name = (1..=253).contains(&text.len()) && !has_empty_label && text.bytes().all(is_allowed);
        is_dns_name.then(|| Self::Dns(text.to_ascii_lowercase()))
    }
}

/// The hosts that a listener accepts.
#[derive(Clone, Debug)]
pub enum Hosts {
    Any,
    Listed(Vec<HostName>),
    /// The loopback names and addresses, and the configured hosts.
    Loopback(Vec<HostName>),
}

impl Hosts {
    /// The accepted hosts of a listener on this address, with the configured hosts.
    pub fn new(listen: SocketAddr, configured: Vec<HostName>) -> Self {
        let address = listen.ip().to_canonical();
        if address.is_loopback() {
            let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), address].map(Name::Address);
            let loopback = loopback.into_iter().chain([Name::Dns("localhost".to_owned())]);
            Self::Loopback(loopback.map(|name| HostName { name, port: None }).chain(configured).collect())
        } else if configured.is_empty() {
            Self::Any
        } else {
            Self::Listed(configured)
        }
    }

    /// Rejects a request unless it names exactly one accepted host. HTTP/1.0 requests may omit it.
    pub fn check(&self, request: &Request) -> Result<(), Error> {
        let host = named_host(request).map_err(|problem| Error::InvalidArgument(problem.to_owned()))?;
        let is_probe = HEALTH.contains(&request.uri().path());
        if is_probe || host.is_none_or(|host| self.accepts(&host)) {
            return Ok(());
        }
        Err(Error::InvalidArgument(self.rejection().to_owned()))
    }

    fn accepts(&self, host: &HostName) -> bool {
        let (Self::Listed(known) | Self::Loopback(known)) = self else { return true };
        known.iter().any(|known| known.name == host.name && known.port.is_none_or(|port| host.may_have(port)))
    }

    fn rejection(&self) -> &'static str {
        match self {
            Self::Loopback(_) => {
                "This server does not accept the host in the Host header. It listens on loopback and accepts \
                 localhost, 127.0.0.1, [::1] and the hosts in KOMMANDO_HOSTS. If a proxy on this machine forwards the \
                 Host header, KOMMANDO_HOSTS must name the public host."
            }
            _ => "This server does not accept the host in the Host header. KOMMANDO_HOSTS lists the accepted hosts.",
        }
    }
}

/// The host of the request's target or `Host` header; they must agree.
fn named_host(request: &Request) -> Result<Option<HostName>, &'static str> {
    let mut values = request.headers().get_all(header::HOST).iter();
    let host = match (values.next(), values.next()) {
        (None, _) if request.version() == Version::HTTP_11 => return Err("The request has no Host header."),
        (Some(_), Some(_)) => return Err("The request has more than one Host header."),
        (Some(value), None) if !value.is_empty() => Some(read(value).ok_or("The Host header is not a valid host.")?),
        _ => None,
    };
    let Some(target) = request.uri().authority() else { return Ok(host) };
    let target = HostName::parse(target.as_str()).ok_or("The host in the request target is not valid.")?;
    match host {
        Some(host) if !host.is_same(&target, request.scheme()) => {
            Err("The Host header and the request target name different hosts.")
        }
        _ => Ok(Some(target)),
    }
}

fn read(value: &HeaderValue) -> Option<HostName> {
    HostName::parse(value.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, named: &[&str]) -> Hosts {
        let named = named.iter().map(|name| name.parse().expect("a host"));
        Hosts::new(listen.parse().expect("an address"), named.collect())
    }

    fn ask(hosts: &Hosts, target: &str, host: Option<&str>) -> Result<(), String> {
        let mut request = Request::builder().uri(target.parse().expect("a target"));
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        hosts.check(&request.finish()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_loopback_listener_accepts_only_its_own_hosts() {
        let own =
            ["localhost", "LOCALHOST:9999", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[0:0::1]:1", "[::ffff:127.0.0.1]"];
        let others = [
            "evil.example",
            "localhost.evil.example",
            "localhost.",
            "127.0.0.1.evil.example:8080",
            "127.1",
            "2130706433",
            "127.0.0.2",
            "192.0.2.1",
            "[::2]",
            "kommando.example.com",
        ];
        let local = ["127.0.0.1:8080", "[::1]:8080", "[::ffff:127.0.0.1]:8080"];
        for listen in local {
            for host in own {
                assert_eq!(ask(&hosts(listen, &[]), "/", Some(host)), Ok(()), "{listen} {host}");
            }
            for host in others {
                let refusal = ask(&hosts(listen, &[]), "/", Some(host)).expect_err(host);
                assert!(refusal.contains("must name the public host"), "{refusal}");
            }
            let named = hosts(listen, &["kommando.example.com"]);
            assert_eq!(ask(&named, "/", Some("Kommando.Example.com")), Ok(()));
            assert_eq!(ask(&named, "/", Some("localhost")), Ok(()));
            assert!(ask(&named, "/", Some("evil.example")).is_err());
        }
        assert_eq!(ask(&hosts("127.0.0.2:80", &[]), "/", Some("127.0.0.2")), Ok(()), "its own address");
        for host in own.iter().chain(&others) {
            assert_eq!(ask(&hosts("0.0.0.0:8080", &[]), "/", Some(host)), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_list_restricts_a_public_listener() {
        let listed = ["kommando.example.com", "192.0.2.7:8443", "web.example.com:80", "tls.example.com:443"];
        let hosts = hosts("0.0.0.0:8080", &listed);
        for (host, is_accepted) in [
            ("kommando.example.com", true),
            ("kommando.example.com:8080", true),
            ("192.0.2.7:8443", true),
            ("192.0.2.7", false),
            ("web.example.com", true),
            ("web.example.com:8080", false),
            ("tls.example.com", true),
            ("tls.example.com:443", true),
            ("tls.example.com:80", false),
            ("[::ffff:192.0.2.7]:8443", true),
            ("localhost", false),
            ("10.1.2.3:8080", false),
        ] {
            assert_eq!(ask(&hosts, "/", Some(host)).is_ok(), is_accepted, "{host}");
            assert_eq!(ask(&hosts, "/health/live", Some(host)), Ok(()), "a probe");
        }
        assert!(ask(&hosts, "/", Some("10.1.2.3")).expect_err("a refusal").contains("KOMMANDO_HOSTS lists"));
    }

    #[test]
    fn host_header_and_request_target_must_agree() {
        let hosts = hosts("0.0.0.0:8080", &[]);
        for wrong in
            ["a b", "me@example.com", "a/b", "a:b", "a:65536", "a:-1", "[::1", "[::1]x", "::1", "é", "a,b", "a?"]
        {
            assert!(ask(&hosts, "/health/live", Some(wrong)).is_err(), "{wrong}");
        }
        assert!(ask(&hosts, "/", None).expect_err("a refusal").contains("no Host header"));
        assert_eq!(ask(&hosts, "/", Some("")), Ok(()), "none is named");
        assert_eq!(ask(&hosts, "http://a.example/", Some("A.example:80")), Ok(()));
        assert!(ask(&hosts, "http://b.example/", Some("a.example")).is_err());
        let local = Hosts::new("127.0.0.1:1".parse().expect("an address"), Vec::new());
        assert!(ask(&local, "http://evil.example/", Some("")).is_err());
    }

    #[test]
    fn an_invalid_host_is_rejected_and_quoted() {
        for wrong in ["", "*.example.com", "https://example.com", "example.com/x", "::1", "exämple.com"] {
            assert!(wrong.parse::<HostName>().expect_err(wrong).contains(&format!("`{wrong}` is not a host")));
        }
    }
}
