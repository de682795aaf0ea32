//! CORS: lets pages of the configured origins call the API (Fetch standard, CORS protocol). Such pages send a ticket or
//! token in Authorization. Credentials that a browser adds by itself are not accepted: cookies are neither read nor
//! set, Basic is refused, and no response allows credentials.

use std::sync::LazyLock;

use poem::{
    Request, Response,
    http::{
        HeaderName, HeaderValue, Method, StatusCode,
        header::{self, HeaderMap},
    },
};

use crate::auth::{Origin, has_foreign_origin};

/// The methods that pages of allowed origins may use.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// How long a browser may cache the response to a preflight request, in seconds.
const MAX_AGE_SECONDS: &str = "600";
const REQUEST_METHOD: HeaderName = header::ACCESS_CONTROL_REQUEST_METHOD;
const REQUEST_HEADERS: HeaderName = header::ACCESS_CONTROL_REQUEST_HEADERS;

/// The response headers that pages of allowed origins may read, besides the CORS-safelisted ones.
pub const EXPOSED: [&str; 14] = [
    "Accept-Encoding",
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Retry-After",
    "SO-TimeZone",
    "WWW-Authenticate",
    "X-Command-Outcome",
    "X-Confirmation",
    "X-Dry-Run",
    "X-Next-Cursor",
    "X-Request-Id",
    "X-Shown-Once",
];

static EXPOSED_VALUE: LazyLock<Option<HeaderValue>> = LazyLock::new(|| HeaderValue::from_str(&EXPOSED.join(", ")).ok());

/// The origins that may call.
#[derive(Clone, Debug, Default)]
pub struct Cors(Vec<Origin>);

/// The origin of the page that sent the request; attached only when the origin is allowed.
#[derive(Clone, Debug)]
pub struct AllowedOrigin(HeaderValue);

impl Cors {
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    /// Marks a request from an allowed origin with `AllowedOrigin` and removes its cookies. Same-origin requests stay
    /// unmarked.
    pub fn admit(&self, request: &mut Request) -> Option<AllowedOrigin> {
        if self.0.is_empty() {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN)?.clone();
        let is_allowed = self.0.iter().any(|allowed| allowed.is(origin.as_bytes()));
        if !is_allowed || !has_foreign_origin(request.headers(), request.scheme()) {
            return None;
        }
        request.headers_mut().remove(header::COOKIE);
        let origin = AllowedOrigin(origin);
        request.set_data(origin.clone());
        Some(origin)
    }

    /// Adds the CORS headers to a response.
    pub fn mark(&self, origin: Option<AllowedOrigin>, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(AllowedOrigin(origin)) = origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.extend(EXPOSED_VALUE.clone().map(|exposed| (header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed)));
        headers.remove(header::SET_COOKIE);
    }
}

/// Whether the request is a CORS preflight: the browser asks which requests a page may send.
pub fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(REQUEST_METHOD)
}

/// The response to a preflight for an allowed origin; `None` for any other request. Preflights need no credentials,
/// because browsers send none with them.
pub fn preflight(request: &Request) -> Option<Response> {
    request.data::<AllowedOrigin>().filter(|_| is_preflight(request))?;
    let mut response = Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS)
        .finish();
    // Any header is safe, because the page cannot use the browser's credentials.
    for requested in request.headers().get_all(REQUEST_HEADERS) {
        response.headers_mut().append(header::ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
    }
    Some(response)
}
