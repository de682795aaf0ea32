//! Detects requests from pages of other origins. Browsers can add the visitor's credentials to them automatically, so
//! the server rejects them unless a setting allows the origin.

use std::{fmt, str::FromStr};

use poem::http::{HeaderMap, Method, Uri, header, uri::Scheme};
use reqwest::Url;

use super::HostName;

/// The origin of a page in the form of the `Origin` header: `https://app.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Whether the value of an `Origin` header is this origin.
    pub fn is(&self, header: &[u8]) -> bool {
        self.0.as_bytes() == header
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_origin(text).map(Self).ok_or_else(|| {
            format!(
                "`{text}` is not an origin; give the scheme, the host and any non-default port, such as \
                 https://app.example.com or http://localhost:3000, without a path; `*` and `null` are not allowed"
            )
        })
    }
}

/// Serializes an origin as browsers do (URL standard, "serialization of an origin").
fn parse_origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    authority.parse::<HostName>().ok()?;
    let url = Url::parse(text).ok()?;
    // `Url` trims spaces around a URL; compare the scheme as it was written.
    let is_web = ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme));
    is_web.then(|| url.origin().ascii_serialization())
}

/// Whether a page of another site sent a request with an unsafe method. `scheme` is the scheme of the connection:
/// behind an untrusted proxy it can be http although the client used https.
pub fn is_cross_site(method: &Method, headers: &HeaderMap, scheme: &Scheme) -> bool {
    if method.is_safe() {
        return false;
    }
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") || has_foreign_origin(headers, scheme)
}

/// Whether the page that sent the request has another origin than this server.
pub fn has_foreign_origin(headers: &HeaderMap, scheme: &Scheme) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let is_own_origin = || {
        let origin: Uri = origin.to_str().ok()?.parse().ok()?;
        let host: HostName = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
        let page: HostName = origin.authority()?.as_str().parse().ok()?;
        let page_scheme = origin.scheme()?;
        let is_downgrade = *scheme == Scheme::HTTPS && *page_scheme != Scheme::HTTPS;
        Some(page.is_same(&host, page_scheme) && !is_downgrade)
    };
    !is_own_origin().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<header::HeaderName>().expect("a name"), value.parse().expect("a value"))
        });
        is_cross_site(&Method::POST, &headers.collect(), &Scheme::HTTP)
    }

    #[test]
    fn an_origin_is_stored_as_browsers_send_it() {
        for (setting, header) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.com:443", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://app.example.com:80", "https://app.example.com:80"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("https://[0:0::1]:08443", "https://[::1]:8443"),
            ("https://app.example.com:", "https://app.example.com"),
        ] {
            let origin: Origin = setting.parse().expect(setting);
            assert_eq!(origin.to_string(), header);
            assert!(origin.is(header.as_bytes()) && !origin.is(b"https://app.example.com.evil.example"));
        }
    }

    #[test]
    fn an_invalid_origin_is_rejected_and_quoted() {
        for wrong in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com/page",
            "https://*.example.com",
            "https://me@app.example.com",
            "ftp://app.example.com",
            "https://app.example.com?x",
            " https://app.example.com",
            "https://app.example.com:99999",
        ] {
            let refusal = wrong.parse::<Origin>().expect_err(wrong);
            assert!(refusal.starts_with(&format!("`{wrong}` is not an origin; give")), "{refusal}");
        }
    }

    #[test]
    fn a_request_without_an_origin_passes() {
        assert!(!post(&[("host", "localhost:8080")]));
    }

    #[test]
    fn only_pages_of_this_server_pass() {
        assert!(!post(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")]));
        assert!(post(&[("host", "localhost:8080"), ("origin", "http://localhost:9090")]));
        assert!(post(&[("host", "localhost:8080"), ("origin", "https://elsewhere.example")]));
        assert!(post(&[("host", "localhost:8080"), ("origin", "null")]));
        assert!(post(&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn the_default_port_may_be_omitted() {
        assert!(!post(&[("host", "kommando.example.com:443"), ("origin", "https://kommando.example.com")]));
        assert!(!post(&[("host", "Kommando.example.com"), ("origin", "https://kommando.example.com")]));
        assert!(post(&[("host", "kommando.example.com:443"), ("origin", "http://kommando.example.com")]));
        assert!(post(&[("host", "kommando.example.com"), ("origin", "kommando.example.com")]));
    }

    #[test]
    fn an_http_page_is_cross_site_for_an_https_server() {
        let headers = [(header::HOST, "kommando.example.com"), (header::ORIGIN, "http://kommando.example.com")];
        let headers = headers.map(|(name, value)| (name, value.parse().expect("a value"))).into_iter().collect();
        assert!(is_cross_site(&Method::POST, &headers, &Scheme::HTTPS));
        assert!(!is_cross_site(&Method::POST, &headers, &Scheme::HTTP));
    }

    #[test]
    fn safe_methods_are_never_cross_site() {
        let headers = [(header::ORIGIN, "https://elsewhere.example".parse().expect("a value"))];
        assert!(!is_cross_site(&Method::GET, &headers.into_iter().collect(), &Scheme::HTTP));
    }
}
