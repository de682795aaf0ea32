//! What surrounds every request: its id, its span in the log, its limits, and how errors are told.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderValue, Method, StatusCode, header, header::Entry},
};
use poem_openapi::{
    error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError},
    types::{ToJSON, Type},
};
use tracing::{Instrument, field::display};
use uuid::Uuid;

use super::{
    Services,
    cors::{self, AllowedOrigin},
    demo::Fault,
    headers::{self, DeclaredInputs},
    large_answer,
    large_bodies::{LargeBodies, LargeBody},
    media::Media,
    paths::Paths,
    reader::{Reading, VARY},
    receive,
    request::RequestId,
    tally::Tally,
    wire::with_the_clock,
    xml,
};
use crate::{
    auth,
    error::{Error, ErrorInfo, Shape},
    localization::Clock,
    watch::{self, Facts, Trace},
};

/// How long a request may take,
const REQUEST: Duration = Duration::from_secs(30);
/// and one that runs a command, which may ask another system for five minutes.
const RUN: Duration = Duration::from_secs(330);
const RUNS: [&str; 2] = ["v1User_ExecuteUserCommand", "v1UserAgent_ExecuteUserCommand"];
/// Whoever asks whether the server is well is answered also when it has no room.
const HEALTH: [&str; 2] = ["GetLiveness", "GetReadiness"];

/// Surrounds the whole of the API.
pub struct Envelope<E> {
    inner: E,
    paths: Paths,
    declared: DeclaredInputs,
    services: Arc<Services>,
    large_bodies: LargeBodies,
    tally: Tally,
}

impl<E> Envelope<E> {
    pub fn new(inner: E, paths: Paths, declared: DeclaredInputs, services: Services) -> Self {
        let tally = Tally::new(&services.meters);
        Self { inner, paths, declared, services: Arc::new(services), large_bodies: LargeBodies::default(), tally }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Envelope<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let id = Uuid::now_v7().simple().to_string();
        request.set_data(RequestId(id.clone()));
        self.services.lend(&mut request);
        let origin = self.services.cors.admit(&mut request);
        let media = Media::for_client(request.headers()).unwrap_or(Media::Json);
        let trace = request.header("traceparent").and_then(Trace::parse).map(Trace::child);
        let (trace_id, span_id) = (trace.map(|trace| display(trace.id)), trace.map(|trace| display(trace.span)));
        let (method, path) = (request.method(), request.uri().path());
        let span = tracing::info_span!("request", request_id = id, %method, path, trace_id, span_id);
        let mut response = Facts::new(trace).scope(self.answer(request)).instrument(span).await;
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
        self.services.cors.mark(origin, response.headers_mut());
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

impl<E: Endpoint<Output = Response>> Envelope<E> {
    /// Answers a request, whatever becomes of it, and notes that.
    async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        let challenges = auth::challenges(self.services.authenticator.installation, request.headers());
        let shape = Shape::at(request.uri().path());
        let mut operation = "";
        let work = match self.services.hosts.check(&request) {
            Ok(()) => self.work_with_fault(request, &mut operation).await,
            Err(refusal) => Err(refusal.into()),
        };
        let mut response = work.unwrap_or_else(|error| respond(error, &[], shape));
        if response.status() == StatusCode::UNAUTHORIZED {
            for challenge in challenges {
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        let (status, took) = (response.status(), started.elapsed());
        self.tally.note(operation, status, took);
        let (status, ms, caller) = (status.as_u16(), took.as_micros() as f64 / 1e3, watch::caller());
        tracing::debug!(target: "kommando::request", operation, status, ms, caller, "answered");
        response
    }

    /// Does to a request and its answer what the client of a demo asks for.
    async fn work_with_fault<'a>(&'a self, request: Request, operation: &mut &'a str) -> Result<Response> {
        headers::check(request.headers())?;
        headers::check_query(request.uri())?;
        if let Some(answer) = cors::preflight(&request) {
            return Ok(answer);
        }
        let fault = Fault::of(request.headers(), self.services.demo.is_some())?;
        fault.map_or(Ok(()), Fault::before)?;
        let mut response = self.work(request, operation).await?;
        if let Some(fault) = fault {
            fault.after(&mut response).await;
        }
        Ok(response)
    }

    /// Has a request answered by its operation, of which the name is noted as soon as it is known.
    async fn work<'a>(&'a self, mut request: Request, operation: &mut &'a str) -> Result<Response> {
        let _large = self.receive(&mut request).await?;
        let name = self.admit(&mut request)?;
        *operation = name;
        self.declared.check(&request, name)?;
        let zone = &self.services.time_zone;
        let reading = Reading::of(request.headers(), zone);
        // Where the zone is unknown, which is refused later, the clock is that of the installation.
        let clock = reading.as_ref().map_or_else(|_| Clock::of(zone.clone()), |reading| reading.clock().clone());
        Reading::lend(reading, &mut request);
        let has_body = request.method() != Method::HEAD;
        let work = pin!(with_the_clock(clock, async {
            let mut response = self.inner.call(request).await?;
            if has_body {
                let end = large_answer::write(&mut response).await;
                end.inspect_err(|error| self.tally.note_refused(error))?;
            }
            Ok(response)
        }));
        if HEALTH.contains(&name) {
            return work.await;
        }
        let limit = if RUNS.contains(&name) { RUN } else { REQUEST };
        let end = self.services.room.work(limit, work).await;
        end.inspect_err(|error| self.tally.note_refused(error))?
    }
}

impl<E> Envelope<E> {
    /// Reads the body, before it is known who calls: what is too large is refused whoever sends it.
    async fn receive(&self, request: &mut Request) -> Result<Option<LargeBody>, Error> {
        let body = request.take_body();
        if body.is_empty() {
            return Ok(None);
        }
        let read = receive::read(body, request.remote_addr().into(), &self.large_bodies).await;
        let (bytes, large) = read.inspect_err(|error| self.tally.note_refused(error))?;
        request.set_body(bytes);
        Ok(large)
    }

    /// Refuses requests that are never taken. Gives the others the path as the routes spell it and the query without empty
    /// parameters, and returns the name of the operation.
    fn admit(&self, request: &mut Request) -> Result<&str, Error> {
        let is_allowed = request.data::<AllowedOrigin>().is_some();
        if !is_allowed && is_of_another_site(request) {
            return Err(Error::CrossSite);
        }
        if is_allowed && auth::is_basic(request.headers()) {
            return Err(Error::CredentialsMisplaced(auth::BASIC_OF_ANOTHER_SITE));
        }
        let found = self.paths.resolve(request.method(), request.uri().path())?;
        let query = request.uri().query().unwrap_or_default();
        let filled = headers::without_empty_parameters(query);
        if filled.is_some() || found.path != request.uri().path() {
            let query = filled.as_deref().unwrap_or(query);
            let separator = if query.is_empty() { "" } else { "?" };
            *request.uri_mut() = format!("{}{separator}{query}", found.path).parse().map_err(|_| Error::NoRoute)?;
        }
        Ok(found.operation)
    }
}

/// A page of another origin, which no setting names, sent the request or asks whether it may.
fn is_of_another_site(request: &Request) -> bool {
    let (headers, scheme) = (request.headers(), request.scheme());
    auth::is_cross_site(request.method(), headers, scheme)
        || cors::is_preflight(request) && auth::has_foreign_origin(headers, scheme)
}

/// Answers an error, whoever made it, in the one shape. `parameters` are the names of the route's path parameters.
pub fn respond(error: poem::Error, parameters: &[String], shape: Shape) -> Response {
    let error = translate(error, parameters);
    // What failed elsewhere was told of where it was called, and what is not there yet is no failure.
    let is_told = matches!(
        error,
        Error::HandlerUnreachable(_)
            | Error::OutcomeUnknown { .. }
            | Error::NotImplemented(_)
            | Error::ProviderUnreachable
    );
    if matches!(error, Error::Overloaded) {
        tell_of_overload();
    } else if StatusCode::from(&error).is_server_error() && !is_told {
        tracing::error!(cause = error.chain(), "failed");
    }
    error.in_shape(shape)
}

/// Once a second at most: a line for each request would be one more thing to do for those who are too many.
fn tell_of_overload() {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if TOLD.swap(now, Ordering::Relaxed) != now {
        tracing::warn!("requests are refused with 503, because more come than can be answered");
    }
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

/// Takes the names of Rust types out of poem-openapi's reasons, and what was sent, which may be a password.
pub fn plain(reason: &str) -> &str {
    let reason = reason.rsplit_once(" (occurred while parsing \"").map_or(reason, |(reason, _)| reason);
    match reason.strip_prefix("failed to parse \"").and_then(|rest| rest.split_once("\": ")) {
        Some((_, reason)) => without_what_was_sent(reason),
        None => without_what_was_sent(reason),
    }
}

fn without_what_was_sent(reason: &str) -> &str {
    if reason.starts_with("Type \"") && reason.ends_with("expects an input value.") {
        return "it is missing";
    }
    match reason.split_once(", found ") {
        Some((expected, _)) if expected.starts_with("Expected input type") => expected,
        _ => reason,
    }
}

/// A panic is answered like any other failure; the log has its message.
pub fn answer_panic(payload: Box<dyn std::any::Any + Send>) -> Response {
    let message = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let error = Error::internal(format!("panic: {}", message.unwrap_or("without a message")));
    respond(error.into(), &[], Shape::Upstream)
}
