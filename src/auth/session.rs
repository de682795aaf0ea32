//! Browser sessions: a secret in an HttpOnly cookie, and an XSRF token that the page must send with it.
//!
//! The XSRF token and the session's ticket ([`crate::users::ticket::of_session`]) are derived from the secret, but the
//! secret cannot be derived from them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite};
use hmac::{Hmac, KeyInit, Mac};
use poem::{
    Request,
    http::{HeaderMap, HeaderName, HeaderValue, header, uri::Scheme},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{HostName, misplaced};
use crate::error::Error;

/// The cookie with the session's secret.
pub const SESSION_COOKIE: &str = "kommando-session";
/// The cookie from which the page reads the XSRF token. The name is upstream's.
const XSRF_COOKIE: &str = "XSRF-TOKEN";
/// The header in which the page sends the XSRF token. The name is upstream's.
pub const XSRF_HEADER: HeaderName = HeaderName::from_static("x-xsrf-token");

/// The secret in the session cookie.
///
/// # Errors
/// The cookie is missing, repeated or unreadable, or the XSRF token is missing or wrong.
pub fn secret(headers: &HeaderMap) -> Result<SecretString, Error> {
    let token = headers.get(XSRF_HEADER).filter(|token| !token.is_empty());
    let (cookie, token) = match (cookie(headers)?, token) {
        (Some(cookie), Some(token)) => (cookie, URL_SAFE_NO_PAD.decode(token).ok()),
        (Some(_), None) => return Err(Error::CredentialsMisplaced(misplaced::NO_XSRF_TOKEN)),
        (None, Some(_)) => return Err(Error::CredentialsMisplaced(misplaced::NO_COOKIE)),
        (None, None) => return Err(Error::CredentialsMisplaced(misplaced::NONE)),
    };
    // `verify_slice` compares in constant time.
    if token.is_some_and(|token| mac(&cookie).verify_slice(&token).is_ok()) {
        return Ok(cookie);
    }
    Err(Error::CredentialsMisplaced(misplaced::OTHER_XSRF_TOKEN))
}

/// The session cookie. Cookies of other servers on the same host are ignored and may contain any bytes.
fn cookie(headers: &HeaderMap) -> Result<Option<SecretString>, Error> {
    let pairs = headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let mut values =
        pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(SESSION_COOKIE.as_bytes())?.strip_prefix(b"="));
    let invalid = |problem: &str| Error::InvalidArgument(format!("Cookie {SESSION_COOKIE}: {problem}."));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(invalid("it is given more than once; send it once")),
        (Some(value), None) if value.is_ascii() => Ok(str::from_utf8(value).ok().map(SecretString::from)),
        (Some(_), None) => Err(invalid("it takes visible ASCII characters only")),
    }
}

/// The `Set-Cookie` values that start a session with this secret, or end the session without one.
pub fn cookies(secret: Option<&SecretString>, request: &Request) -> [String; 2] {
    let is_secure = !is_plain_loopback(request);
    let build_cookie = |name: &'static str, value: String, http_only: bool| {
        let mut cookie = Cookie::build((name, value))
            .path("/")
            .same_site(SameSite::Strict)
            .secure(is_secure)
            .http_only(http_only)
            .build();
        if secret.is_none() {
            cookie.make_removal();
        }
        cookie.to_string()
    };
    let token = secret.map(|secret| URL_SAFE_NO_PAD.encode(mac(secret).finalize().into_bytes()));
    let secret = secret.map(|secret| secret.expose_secret().to_owned());
    [
        build_cookie(SESSION_COOKIE, secret.unwrap_or_default(), true),
        build_cookie(XSRF_COOKIE, token.unwrap_or_default(), false),
    ]
}

fn mac(secret: &SecretString) -> Hmac<Sha256> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(XSRF_COOKIE.as_bytes());
    mac
}

/// Whether the client is on this machine and connected without TLS. All other clients need `Secure` cookies; there, a
/// proxy terminates TLS.
fn is_plain_loopback(request: &Request) -> bool {
    let client = request.remote_addr().as_socket_addr().map(|client| client.ip().to_canonical());
    let host = request.headers().get(header::HOST).map(HeaderValue::to_str);
    let host = host.and_then(|host| host.ok()?.parse::<HostName>().ok());
    *request.scheme() == Scheme::HTTP
        && client.is_some_and(|client| client.is_loopback())
        // An untrusted proxy on this machine also has a loopback address, but forwards the public host.
        && host.is_some_and(|host| host.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use poem::{
        RequestParts,
        web::{LocalAddr, RemoteAddr},
    };

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect()
    }

    /// A request from this address, over http or https.
    fn request(client: &str, scheme: Scheme, host: &str) -> Request {
        let client = SocketAddr::new(client.parse().expect("an address"), 4711);
        let (mut parts, body) = Request::builder().header(header::HOST, host).finish().into_parts();
        parts = RequestParts::from((as_http(parts), LocalAddr::default(), RemoteAddr(client.into()), scheme));
        Request::from_parts(parts, body)
    }

    fn as_http(parts: RequestParts) -> poem::http::request::Parts {
        let mut request = poem::http::Request::new(());
        *request.headers_mut() = parts.headers;
        request.into_parts().0
    }

    #[test]
    fn cookies_need_tls_unless_the_client_is_on_this_machine() {
        let ticket = SecretString::from("7T:abc");
        for (client, scheme, host, is_secure) in [
            ("127.0.0.1", Scheme::HTTP, "127.0.0.1:8080", false),
            ("127.0.0.1", Scheme::HTTP, "localhost", false),
            ("::1", Scheme::HTTP, "[::1]:8080", false),
            ("::ffff:127.0.0.1", Scheme::HTTP, "localhost:8080", false),
            // A trusted proxy reported TLS.
            ("127.0.0.1", Scheme::HTTPS, "localhost", true),
            ("198.51.100.7", Scheme::HTTPS, "kommando.example.com", true),
            // A remote client cannot change the result with its Host header.
            ("198.51.100.7", Scheme::HTTP, "localhost", true),
            ("198.51.100.7", Scheme::HTTP, "127.0.0.1:8080", true),
            ("198.51.100.7", Scheme::HTTP, "kommando.example.com", true),
            // An untrusted proxy.
            ("127.0.0.1", Scheme::HTTP, "kommando.example.com", true),
            ("127.0.0.1", Scheme::HTTP, "localhost.example.com", true),
            ("127.0.0.1", Scheme::HTTP, "127.0.0.1.example.com", true),
            ("127.0.0.1", Scheme::HTTP, "", true),
        ] {
            for cookie in cookies(Some(&ticket), &request(client, scheme.clone(), host)) {
                assert_eq!(cookie.contains("Secure"), is_secure, "{client} {scheme} {host}: {cookie}");
                assert!(cookie.contains("Path=/") && cookie.contains("SameSite=Strict"), "{cookie}");
                assert_eq!(cookie.contains("HttpOnly"), cookie.starts_with(SESSION_COOKIE), "{cookie}");
            }
        }
        for cookie in cookies(Some(&ticket), &Request::default()) {
            assert!(cookie.contains("Secure"), "an unknown client: {cookie}");
        }
    }

    #[test]
    fn a_session_needs_its_own_xsrf_token() {
        let [session, xsrf] = cookies(Some(&SecretString::from("7S:abc")), &Request::default());
        let value = |cookie: &str| cookie.split(['=', ';']).nth(1).expect("a value").to_owned();
        let cookie = format!("other=1; {SESSION_COOKIE}={}", value(&session));
        let ask = |token: &str| secret(&headers(&[(header::COOKIE, &cookie), (XSRF_HEADER, token)]));
        assert_eq!(ask(&value(&xsrf)).expect("a secret").expose_secret(), "7S:abc");
        let [_, other] = cookies(Some(&SecretString::from("7S:xyz")), &Request::default());
        for wrong in ["", "x", &value(&other)] {
            assert!(ask(wrong).is_err(), "{wrong}");
        }
        assert!(secret(&headers(&[(header::COOKIE, &cookie)])).is_err());
    }

    #[test]
    fn the_session_cookie_appears_once_other_cookies_are_ignored() {
        let cookie_of = |values: &[&[u8]]| {
            let value = |value: &&[u8]| (header::COOKIE, HeaderValue::from_bytes(value).expect("a value"));
            cookie(&values.iter().map(value).collect()).map(|found| found.map(|found| found.expose_secret().to_owned()))
        };
        let right: [&[&[u8]]; 4] = [
            &[b"kommando-session=7S:a"],
            &["name=Bj\u{f8}rn; kommando-session=7S:a; xkommando-session=7S:b".as_bytes()],
            &[b"other=\xff", b"kommando-session=7S:a"],
            &[b"a=1;kommando-session=7S:a;a=1;kommando-session-2=7S:b"],
        ];
        for cookies in right {
            assert_eq!(cookie_of(cookies).expect("a cookie").as_deref(), Some("7S:a"), "{cookies:?}");
        }
        let wrong: [&[&[u8]]; 4] = [
            &[b"kommando-session=7S:a; kommando-session=7S:a"],
            &[b"kommando-session=7S:a", b"kommando-session=7S:b"],
            &[b"kommando-session=; kommando-session=7S:a"],
            &[b"kommando-session=7S:\xff"],
        ];
        for cookies in wrong {
            let refused = cookie_of(cookies).expect_err("a refusal").to_string();
            assert!(refused.contains("Cookie kommando-session: "), "{cookies:?}: {refused}");
        }
        assert_eq!(cookie_of(&[b"other=1"]).expect("no cookie"), None);
    }
}
