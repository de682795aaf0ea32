//! The only place that chooses the status and the body of an error.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{
    Object,
    error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError},
    payload::Json,
    types::Example,
};

use crate::error::{Error, with_causes};

/// The body of an error.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct ErrorInfo {
    /// Always true.
    pub error: bool,
    /// The kind of error, with upstream's exception names: `SoNotFoundException`, `ArgumentException`, …
    pub error_type: String,
    /// What went wrong, in words for people.
    pub error_message: String,
    /// Always `kommando`.
    pub error_source: String,
    /// The same text as ErrorMessage. Upstream's documentation has ErrorMessage; upstream's client reads Message.
    // QUIRK: both names are sent. Seen in: docs/upstream.md §6. Until: upstream's documentation and client agree.
    pub message: String,
}

impl Example for ErrorInfo {
    fn example() -> Self {
        Self::from(&Error::NoSuchUser)
    }
}

impl From<&Error> for StatusCode {
    fn from(error: &Error) -> Self {
        match error {
            Error::NoSuchCommand(_)
            | Error::CommandUnavailable { .. }
            | Error::InvalidInputs(_)
            | Error::ConfirmationMissing
            | Error::InvalidArgument(_)
            | Error::Validation(_) => Self::BAD_REQUEST,
            Error::Unauthenticated | Error::CredentialsMisplaced(_) => Self::UNAUTHORIZED,
            Error::CrossSite
            | Error::MayNotReadUser
            | Error::MayNotManageUser
            | Error::TemporaryPassword
            | Error::UserAgentRestricted
            | Error::NotAdministrator
            | Error::MayNotChange(_)
            | Error::LastAdministrator
            | Error::SharedPerson
            | Error::CommandDenied { .. } => Self::FORBIDDEN,
            Error::TooManyAttempts(_) => Self::TOO_MANY_REQUESTS,
            Error::NoSuchUser
            | Error::NoSuchUserName
            | Error::NoSuchRole
            | Error::NoSuchGroup
            | Error::NoSuchField
            | Error::NoRoute
            | Error::NoSuchExecution
            | Error::NoSuchWebhook
            | Error::NoSuchDefinition
            | Error::NotADemo
            | Error::NoSuchTicket => Self::NOT_FOUND,
            Error::KeyInFlight
            | Error::ConfirmationMismatch { .. }
            | Error::WebhookNotDead(_)
            | Error::WebhookNotSealed
            | Error::TestFailed { .. } => Self::CONFLICT,
            Error::KeyReused => Self::UNPROCESSABLE_ENTITY,
            Error::StorageFull(_) => Self::INSUFFICIENT_STORAGE,
            Error::NotImplemented(_)
            | Error::ResourceNotServed(_)
            | Error::ListNotServed(_)
            | Error::ArchiveNotServed(_) => Self::NOT_IMPLEMENTED,
            Error::MethodNotAllowed { .. } => Self::METHOD_NOT_ALLOWED,
            Error::NotAcceptable => Self::NOT_ACCEPTABLE,
            Error::BodyTooSlow => Self::REQUEST_TIMEOUT,
            Error::BodyTooLarge => Self::PAYLOAD_TOO_LARGE,
            Error::UnsupportedMediaType | Error::UnsupportedEncoding => Self::UNSUPPORTED_MEDIA_TYPE,
            Error::Modified => Self::PRECONDITION_FAILED,
            Error::Unavailable(_) | Error::Overloaded | Error::TookTooLong | Error::ProviderUnreachable => {
                Self::SERVICE_UNAVAILABLE
            }
            Error::WebhookNotExecuted(_) => Self::BAD_GATEWAY,
            Error::OutcomeUnknown { .. } => Self::GATEWAY_TIMEOUT,
            Error::Internal(_) => Self::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<&Error> for ErrorInfo {
    fn from(error: &Error) -> Self {
        let message = error.message();
        Self {
            error: true,
            error_type: exception_of(error).to_owned(),
            error_message: message.clone(),
            error_source: "kommando".to_owned(),
            message,
        }
    }
}

/// Upstream's exception name for an error.
fn exception_of(error: &Error) -> &'static str {
    match error {
        Error::Unauthenticated | Error::CredentialsMisplaced(_) | Error::TooManyAttempts(_) => "SoSessionException",
        Error::TemporaryPassword
        | Error::UserAgentRestricted
        | Error::MayNotManageUser
        | Error::CrossSite
        | Error::MayNotReadUser
        | Error::MayNotChange(_)
        | Error::LastAdministrator
        | Error::SharedPerson
        | Error::TestFailed { .. }
        | Error::CommandDenied { .. }
        | Error::WebhookNotDead(_)
        | Error::WebhookNotSealed
        | Error::NotAdministrator
        | Error::KeyInFlight
        | Error::ConfirmationMismatch { .. }
        | Error::Modified => "SoIllegalOperationException",
        Error::NotADemo
        | Error::NoSuchTicket
        | Error::NoSuchUser
        | Error::NoSuchUserName
        | Error::NoSuchRole
        | Error::NoSuchGroup
        | Error::NoSuchField
        | Error::NoSuchExecution
        | Error::NoSuchWebhook
        | Error::NoSuchDefinition
        | Error::NoRoute => "SoNotFoundException",
        Error::Validation(_) => "SoValidationException",
        Error::NoSuchCommand(_)
        | Error::CommandUnavailable { .. }
        | Error::InvalidArgument(_)
        | Error::InvalidInputs(_)
        | Error::ConfirmationMissing
        | Error::KeyReused => "ArgumentException",
        Error::WebhookNotExecuted(_)
        | Error::OutcomeUnknown { .. }
        | Error::StorageFull(_)
        | Error::Unavailable(_)
        | Error::Overloaded
        | Error::ProviderUnreachable
        | Error::TookTooLong
        | Error::Internal(_) => "SoServerException",
        Error::NotImplemented(_)
        | Error::ResourceNotServed(_)
        | Error::ListNotServed(_)
        | Error::ArchiveNotServed(_) => "SoNotImplementedException",
        Error::MethodNotAllowed { .. }
        | Error::NotAcceptable
        | Error::UnsupportedMediaType
        | Error::UnsupportedEncoding => "SoNotSupportedException",
        Error::BodyTooSlow | Error::BodyTooLarge => "SoInvalidArgumentException",
    }
}

/// The body of an error outside upstream's API: problem details (RFC 9457).
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Problem {
    /// Always `about:blank`: the status tells the kind of problem.
    pub r#type: String,
    /// The name of the status, such as `Not Found`.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What went wrong, in words for people.
    pub detail: String,
}

impl Example for Problem {
    fn example() -> Self {
        Self::from(&Error::NoSuchExecution)
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let status = StatusCode::from(error);
        Self {
            r#type: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: error.message(),
        }
    }
}

/// The media type of problem details.
pub const PROBLEM: &str = "application/problem+json";

const OUTCOME: HeaderName = HeaderName::from_static("x-command-outcome");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The format of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorFormat {
    /// [`ErrorInfo`].
    Upstream,
    /// [`Problem`].
    Problem,
}

impl ErrorFormat {
    /// The error format of a path: [`Self::Problem`] under `/_ext`.
    pub fn at(path: &str) -> Self {
        let is_ext = path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("/_ext"));
        if is_ext { Self::Problem } else { Self::Upstream }
    }
}

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        self.into()
    }

    fn as_response(&self) -> Response {
        self.to_response(ErrorFormat::Upstream)
    }
}

impl Error {
    pub fn to_response(&self, format: ErrorFormat) -> Response {
        let mut response = match format {
            ErrorFormat::Upstream => {
                // The pipeline uses this to write the body again as XML, for clients that do not accept JSON.
                let info = ErrorInfo::from(self);
                let mut response = Json(info.clone()).into_response();
                response.set_data(info);
                response
            }
            ErrorFormat::Problem => Json(Problem::from(self)).with_content_type(PROBLEM).into_response(),
        };
        response.set_status(self.into());
        for (name, value) in extra_headers(self) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

fn extra_headers(error: &Error) -> Vec<(HeaderName, Cow<'_, str>)> {
    match error {
        Error::MethodNotAllowed { allowed } => vec![(header::ALLOW, allowed.into())],
        Error::Unavailable(_) | Error::Overloaded | Error::KeyInFlight => vec![(header::RETRY_AFTER, "1".into())],
        Error::ProviderUnreachable => vec![(header::RETRY_AFTER, "10".into())],
        Error::UnsupportedEncoding => vec![(header::ACCEPT_ENCODING, "identity".into())],
        Error::TooManyAttempts(attempts) => {
            vec![(header::RETRY_AFTER, attempts.retry_after_seconds.to_string().into())]
        }
        Error::CommandDenied { .. } => vec![(OUTCOME, "denied".into())],
        Error::WebhookNotExecuted(_) => vec![(OUTCOME, "failed".into())],
        Error::OutcomeUnknown { replayed: false, .. } => vec![(OUTCOME, "unknown".into())],
        Error::OutcomeUnknown { replayed: true, .. } => vec![(OUTCOME, "unknown".into()), (REPLAYED, "true".into())],
        _ => vec![],
    }
}

/// Logs an error and turns it into a response. `parameters` are the documented names of the route's path parameters.
pub fn respond(error: poem::Error, parameters: &[String], format: ErrorFormat) -> Response {
    let error = translate(error, parameters);
    // Failed calls to other systems are logged by the caller, and a missing feature is not a failure.
    let is_expected = matches!(
        error,
        Error::WebhookNotExecuted(_)
            | Error::OutcomeUnknown { .. }
            | Error::NotImplemented(_)
            | Error::ResourceNotServed(_)
            | Error::ListNotServed(_)
            | Error::ArchiveNotServed(_)
            | Error::ProviderUnreachable
    );
    if matches!(error, Error::Overloaded) {
        log_overload();
    } else if StatusCode::from(&error).is_server_error() && !is_expected {
        tracing::error!(cause = with_causes(&error), "failed to answer the request");
    }
    error.to_response(format)
}

/// Logs an overload at most once a second, because a line for each request would add to the load.
fn log_overload() {
    static LAST_LOGGED: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if LAST_LOGGED.swap(now, Ordering::Relaxed) != now {
        tracing::warn!("refusing requests with 503: more arrive than the server can answer");
    }
}

/// Turns poem's errors into ours.
fn translate(error: poem::Error, parameters: &[String]) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    if let Some(ParseParamError { name, reason }) = error.downcast_ref() {
        return Error::InvalidArgument(format!("Parameter {name}: {}.", redact_reason(reason)));
    }
    if let Some(ParsePathError { name, reason }) = error.downcast_ref() {
        // poem-openapi numbers path parameters; clients know the name from the document.
        let number = name.strip_prefix("param").and_then(|number| number.parse::<usize>().ok());
        let name = number.and_then(|number| parameters.get(number)).map_or(*name, String::as_str);
        return Error::InvalidArgument(format!("Parameter {name}: {}.", redact_reason(reason)));
    }
    if let Some(ParseRequestPayloadError { reason }) = error.downcast_ref() {
        return Error::InvalidArgument(format!("Body: {}.", redact_reason(reason)));
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

/// Removes two things from poem-openapi's error texts: the names of Rust types, and the value that the client sent,
/// which may be a password.
pub fn redact_reason(reason: &str) -> &str {
    let reason = reason.rsplit_once(" (occurred while parsing \"").map_or(reason, |(reason, _)| reason);
    match reason.strip_prefix("failed to parse \"").and_then(|rest| rest.split_once("\": ")) {
        Some((_, reason)) => without_value(reason),
        None => without_value(reason),
    }
}

fn without_value(reason: &str) -> &str {
    if reason.starts_with("Type \"") && reason.ends_with("expects an input value.") {
        return "it is missing";
    }
    match reason.split_once(", found ") {
        Some((expected, _)) if expected.starts_with("Expected input type") => expected,
        _ => reason,
    }
}

/// Answers a panic with 500 and logs its message.
pub fn answer_panic(payload: Box<dyn std::any::Any + Send>) -> Response {
    let message = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let error = Error::internal(format!("panic: {}", message.unwrap_or("without a message")));
    respond(error.into(), &[], ErrorFormat::Upstream)
}
