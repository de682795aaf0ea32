//! Requests that another site's page makes with its visitor's credentials, which a browser may add by itself.

use poem::http::{HeaderMap, Method, Uri, header};

/// A request that changes something and was sent by a page of another site.
pub fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return false;
    }
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") || has_foreign_origin(headers)
}

fn has_foreign_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (origin.as_ref().and_then(Uri::authority), host) {
        (Some(origin), Some(host)) => !origin.as_str().eq_ignore_ascii_case(host),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<header::HeaderName>().expect("a name"), value.parse().expect("a value"))
        });
        is_cross_site(&Method::POST, &headers.collect())
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
    fn reading_is_left_to_the_browsers_own_rules() {
        let headers = [(header::ORIGIN, "https://elsewhere.example".parse().expect("a value"))];
        assert!(!is_cross_site(&Method::GET, &headers.into_iter().collect()));
    }
}
