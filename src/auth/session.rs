//! Sessions of browsers: a ticket in a cookie that no script can read, and a token that a page must send beside it.
//!
//! The token is made from the ticket, so that it dies with it, and nobody can make it who does not know the ticket.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite};
use hmac::{Hmac, KeyInit, Mac};
use poem::http::{HeaderMap, HeaderName, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::Error;

/// The cookie that holds the ticket.
pub const SESSION_COOKIE: &str = "kommando-session";
/// The cookie that holds the token, for the page to read. The name is upstream's.
const XSRF_COOKIE: &str = "XSRF-TOKEN";
/// The header in which the page sends it back. The name is upstream's.
pub const XSRF_HEADER: HeaderName = HeaderName::from_static("x-xsrf-token");

/// The ticket of the request's session.
///
/// # Errors
/// There is no session, or the request does not prove that a page of ours sent it.
pub fn ticket(headers: &HeaderMap) -> Result<SecretString, Error> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let found = cookies.flat_map(Cookie::split_parse).flatten().find(|cookie| cookie.name() == SESSION_COOKIE);
    let ticket = found.map(|cookie| SecretString::from(cookie.value())).ok_or(Error::Unauthenticated)?;
    let token = headers.get(XSRF_HEADER).and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
    // Compared in constant time.
    if token.is_some_and(|token| mac(&ticket).verify_slice(&token).is_ok()) {
        return Ok(ticket);
    }
    tracing::debug!("a session without its X-XSRF-TOKEN");
    Err(Error::Unauthenticated)
}

/// The values of `Set-Cookie` that begin a session, or end it when there is no ticket.
pub fn cookies(ticket: Option<&SecretString>, headers: &HeaderMap) -> [String; 2] {
    let is_secure = !is_loopback(headers);
    let bake = |name: &'static str, value: String, http_only: bool| {
        let mut cookie = Cookie::build((name, value))
            .path("/")
            .same_site(SameSite::Strict)
            .secure(is_secure)
            .http_only(http_only)
            .build();
        if ticket.is_none() {
            cookie.make_removal();
        }
        cookie.to_string()
    };
    let token = ticket.map(|ticket| URL_SAFE_NO_PAD.encode(mac(ticket).finalize().into_bytes()));
    let ticket = ticket.map(|ticket| ticket.expose_secret().to_owned());
    [bake(SESSION_COOKIE, ticket.unwrap_or_default(), true), bake(XSRF_COOKIE, token.unwrap_or_default(), false)]
}

fn mac(ticket: &SecretString) -> Hmac<Sha256> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(ticket.expose_secret().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(XSRF_COOKIE.as_bytes());
    mac
}

/// The browser reaches us on its own machine, where there is no TLS; elsewhere a proxy speaks it.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host =
        poem::http::uri::Authority::try_from(host).map(|authority| authority.host().to_owned()).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn cookies_need_tls_unless_the_browser_is_on_this_machine() {
        let ticket = SecretString::from("7T:abc");
        for (host, is_secure) in [
            ("127.0.0.1:8080", false),
            ("localhost", false),
            ("[::1]:8080", false),
            ("localhost.example.com", true),
            ("127.0.0.1.example.com", true),
            ("kommando.example.com", true),
            ("", true),
        ] {
            for cookie in cookies(Some(&ticket), &headers(&[(header::HOST, host)])) {
                assert_eq!(cookie.contains("Secure"), is_secure, "{host}: {cookie}");
                assert!(cookie.contains("Path=/") && cookie.contains("SameSite=Strict"), "{cookie}");
                assert_eq!(cookie.contains("HttpOnly"), cookie.starts_with(SESSION_COOKIE), "{cookie}");
            }
        }
    }

    #[test]
    fn a_session_needs_the_token_that_belongs_to_it() {
        let [session, xsrf] = cookies(Some(&SecretString::from("7T:abc")), &HeaderMap::new());
        let value = |cookie: &str| cookie.split(['=', ';']).nth(1).expect("a value").to_owned();
        let cookie = format!("other=1; {SESSION_COOKIE}={}", value(&session));
        let ask = |token: &str| ticket(&headers(&[(header::COOKIE, &cookie), (XSRF_HEADER, token)]));
        assert_eq!(ask(&value(&xsrf)).expect("a ticket").expose_secret(), "7T:abc");
        let [_, other] = cookies(Some(&SecretString::from("7T:xyz")), &HeaderMap::new());
        for wrong in ["", "x", &value(&other)] {
            assert!(ask(wrong).is_err(), "{wrong}");
        }
        assert!(ticket(&headers(&[(header::COOKIE, &cookie)])).is_err());
    }
}
