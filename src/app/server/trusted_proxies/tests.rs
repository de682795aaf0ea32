//! Tests which address counts as the client's, also when the client sends forwarding headers.

use std::time::Instant;

use poem::http::{HeaderValue, header};

use super::*;
use crate::linear_time::{GROWTH, assert_linear};

fn client(header: ProxyHeader, peer: &str, headers: &[(&'static str, &[u8])]) -> String {
    client_over(Scheme::HTTP, header, peer, headers)
}

fn client_over(scheme: Scheme, header: ProxyHeader, peer: &str, headers: &[(&'static str, &[u8])]) -> String {
    let networks = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network"));
    let proxies = TrustedProxies::new(networks.to_vec(), header);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_bytes(value).expect("a value"));
    }
    let (address, scheme) = proxies.client((SocketAddr::new(peer.parse().expect("an address"), 1), scheme), &map);
    format!("{scheme} {}", address.ip())
}

#[test]
fn the_scheme_is_that_of_the_connection_unless_the_proxy_names_another() {
    let over_tls = |headers| client_over(Scheme::HTTPS, ProxyHeader::XForwardedFor, "10.0.0.1", headers);
    assert_eq!(over_tls(&[("x-forwarded-for", b"198.51.100.7")]), "https 198.51.100.7");
    assert_eq!(over_tls(&[("x-forwarded-proto", b"http")]), "http 10.0.0.1");
}

#[test]
fn the_nearest_untrusted_address_is_the_clients() {
    for (peer, name, value, expected) in [
        ("192.0.2.1", "x-forwarded-for", "198.51.100.7", "http 192.0.2.1"),
        ("10.0.0.1", "x-forwarded-for", "198.51.100.7", "http 198.51.100.7"),
        ("10.0.0.1", "x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.2", "http 198.51.100.7"),
        ("10.0.0.1", "x-forwarded-for", "10.0.0.3, 10.0.0.2", "http 10.0.0.3"),
        ("10.0.0.1", "x-forwarded-for", "198.51.100.7, unknown", "http 10.0.0.1"),
        ("10.0.0.1", "x-forwarded-for", "198.51.100.7, unknown, 10.0.0.2", "http 10.0.0.2"),
        ("10.0.0.1", "x-forwarded-for", "198.51.100.7, , 10.0.0.2,", "http 198.51.100.7"),
        ("10.0.0.1", "x-forwarded-for", "198.51.100.7:4711", "http 198.51.100.7"),
        ("10.0.0.1", "x-forwarded-for", "\", 198.51.100.7", "http 198.51.100.7"),
        ("10.0.0.1", "x-forwarded-proto", "https", "https 10.0.0.1"),
        ("10.0.0.1", "x-forwarded-proto", "https, http", "http 10.0.0.1"),
        ("192.0.2.1", "x-forwarded-proto", "https", "http 192.0.2.1"),
        ("::1", "forwarded", "for=\"[2001:db8::7]:4711\";proto=https", "https 2001:db8::7"),
        ("10.0.0.1", "forwarded", "for=203.0.113.9, for=198.51.100.7;proto=https", "https 198.51.100.7"),
        ("10.0.0.1", "forwarded", "for=_hidden", "http 10.0.0.1"),
        ("192.0.2.1", "forwarded", "for=198.51.100.7;proto=https", "http 192.0.2.1"),
        // Values that a client sends in the header, or in a Host header that the proxy quotes.
        ("10.0.0.1", "forwarded", "for=\"203.0.113.9, for=198.51.100.7;proto=https", "https 198.51.100.7"),
        ("10.0.0.1", "forwarded", "for=198.51.100.7;host=\"a, for=203.0.113.9\"", "http 198.51.100.7"),
        ("10.0.0.1", "forwarded", "for=198.51.100.7;host=\"a\\\", for=203.0.113.9\"", "http 198.51.100.7"),
        ("10.0.0.1", "forwarded", "host=\"a;for=203.0.113.9\";for=198.51.100.7", "http 198.51.100.7"),
        ("10.0.0.1", "forwarded", "for=203.0.113.9;for=198.51.100.7", "http 10.0.0.1"),
    ] {
        let header = if name == "forwarded" { ProxyHeader::Forwarded } else { ProxyHeader::XForwardedFor };
        assert_eq!(client(header, peer, &[(name, value.as_bytes())]), expected, "{peer} {name}: {value}");
    }
}

#[test]
fn only_the_header_that_the_proxy_writes_is_read() {
    let both: [(&str, &[u8]); 3] = [
        ("forwarded", b"for=203.0.113.9;proto=https"),
        ("x-forwarded-for", b"198.51.100.7"),
        ("x-forwarded-proto", b"http"),
    ];
    assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &both), "http 198.51.100.7");
    assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &both), "https 203.0.113.9");
    assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &both[..1]), "http 10.0.0.1");
    assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &both[1..]), "http 10.0.0.1");
}

#[test]
fn client_bytes_do_not_hide_what_the_proxy_appends() {
    let one: &[(&str, &[u8])] = &[("x-forwarded-for", b"\xff\xfe, 198.51.100.7")];
    assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", one), "http 198.51.100.7");
    let two: &[(&str, &[u8])] = &[("x-forwarded-for", b"203.0.113.9"), ("x-forwarded-for", b"198.51.100.7")];
    assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", two), "http 198.51.100.7");
    let unreadable: &[(&str, &[u8])] = &[("x-forwarded-for", b"203.0.113.9, \xff")];
    assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", unreadable), "http 10.0.0.1");
}

#[test]
fn an_ignored_header_is_logged_once() {
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")], ProxyHeader::XForwardedFor);
    let headers = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static("for=203.0.113.9"))]);
    proxies.client(("192.0.2.1:1".parse().expect("an address"), Scheme::HTTP), &headers);
    assert!(!proxies.has_warned.load(Ordering::Relaxed), "the peer is not a proxy");
    proxies.client(("10.0.0.1:1".parse().expect("an address"), Scheme::HTTP), &headers);
    assert!(proxies.has_warned.load(Ordering::Relaxed));
}

#[test]
fn a_long_header_is_split_in_linear_time() {
    let header = |length: usize| [b"\\".repeat(length), b"\"".repeat(length)].concat();
    assert_linear("a header", [&header(1000), &header(GROWTH * 1000)], |value| {
        let began = Instant::now();
        for _ in 0..20 {
            assert!(!split_from_the_end(value, b',').is_empty());
        }
        began.elapsed()
    });
}
