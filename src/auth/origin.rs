//! Requests that another site's page makes with its visitor's credentials, which a browser may add by itself.

use poem::http::{HeaderMap, Method, Uri, header, uri::Scheme};

use super::HostName;

/// A request that changes something and was sent by a page of another site. `scheme` is how the client reached us, as far
/// as that is known: https is, and http may be what a proxy makes of it.
pub fn is_cross_site(method: &Method, headers: &HeaderMap, scheme: &Scheme) -> bool {
    if method.is_safe() {
        return false;
    }
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") || has_foreign_origin(headers, scheme)
}

fn has_foreign_origin(headers: &HeaderMap, scheme: &Scheme) -> bool {
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
