//! Pages of other origins that may call, as a setting names them (Fetch standard, CORS protocol). They call with a ticket or
//! token in Authorization, and never with what a browser adds by itself: cookies are neither read nor set, Basic is refused,
//! and no answer allows credentials.

use std::sync::LazyLock;

use poem::{
    Request, Response,
    http::{
        HeaderName, HeaderValue, Method, StatusCode,
        header::{self, HeaderMap},
    },
};

use crate::auth::{Origin, has_foreign_origin};

/// What pages may send.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// How many seconds a browser may keep the answer to a preflight.
const MAX_AGE: &str = "600";
const REQUEST_METHOD: HeaderName = header::ACCESS_CONTROL_REQUEST_METHOD;
const REQUEST_HEADERS: HeaderName = header::ACCESS_CONTROL_REQUEST_HEADERS;

/// The headers of answers that pages may read, beside those that every page may.
pub const EXPOSED: [&str; 12] = [
    "Accept-Encoding",
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Retry-After",
    "SO-TimeZone",
    "WWW-Authenticate",
    "X-Command-Outcome",
    "X-Dry-Run",
    "X-Next-Cursor",
    "X-Request-Id",
    "X-Shown-Once",
];

static EXPOSED_VALUE: LazyLock<Option<HeaderValue>> = LazyLock::new(|| HeaderValue::from_str(&EXPOSED.join(", ")).ok());

/// The origins of pages that may call.
#[derive(Clone, Debug, Default)]
pub struct Cors(Vec<Origin>);

/// The origin of the page that sent a request, where the setting names it.
#[derive(Clone, Debug)]
pub struct AllowedOrigin(HeaderValue);

impl Cors {
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    /// Admits a request from a page of a named origin, without its cookies. Our own pages need no admission.
    pub fn admit(&self, request: &mut Request) -> Option<AllowedOrigin> {
        if self.0.is_empty() {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN)?.clone();
        let is_named = self.0.iter().any(|named| named.is(origin.as_bytes()));
        if !is_named || !has_foreign_origin(request.headers(), request.scheme()) {
            return None;
        }
        request.headers_mut().remove(header::COOKIE);
        let origin = AllowedOrigin(origin);
        request.set_data(origin.clone());
        Some(origin)
    }

    /// Says who may read an answer.
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

/// Whether the request is a preflight: a browser asks what a page may send.
pub fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(REQUEST_METHOD)
}

/// The answer to a browser that asks whether a page of a named origin may send a request. It takes no log-in, since
/// browsers send none.
pub fn preflight(request: &Request) -> Option<Response> {
    request.data::<AllowedOrigin>().filter(|_| is_preflight(request))?;
    let mut response = Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE)
        .finish();
    // Without credentials, any header is as harmless from a page as from any other client.
    for asked in request.headers().get_all(REQUEST_HEADERS) {
        response.headers_mut().append(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    Some(response)
}
