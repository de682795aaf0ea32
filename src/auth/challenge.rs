//! The `WWW-Authenticate` challenges of a 401 response.

use poem::http::HeaderMap;

use super::Installation;

const BASIC: &str = r#"Basic realm="kommando", charset="UTF-8""#;
const TICKET: &str = r#"SoTicket realm="kommando""#;
const BEARER: &str = r#"Bearer realm="kommando""#;

/// The `WWW-Authenticate` values for a request with these headers: every allowed scheme.
///
/// Leaves out Basic when a page's script sent the request: the browser would open its own login prompt.
pub fn challenges(installation: Installation, request: &HeaderMap) -> &'static [&'static str] {
    let is_script_fetch = request.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate");
    match installation.allows_basic() && !is_script_fetch {
        true => &[BASIC, TICKET, BEARER],
        false => &[TICKET, BEARER],
    }
}
