//! Requests from pages of other origins. A browser may add the visitor's credentials to them by itself, so they are refused
//! unless a setting names the origin.

use std::{fmt, str::FromStr};

use poem::http::{HeaderMap, Method, Uri, header, uri::Scheme};
use reqwest::Url;

use super::HostName;

/// The origin of a page, as a browser writes it into the header Origin: `https://app.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Whether this is what a browser writes for the origin.
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
                "`{text}` is no origin; take scheme and host, and the port unless it is the scheme's own, such as \
                 https://app.example.com or http://localhost:3000, without a path; `*` and `null` are not taken"
            )
        })
    }
}

/// The origin in the form that browsers write (URL standard, "serialization of an origin").
fn parse_origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    authority.parse::<HostName>().ok()?;
    let url = Url::parse(text).ok()?;
    // `Url` drops blanks around a URL.
    let is_web = ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme));
    is_web.then(|| url.origin().ascii_serialization())
}

/// A request that changes something and was sent by a page of another site. `scheme` is how the client reached us, as far
/// as that is known: https is, and http may be what a proxy makes of it.
pub fn is_cross_site(method: &Method, headers: &HeaderMap, scheme: &Scheme) -> bool {
    if method.is_safe() {
        return false;
    }
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") || has_foreign_origin(headers, scheme)
}

/// The page that sent the request has another origin than this server.
pub fn has_foreign_origin(headers: &HeaderMap, scheme: &Scheme) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let is_own = || {
        let origin: Uri = origin.to_str().ok()?.parse().ok()?;
        let host: HostName = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
        let page: HostName = origin.authority()?.as_str().parse().ok()?;
        let its_scheme = origin.scheme()?;
        let is_downgrade = *scheme == Scheme::HTTPS && *its_scheme != Scheme::HTTPS;
        Some(page.is_same(&host, its_scheme) && !is_downgrade)
    };
    !is_own().unwrap_or_default()
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
    fn an_origin_is_kept_as_browsers_write_it() {
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
    fn a_setting_that_is_no_origin_is_refused_by_name() {
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
            assert!(refusal.starts_with(&format!("`{wrong}` is no origin; take")), "{refusal}");
        }
    }

    #[test]
    fn a_client_that_is_no_browser_sends_no_origin_and_passes() {
        assert!(!post(&[("host", "localhost:8080")]));
    }

    #[test]
    fn our_own_page_passes_and_another_one_does_not() {
        assert!(!post(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")]));
        assert!(post(&[("host", "localhost:8080"), ("origin", "http://localhost:9090")]));
        assert!(post(&[("host", "localhost:8080"), ("origin", "https://elsewhere.example")]));
        assert!(post(&[("host", "localhost:8080"), ("origin", "null")]));
        assert!(post(&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn the_port_of_the_scheme_need_not_be_named() {
        assert!(!post(&[("host", "kommando.example.com:443"), ("origin", "https://kommando.example.com")]));
        assert!(!post(&[("host", "Kommando.example.com"), ("origin", "https://kommando.example.com")]));
        assert!(post(&[("host", "kommando.example.com:443"), ("origin", "http://kommando.example.com")]));
        assert!(post(&[("host", "kommando.example.com"), ("origin", "kommando.example.com")]));
    }

    #[test]
    fn a_page_without_tls_is_another_site_where_tls_is_spoken() {
        let headers = [(header::HOST, "kommando.example.com"), (header::ORIGIN, "http://kommando.example.com")];
        let headers = headers.map(|(name, value)| (name, value.parse().expect("a value"))).into_iter().collect();
        assert!(is_cross_site(&Method::POST, &headers, &Scheme::HTTPS));
        assert!(!is_cross_site(&Method::POST, &headers, &Scheme::HTTP));
    }

    #[test]
    fn reading_is_left_to_the_browsers_own_rules() {
        let headers = [(header::ORIGIN, "https://elsewhere.example".parse().expect("a value"))];
        assert!(!is_cross_site(&Method::GET, &headers.into_iter().collect(), &Scheme::HTTP));
    }
}
