//! What a 401 asks for.

use poem::http::HeaderMap;

use super::Installation;

const BASIC: &str = r#"Basic realm="kommando", charset="UTF-8""#;
const TICKET: &str = r#"SoTicket realm="kommando""#;
const BEARER: &str = r#"Bearer realm="kommando""#;

/// The `WWW-Authenticate` values of a 401 to a request with these headers: every scheme that is allowed.
///
/// A page's own fetch is not offered Basic: the browser would open its prompt over the page that wants to ask.
pub fn challenges(installation: Installation, request: &HeaderMap) -> &'static [&'static str] {
    let fetched_by_a_page = request.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate");
    match installation.allows_basic() && !fetched_by_a_page {
        true => &[BASIC, TICKET, BEARER],
        false => &[TICKET, BEARER],
    }
}
