//! What surrounds every request: its id, its span in the log, its limits, and how errors are told.

use std::time::{Duration, Instant};

use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderValue, StatusCode, Version, header, header::Entry},
};
use poem_openapi::{
    error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError},
    types::{ToJSON, Type},
};
use tokio::{sync::Semaphore, time::timeout};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    media::{Accepted, Media},
    paths::Paths,
    reader::{self, VARY},
    request::RequestId,
    wire::with_the_clock,
    xml,
};
use crate::{
    auth::{self, Installation},
    error::{Error, ErrorInfo, Shape},
    localization::Zone,
};

/// The largest body that is read.
const LARGEST_BODY: usize = 1024 * 1024;

/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(20);
/// How many requests are worked on at once. Beyond that, waiting in line would take longer than asking again.
const MOST_AT_ONCE: usize = 1024;

/// Surrounds the whole of the API.
pub struct Envelope<E> {
    inner: E,
    paths: Paths,
    installation: Installation,
    zone: Zone,
    room: Semaphore,
}

impl<E> Envelope<E> {
    pub fn new(inner: E, paths: Paths, installation: Installation, zone: Zone) -> Self {
        Self { inner, paths, installation, zone, room: Semaphore::new(MOST_AT_ONCE) }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Envelope<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let started = Instant::now();
        let id = Uuid::now_v7().simple().to_string();
        request.set_data(RequestId(id.clone()));
        let challenges = auth::challenges(self.installation, request.headers());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let shape = Shape::at(&path);
        let media = Accepted::of(request.headers()).preferred().unwrap_or(Media::Json);
        let span = tracing::info_span!("request", request_id = id, %method, path);
        let answer = async {
            let work = async {
                let _room = self.room.try_acquire().map_err(|_| Error::Overloaded)?;
                let clock = reader::clock(request.headers(), &self.zone);
                with_the_clock(clock, self.inner.call(self.admit(request).await?)).await
            };
            let mut response = work.await.unwrap_or_else(|error| respond(error, &[], shape));
            if response.status() == StatusCode::UNAUTHORIZED {
                for challenge in challenges {
                    response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
                }
            }
            tracing::debug!(status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
            response
        };
        let mut response = answer.instrument(span).await;
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", id);
        }
        if media.is_xml() {
            write_error_as_xml(&mut response, media);
        }
        // Answers may hold what is shown once; pages say themselves what may be kept, and read the same for everyone.
        if let Entry::Vacant(entry) = response.headers_mut().entry(header::CACHE_CONTROL) {
            entry.insert(HeaderValue::from_static("no-store"));
            response.headers_mut().insert(header::VARY, HeaderValue::from_static(VARY));
        }
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

impl<E> Envelope<E> {
    /// Refuses what nobody may send, and gives the rest the path that the routes know.
    async fn admit(&self, mut request: Request) -> Result<Request, Error> {
        let body = request.take_body();
        if !body.is_empty() {
            // The body is read before it is known who calls: what is too large is refused whoever sends it.
            let bytes = timeout(BODY, body.into_bytes_limit(LARGEST_BODY)).await.map_err(|_| Error::BodyTooSlow)?;
            let bytes = bytes.map_err(|error| match error {
                poem::error::ReadBodyError::PayloadTooLarge => Error::BodyTooLarge,
                _ => Error::InvalidArgument("The body ends early.".to_owned()),
            })?;
            request.set_body(bytes);
        }
        if request.version() == Version::HTTP_11 && !request.headers().contains_key(header::HOST) {
            return Err(Error::InvalidArgument("The request has no Host header.".to_owned()));
        }
        if auth::is_cross_site(request.method(), request.headers()) {
            return Err(Error::CrossSite);
        }
        let path = self.paths.resolve(request.method(), request.uri().path())?;
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        *request.uri_mut() = format!("{path}{query}").parse().map_err(|_| Error::NoRoute)?;
        Ok(request)
    }
}

/// Answers an error, whoever made it, in the one shape. `parameters` are the names of the route's path parameters.
pub fn respond(error: poem::Error, parameters: &[String], shape: Shape) -> Response {
    let error = translate(error, parameters);
    // A handler that failed was told of where it was called, and what is not there yet is no failure.
    let is_told = matches!(error, Error::HandlerUnreachable | Error::OutcomeUnknown { .. } | Error::NotImplemented(_));
    if StatusCode::from(&error).is_server_error() && !is_told {
        tracing::error!(cause = error.chain(), "failed");
    }
    error.in_shape(shape)
}

fn write_error_as_xml(response: &mut Response, media: Media) {
    let Some(xml) = response
        .data::<ErrorInfo>()
        .map(|error| xml::write(&ErrorInfo::schema_ref(), &error.to_json().unwrap_or_default()))
    else {
        return;
    };
    response.set_body(xml);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
}

fn translate(error: poem::Error, parameters: &[String]) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) => return own,
        Err(error) => error,
    };
    if let Some(ParseParamError { name, reason }) = error.downcast_ref() {
        return Error::InvalidArgument(format!("Parameter {name}: {}.", plain(reason)));
    }
    if let Some(ParsePathError { name, reason }) = error.downcast_ref() {
        // poem-openapi numbers path parameters: the document's name is the one that callers know.
        let number = name.strip_prefix("param").and_then(|number| number.parse::<usize>().ok());
        let name = number.and_then(|number| parameters.get(number)).map_or(*name, String::as_str);
        return Error::InvalidArgument(format!("Parameter {name}: {}.", plain(reason)));
    }
    if let Some(ParseRequestPayloadError { reason }) = error.downcast_ref() {
        return Error::InvalidArgument(format!("Body: {}.", plain(reason)));
    }
    if error.downcast_ref::<ContentTypeError>().is_some() {
        return Error::UnsupportedMediaType;
    }
    match error.status() {
        StatusCode::NOT_FOUND => Error::NoRoute,
        StatusCode::BAD_REQUEST => Error::InvalidArgument("The request cannot be read.".to_owned()),
        _ => Error::internal(error.to_string()),
    }
}

/// Takes the names of Rust types out of poem-openapi's reasons.
pub fn plain(reason: &str) -> &str {
    let reason = reason.rsplit_once(" (occurred while parsing \"").map_or(reason, |(reason, _)| reason);
    match reason.strip_prefix("failed to parse \"").and_then(|rest| rest.split_once("\": ")) {
        Some((_, reason)) => reason,
        None => reason,
    }
}

/// A panic is answered like any other failure; the log has its message.
pub fn answer_panic(payload: Box<dyn std::any::Any + Send>) -> Response {
    let message = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let error = Error::internal(format!("panic: {}", message.unwrap_or("without a message")));
    respond(error.into(), &[], Shape::Upstream)
}
