//! Finds the client's address and scheme behind trusted proxies. Forwarding headers of other peers are ignored.
//!
//! A proxy writes one kind of forwarding header and may pass the other kind on as the client sent it. So only the
//! configured kind is read.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ipnet::IpNet;
use poem::http::{HeaderMap, uri::Scheme};

use crate::config::ProxyHeader;

const FORWARDED: &str = "forwarded";
const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The networks of trusted proxies, and the header that they write.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ProxyHeader,
    /// Whether the warning about an ignored header was logged.
    has_warned: Arc<AtomicBool>,
}

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self { networks, header, has_warned: Arc::default() }
    }

    /// The client's address and scheme: from the header of a trusted proxy, or else those of the connection.
    pub fn client(&self, (peer, scheme): (SocketAddr, Scheme), headers: &HeaderMap) -> (SocketAddr, Scheme) {
        if !self.trusts(peer.ip()) {
            return (peer, scheme);
        }
        self.warn_of_ignored(peer, headers);
        let (hops, told) = match self.header {
            ProxyHeader::Forwarded => (forwarded_hops(headers), forwarded_scheme(headers)),
            ProxyHeader::XForwardedFor => (x_forwarded_hops(headers), x_forwarded_scheme(headers)),
        };
        // Walk from the nearest hop to the first address that is not a trusted proxy. Stop at a hop that is no address:
        // the client may have made up everything beyond it.
        let readable = || hops.iter().map_while(|hop| *hop);
        let client = readable().find(|address| !self.trusts(*address)).or_else(|| readable().last());
        (client.map_or(peer, |address| SocketAddr::new(address, 0)), told.unwrap_or(scheme))
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Logs once that a proxy sends a header of the other kind.
    fn warn_of_ignored(&self, proxy: SocketAddr, headers: &HeaderMap) {
        let Some(ignored) = self.ignored(headers) else { return };
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                proxy = %proxy.ip(), ignored, setting = self.header.as_str(),
                "ignored a header of a trusted proxy; if the proxy writes it, set KOMMANDO_PROXY_HEADER, otherwise \
                 make the proxy remove it (logged once)"
            );
        }
    }

    /// A header of the other kind, if the request has one.
    fn ignored(&self, headers: &HeaderMap) -> Option<&'static str> {
        let others: &[_] = match self.header {
            ProxyHeader::Forwarded => &[X_FORWARDED_FOR, X_FORWARDED_PROTO],
            ProxyHeader::XForwardedFor => &[FORWARDED],
        };
        others.iter().find(|name| headers.contains_key(**name)).copied()
    }
}

/// The hops of a request (RFC 7239), the nearest first; `None` for a hop that is no IP address.
fn forwarded_hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    elements(headers, FORWARDED).map(|element| address(&parameter(element, "for")?)).collect()
}

fn x_forwarded_hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    elements(headers, X_FORWARDED_FOR).map(|element| address(str::from_utf8(element).ok()?)).collect()
}

/// The scheme of the request to the nearest proxy, if the header says it.
fn forwarded_scheme(headers: &HeaderMap) -> Option<Scheme> {
    let nearest = elements(headers, FORWARDED).next().and_then(|element| parameter(element, "proto"));
    nearest.map(|value| scheme(value.as_bytes()))
}

fn x_forwarded_scheme(headers: &HeaderMap) -> Option<Scheme> {
    elements(headers, X_FORWARDED_PROTO).next().map(scheme)
}

fn scheme(value: &[u8]) -> Scheme {
    if value.eq_ignore_ascii_case(b"https") { Scheme::HTTPS } else { Scheme::HTTP }
}

/// The elements of a list header, the last one first, because proxies append theirs. Empty elements are skipped (RFC
/// 9110).
fn elements<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.get_all(name).iter().map(|value| value.as_bytes()).collect::<Vec<_>>();
    let elements = values.into_iter().rev().flat_map(|value| split_from_the_end(value, b','));
    elements.filter(|element| !element.is_empty())
}

/// Splits at separators outside of quotes and trims the parts. Reads from the end, so that a quote that the client left
/// open does not hide what a proxy has appended.
fn split_from_the_end(value: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut parts, mut end, mut is_quoted) = (Vec::new(), value.len(), false);
    for (index, byte) in value.iter().enumerate().rev() {
        let is_escaped = || value[..index].iter().rev().take_while(|before| **before == b'\\').count() % 2 == 1;
        match *byte {
            b'"' if !is_escaped() => is_quoted = !is_quoted,
            byte if byte == separator && !is_quoted => {
                parts.push(value[index + 1..end].trim_ascii());
                end = index;
            }
            _ => {}
        }
    }
    parts.push(value[..end].trim_ascii());
    parts
}

/// A parameter of an element, if it occurs exactly once.
fn parameter(element: &[u8], name: &str) -> Option<String> {
    let pairs = split_from_the_end(element, b';').into_iter();
    let mut values = pairs.filter_map(|pair| {
        let (key, value) = str::from_utf8(pair).ok()?.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    });
    values.next().filter(|_| values.next().is_none())
}

/// Parses an address with or without a port; an IPv6 address with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests;
