//! Who calls when a proxy stands in front: what trusted proxies say of the client counts, and what others say does not.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use poem::http::{HeaderMap, uri::Scheme};

/// The networks whose proxies are believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The client's address and scheme: those of the connection, unless a trusted proxy made it.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> (SocketAddr, Scheme) {
        if !self.trusts(peer.ip()) {
            return (peer, Scheme::HTTP);
        }
        let hops = hops(headers);
        // From the nearest on, up to the first that nobody trusted vouches for.
        let client = hops.iter().rev().map_while(|hop| *hop).find(|address| !self.trusts(*address));
        let farthest = || hops.iter().rev().map_while(|hop| *hop).last();
        let address = client.or_else(farthest).map_or(peer, |address| SocketAddr::new(address, 0));
        (address, scheme(headers))
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

/// The addresses that a request came through, as `Forwarded` tells (RFC 7239), or else `X-Forwarded-For`; nothing for a hop
/// that is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    match headers.contains_key("forwarded") {
        true => elements(headers, "forwarded").map(|element| address(parameter(element, "for")?)).collect(),
        false => elements(headers, "x-forwarded-for").map(address).collect(),
    }
}

/// What the nearest proxy says of how it was reached.
fn scheme(headers: &HeaderMap) -> Scheme {
    let told = match headers.contains_key("forwarded") {
        true => elements(headers, "forwarded").last().and_then(|element| parameter(element, "proto")),
        false => elements(headers, "x-forwarded-proto").last(),
    };
    if told.is_some_and(|told| told.eq_ignore_ascii_case("https")) { Scheme::HTTPS } else { Scheme::HTTP }
}

fn elements<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().trim_matches('"'))
}

/// An address as proxies write it: with a port or without, an IPv6 address in brackets or bare.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, name: &'static str, value: &str) -> String {
        let proxies =
            Proxies::new(vec!["10.0.0.0/8".parse().expect("a network"), "::1/128".parse().expect("a network")]);
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        let (address, scheme) = proxies.client(SocketAddr::new(peer.parse().expect("an address"), 1), &headers);
        format!("{scheme} {}", address.ip())
    }

    #[test]
    fn the_nearest_address_that_no_trusted_proxy_has_is_the_clients() {
        for (peer, name, value, expected) in [
            ("192.0.2.1", "x-forwarded-for", "198.51.100.7", "http 192.0.2.1"),
            ("10.0.0.1", "x-forwarded-for", "198.51.100.7", "http 198.51.100.7"),
            ("10.0.0.1", "x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.2", "http 198.51.100.7"),
            ("10.0.0.1", "x-forwarded-for", "10.0.0.3, 10.0.0.2", "http 10.0.0.3"),
            ("10.0.0.1", "x-forwarded-for", "198.51.100.7, unknown", "http 10.0.0.1"),
            ("10.0.0.1", "x-forwarded-for", "198.51.100.7:4711", "http 198.51.100.7"),
            ("::1", "forwarded", "for=\"[2001:db8::7]:4711\";proto=https", "https 2001:db8::7"),
            ("10.0.0.1", "forwarded", "for=203.0.113.9, for=198.51.100.7;proto=https", "https 198.51.100.7"),
            ("10.0.0.1", "forwarded", "for=_hidden", "http 10.0.0.1"),
            ("10.0.0.1", "x-forwarded-proto", "https", "https 10.0.0.1"),
            ("192.0.2.1", "x-forwarded-proto", "https", "http 192.0.2.1"),
        ] {
            assert_eq!(client(peer, name, value), expected, "{peer} {name}: {value}");
        }
    }
}
