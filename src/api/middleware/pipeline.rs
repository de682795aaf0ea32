//! The pipeline around every request: request id, tracing span, limits, routing, and error responses.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderValue, Method, StatusCode, header, header::Entry},
};
use poem_openapi::types::{ToJSON, Type};
use tracing::{Instrument, field::display};
use uuid::Uuid;

use super::{
    cors::{self, AllowedOrigin},
    fault_injection::InjectedFault,
    headers::{self, DeclaredInputs},
    large_bodies::{LargeBodies, LargeBody},
    normalize_path::PathNormalizer,
    read_body,
    request_metrics::RequestMetrics,
};
use crate::{
    api::{
        models::datetime::with_the_clock,
        respond::{
            content_negotiation::MediaType,
            error::{self, ErrorFormat, ErrorInfo},
            format::{RequestLocale, VARY},
            large_response, xml,
        },
        routes::upstream_resources,
        state::AppState,
    },
    auth::{self, RequestId},
    error::Error,
    localization::Clock,
    metrics::{self, RequestContext},
    traces::{self, SpanKind, TraceContext},
};

/// The longest time that a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a request that runs a command, which may wait five minutes for another system.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(330);
const COMMAND_OPERATIONS: [&str; 2] = ["v1User_ExecuteUserCommand", "v1UserAgent_ExecuteUserCommand"];
/// Health checks have no concurrency limit: they must be answered when the server is overloaded.
const HEALTH_OPERATIONS: [&str; 2] = ["GetLiveness", "GetReadiness"];

/// The endpoint of the whole API, with everything that surrounds an operation.
pub struct RequestPipeline<E> {
    inner: E,
    paths: PathNormalizer,
    declared: DeclaredInputs,
    state: Arc<AppState>,
    large_bodies: LargeBodies,
    metrics: RequestMetrics,
}

impl<E> RequestPipeline<E> {
    pub fn new(inner: E, paths: PathNormalizer, declared: DeclaredInputs, state: AppState) -> Self {
        let metrics = RequestMetrics::new(&state.metrics);
        Self { inner, paths, declared, state: Arc::new(state), large_bodies: LargeBodies::default(), metrics }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for RequestPipeline<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let id = Uuid::now_v7().simple().to_string();
        request.set_data(RequestId(id.clone()));
        if let Some(tenant) = &self.state.tenant {
            tenant.strip(&mut request);
        }
        self.state.attach(&mut request);
        let origin = self.state.cors.admit(&mut request);
        let media = MediaType::for_client(request.headers()).unwrap_or(MediaType::Json);
        let parent = request.header("traceparent").and_then(TraceContext::parse);
        let mut span = traces::Span::start(SpanKind::Server, "request", parent);
        let trace = span.context();
        let (trace_id, span_id) = (trace.map(|trace| display(trace.id)), trace.map(|trace| display(trace.span)));
        let (method, path) = (request.method(), request.uri().path());
        let log_span = tracing::info_span!("request", request_id = id, %method, path, trace_id, span_id);
        span.set("kommando.request_id", &id);
        span.set("http.request.method", method);
        span.set("url.path", path);
        let answer = self.answer(request, span);
        let mut response = RequestContext::new(trace).scope(answer).instrument(log_span).await;
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", id);
        }
        if media.is_xml() {
            write_error_as_xml(&mut response, media);
        }
        // Responses may contain secrets that are shown once. Static pages and the OpenAPI document set their own
        // Cache-Control and do not depend on the caller.
        if let Entry::Vacant(entry) = response.headers_mut().entry(header::CACHE_CONTROL) {
            entry.insert(HeaderValue::from_static("no-store"));
            response.headers_mut().insert(header::VARY, HeaderValue::from_static(VARY));
        }
        self.state.cors.mark(origin, response.headers_mut());
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

impl<E: Endpoint<Output = Response>> RequestPipeline<E> {
    /// Answers a request, turning errors into responses, and records the metrics, the span and the log line.
    async fn answer(&self, request: Request, mut span: traces::Span) -> Response {
        let started = Instant::now();
        let challenges = auth::challenges(self.state.authenticator.installation, request.headers());
        let format = ErrorFormat::at(request.uri().path());
        let client = request.remote_addr().as_socket_addr().map(|address| address.ip().to_canonical());
        let mut operation = "";
        let result = match self.state.hosts.check(&request) {
            Ok(()) => self.run_with_fault(request, &mut operation).await,
            Err(error) => Err(error.into()),
        };
        let mut response = result.unwrap_or_else(|error| error::respond(error, &[], format));
        if response.status() == StatusCode::UNAUTHORIZED {
            for challenge in challenges {
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        let (status, took) = (response.status(), started.elapsed());
        self.metrics.note(operation, status, took);
        end_span(&mut span, operation, status);
        let (status, ms, caller) = (status.as_u16(), took.as_micros() as f64 / 1e3, metrics::caller());
        tracing::debug!(target: "kommando::request", operation, status, ms, caller, client = client.map(display), "answered");
        response
    }

    /// Checks the headers, answers preflights, and runs the request with the fault that `X-Demo-Fault` asks for.
    async fn run_with_fault<'a>(&'a self, request: Request, operation: &mut &'a str) -> Result<Response> {
        headers::check(request.headers())?;
        headers::check_query(request.uri())?;
        if let Some(response) = cors::preflight(&request) {
            return Ok(response);
        }
        let fault = InjectedFault::of(request.headers(), self.state.demo.is_some())?;
        fault.map_or(Ok(()), InjectedFault::before)?;
        let mut response = self.run(request, operation).await?;
        if let Some(fault) = fault {
            fault.after(&mut response).await;
        }
        Ok(response)
    }

    /// Runs the operation of a request. Sets `operation` to its name as soon as the route is known.
    async fn run<'a>(&'a self, mut request: Request, operation: &mut &'a str) -> Result<Response> {
        let _large = self.read_body(&mut request).await?;
        let name = self.route(&mut request)?;
        *operation = name;
        self.declared.check(&request, name)?;
        let zone = &self.state.time_zone;
        let locale = RequestLocale::of(request.headers(), zone);
        // An unknown time zone is refused later; until then the clock is that of the installation.
        let clock = locale.as_ref().map_or_else(|_| Clock::of(zone.clone()), |locale| locale.clock().clone());
        RequestLocale::attach(locale, &mut request);
        let has_body = request.method() != Method::HEAD;
        let work = pin!(with_the_clock(clock, async {
            let mut response = self.inner.call(request).await?;
            if has_body {
                let written = large_response::write(&mut response).await;
                written.inspect_err(|error| self.metrics.note_refused(error))?;
            }
            Ok(response)
        }));
        if HEALTH_OPERATIONS.contains(&name) {
            return work.await;
        }
        let limit = if COMMAND_OPERATIONS.contains(&name) { COMMAND_TIMEOUT } else { REQUEST_TIMEOUT };
        let result = self.state.concurrency_limiter.work(limit, work).await;
        result.inspect_err(|error| self.metrics.note_refused(error))?
    }
}

impl<E> RequestPipeline<E> {
    /// Reads the body. This happens before authentication, so the limits apply to every client.
    async fn read_body(&self, request: &mut Request) -> Result<Option<LargeBody>, Error> {
        let body = request.take_body();
        if body.is_empty() {
            return Ok(None);
        }
        let read = read_body::read(body, request.remote_addr().into(), &self.large_bodies).await;
        let (bytes, large) = read.inspect_err(|error| self.metrics.note_refused(error))?;
        request.set_body(bytes);
        Ok(large)
    }

    /// Refuses cross-site requests and finds the route. Rewrites the request's path to the router's spelling, removes
    /// empty query parameters, and returns the name of the operation.
    fn route(&self, request: &mut Request) -> Result<&str, Error> {
        let is_allowed = request.data::<AllowedOrigin>().is_some();
        if !is_allowed && is_of_another_site(request) {
            return Err(Error::CrossSite);
        }
        if is_allowed && auth::is_basic(request.headers()) {
            return Err(Error::CredentialsMisplaced(auth::BASIC_OF_ANOTHER_SITE));
        }
        let path = request.uri().path();
        let found = self.paths.resolve(request.method(), path).map_err(|error| match error {
            Error::NoRoute => upstream_resources::of_path(path).map_or(Error::NoRoute, Error::ResourceNotServed),
            error => error,
        })?;
        let query = request.uri().query().unwrap_or_default();
        let cleaned = headers::without_empty_parameters(query);
        if cleaned.is_some() || found.path != request.uri().path() {
            let query = cleaned.as_deref().unwrap_or(query);
            let separator = if query.is_empty() { "" } else { "?" };
            *request.uri_mut() = format!("{}{separator}{query}", found.path).parse().map_err(|_| Error::NoRoute)?;
        }
        Ok(found.operation)
    }
}

/// Whether the request, or the preflight, comes from a page of another origin.
fn is_of_another_site(request: &Request) -> bool {
    let (headers, scheme) = (request.headers(), request.scheme());
    auth::is_cross_site(request.method(), headers, scheme)
        || cors::is_preflight(request) && auth::has_foreign_origin(headers, scheme)
}

/// Notes the end of a request in its span.
fn end_span(span: &mut traces::Span, operation: &str, status: StatusCode) {
    if !operation.is_empty() {
        span.rename(operation);
    }
    span.set_number("http.response.status_code", status.as_u16().into());
    if status.is_server_error() {
        span.fail(status);
    }
}

fn write_error_as_xml(response: &mut Response, media: MediaType) {
    let Some(xml) = response
        .data::<ErrorInfo>()
        .map(|error| xml::write(&ErrorInfo::schema_ref(), &error.to_json().unwrap_or_default()))
    else {
        return;
    };
    response.set_body(xml);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
}
