//! Explains credentials that are missing or in the wrong place. These errors depend only on the form of the credentials
//! and on whether the two parts of a session match, so they do not reveal whether the credentials are valid.

use poem::http::{HeaderMap, HeaderValue, header};

use super::{Installation, basic};
use crate::users::ticket::Kind;

const BASIC: &[u8] = b"basic";
pub const NONE: &str = "No credentials were sent. WWW-Authenticate lists the allowed schemes; browsers log in at \
                        /_ext/session.";
pub const NO_XSRF_TOKEN: &str = "The session's cookie came without the header X-XSRF-TOKEN: send the value of the cookie \
                                 XSRF-TOKEN in it with every request.";
pub const OTHER_XSRF_TOKEN: &str = "X-XSRF-TOKEN does not belong to this session: send the unchanged value of the cookie \
                                    XSRF-TOKEN.";
pub const NO_COOKIE: &str = "X-XSRF-TOKEN came without the session's cookie, kommando-session: send both, or send \
                             Authorization instead.";
pub const NO_APP_TOKEN: &str = "In an online installation a ticket needs the header SO-AppToken: the token of an \
                                application, which `kommando app add` prints.";
const NO_SCHEME_TICKET: &str = "The scheme before the ticket is missing: send `Authorization: SoTicket 7T:…`.";
const NO_SCHEME_TOKEN: &str = "The scheme before the token is missing: send `Authorization: Bearer …`.";
const BASIC_IS_OFF: &str = "Basic is not allowed in an online installation: log in with POST /_ext/session, or send SoTicket \
                            with SO-AppToken, or Bearer.";
const NO_BASIC: &str = "The credentials after Basic cannot be read: send `name:password` in base64.";
const NO_TICKET: &str = "There is no ticket after SoTicket: send `Authorization: SoTicket 7T:…`.";
const NO_TOKEN: &str = "There is no token after Bearer: send `Authorization: Bearer 8A:…`.";
const TOKEN_AS_TICKET: &str = "This is an access token: send it as `Authorization: Bearer 8A:…`.";
const TICKET_AS_BEARER: &str = "This is a ticket: send it as `Authorization: SoTicket 7T:…`.";
const NO_PROVIDER: &str = "This server accepts no JWTs, because it has no identity provider. Send an access token, `8A:…`, \
                           from GET /api/v1/User/currentToken.";
const UNKNOWN_SCHEME: &str = "The scheme of Authorization is unknown; WWW-Authenticate lists the allowed schemes.";

pub const BASIC_OF_ANOTHER_SITE: &str = "Pages of other origins cannot use Basic, because browsers send it automatically: \
                                         log in with POST /_ext/session, and send its ticket as SoTicket, or an access \
                                         token as Bearer.";

/// Whether a request uses HTTP Basic.
pub fn is_basic(headers: &HeaderMap) -> bool {
    let scheme = |value: &HeaderValue| value.as_bytes().get(..BASIC.len()).map(<[u8]>::to_ascii_lowercase);
    headers.get(header::AUTHORIZATION).and_then(scheme).is_some_and(|scheme| scheme == BASIC)
}

/// What else decides whether an `Authorization` header is acceptable.
#[derive(Clone, Copy, Debug)]
pub struct AuthContext {
    pub installation: Installation,
    pub has_app_token: bool,
    pub has_provider: bool,
}

/// What is missing or misplaced in this value of `Authorization`; `None` when its form is acceptable.
pub fn find_problem(authorization: &str, context: AuthContext) -> Option<&'static str> {
    let AuthContext { installation, has_app_token, has_provider } = context;
    let [ticket, token] = [Kind::Ticket, Kind::AccessToken].map(Kind::prefix);
    let (scheme, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let credentials = credentials.trim();
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let problems = if is("Basic") {
        vec![(!installation.allows_basic(), BASIC_IS_OFF), (basic::decode(credentials).is_none(), NO_BASIC)]
    } else if is("SoTicket") {
        let is_alone = !installation.allows_ticket_alone() && !has_app_token;
        vec![
            (credentials.is_empty(), NO_TICKET),
            (credentials.starts_with(token), TOKEN_AS_TICKET),
            (is_alone, NO_APP_TOKEN),
        ]
    } else if is("Bearer") {
        vec![
            (credentials.is_empty(), NO_TOKEN),
            (credentials.starts_with(ticket), TICKET_AS_BEARER),
            (!credentials.starts_with(token) && !has_provider, NO_PROVIDER),
        ]
    } else {
        vec![
            (scheme.starts_with(ticket), NO_SCHEME_TICKET),
            (scheme.starts_with(token) || scheme.starts_with("eyJ"), NO_SCHEME_TOKEN),
            (true, UNKNOWN_SCHEME),
        ]
    };
    problems.into_iter().find(|(is_so, _)| *is_so).map(|(_, problem)| problem)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn misplaced_credentials_are_found_by_form_alone() {
        let onsite = AuthContext { installation: Installation::Onsite, has_app_token: false, has_provider: false };
        let online = AuthContext { installation: Installation::Online, ..onsite };
        let through_app = AuthContext { has_app_token: true, ..online };
        let with_provider = AuthContext { has_provider: true, ..onsite };
        let basic = format!("Basic {}", STANDARD.encode("anna:secret"));
        for (authorization, context, expected) in [
            (basic.as_str(), onsite, None),
            (&basic, through_app, Some(BASIC_IS_OFF)),
            ("Basic", onsite, Some(NO_BASIC)),
            ("Basic anna:secret", onsite, Some(NO_BASIC)),
            ("basic 7T:x", onsite, None),
            ("SoTicket 7T:x", onsite, None),
            ("SoTicket x", onsite, None),
            ("SoTicket", onsite, Some(NO_TICKET)),
            ("SOTICKET 8A:x", onsite, Some(TOKEN_AS_TICKET)),
            ("SoTicket 7T:x", online, Some(NO_APP_TOKEN)),
            ("SoTicket 7T:x", through_app, None),
            ("Bearer 8A:x", online, None),
            ("Bearer", onsite, Some(NO_TOKEN)),
            ("bearer 7T:x", with_provider, Some(TICKET_AS_BEARER)),
            ("Bearer eyJ.x.x", onsite, Some(NO_PROVIDER)),
            ("Bearer eyJ.x.x", with_provider, None),
            ("7T:x", onsite, Some(NO_SCHEME_TICKET)),
            ("8A:x", onsite, Some(NO_SCHEME_TOKEN)),
            ("eyJ.x.x", with_provider, Some(NO_SCHEME_TOKEN)),
            ("Negotiate YII=", onsite, Some(UNKNOWN_SCHEME)),
        ] {
            assert_eq!(find_problem(authorization, context), expected, "{authorization}");
        }
    }
}
