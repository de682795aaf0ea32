//! How clients are told of an error: its status, and its body in one of two shapes.

use std::borrow::Cow;

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{Object, payload::Json, types::Example};

use super::{
    Error,
    quoted::{bounded, quoted},
};

/// What an error looks like, whatever went wrong.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct ErrorInfo {
    /// Always true.
    pub error: bool,
    /// The kind of error, named as upstream names its exceptions: `SoNotFoundException`, `ArgumentException`, …
    pub error_type: String,
    /// What went wrong, for people.
    pub error_message: String,
    /// Always `kommando`.
    pub error_source: String,
    /// The same as ErrorMessage: the vendor's documentation shows that name, its client reads this one.
    // QUIRK: both names are sent. Seen in: contract §6. Until: upstream's documentation and client agree.
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
            | Error::NoSuchField
            | Error::NoRoute
            | Error::NoSuchExecution
            | Error::NoSuchWebhook
            | Error::NoDemo
            | Error::NoSuchTicket => Self::NOT_FOUND,
            Error::KeyInFlight | Error::WebhookNotDead(_) | Error::WebhookNotSealed | Error::TestFailed { .. } => {
                Self::CONFLICT
            }
            Error::KeyReused => Self::UNPROCESSABLE_ENTITY,
            Error::StorageFull(_) => Self::INSUFFICIENT_STORAGE,
            Error::NotImplemented(_) => Self::NOT_IMPLEMENTED,
            Error::MethodNotAllowed { .. } => Self::METHOD_NOT_ALLOWED,
            Error::NotAcceptable => Self::NOT_ACCEPTABLE,
            Error::BodyTooSlow => Self::REQUEST_TIMEOUT,
            Error::BodyTooLarge => Self::PAYLOAD_TOO_LARGE,
            Error::UnsupportedMediaType | Error::UnsupportedEncoding => Self::UNSUPPORTED_MEDIA_TYPE,
            Error::Modified => Self::PRECONDITION_FAILED,
            Error::Unavailable(_) | Error::Overloaded | Error::TookTooLong | Error::ProviderUnreachable => {
                Self::SERVICE_UNAVAILABLE
            }
            Error::HandlerUnreachable(_) => Self::BAD_GATEWAY,
            Error::OutcomeUnknown { .. } => Self::GATEWAY_TIMEOUT,
            Error::Internal(_) => Self::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<&Error> for ErrorInfo {
    fn from(error: &Error) -> Self {
        let (error_type, message) = match error {
            Error::Unauthenticated => (
                "SoSessionException",
                "No valid credentials. WWW-Authenticate names the schemes that are allowed; browsers log in at \
                 /_ext/session."
                    .into(),
            ),
            Error::CredentialsMisplaced(fault) => ("SoSessionException", (*fault).to_owned()),
            Error::TooManyAttempts(_) => (
                "SoSessionException",
                "Too many attempts to log in failed. Try again after the seconds of Retry-After.".into(),
            ),
            Error::TemporaryPassword => (
                "SoIllegalOperationException",
                "This password is temporary: make your own with POST /_ext/password, and use that.".into(),
            ),
            Error::UserAgentRestricted => (
                "SoIllegalOperationException",
                "The User agent is not available here, unless SO-AppToken names an application that was granted it."
                    .into(),
            ),
            Error::MayNotManageUser => (
                "SoIllegalOperationException",
                "You may manage yourself only; managing other users takes a role with the right `manage-users`, and \
                 none that outranks yours."
                    .into(),
            ),
            Error::NoDemo => {
                ("SoNotFoundException", "This server is no demo: it was not started with `serve --demo`.".into())
            }
            Error::NoSuchTicket => ("SoNotFoundException", "There is no such ticket, or it is not yours.".into()),
            Error::CrossSite => (
                "SoIllegalOperationException",
                "Requests from another site's pages are not accepted. KOMMANDO_CORS_ORIGINS names the origins whose pages \
                 may call."
                    .into(),
            ),
            Error::MayNotReadUser => (
                "SoIllegalOperationException",
                "You may see yourself only; seeing other users takes a role with the right `read-users`.".into(),
            ),
            Error::MayNotChange(field) => {
                ("SoIllegalOperationException", format!("{field}: your role does not let you change it to this."))
            }
            Error::LastAdministrator => (
                "SoIllegalOperationException",
                "This is the last administrator who can log in; first make another user one, with a password.".into(),
            ),
            Error::SharedPerson => (
                "SoIllegalOperationException",
                "Person: another user has this person, too, and you may not manage that user.".into(),
            ),
            Error::Validation(faults) => ("SoValidationException", format!("{faults}.")),
            // The text is upstream's, and the place is ours (contract §1.1, operation 5).
            Error::TestFailed { path } => (
                "SoIllegalOperationException",
                format!(
                    "Update blocked because a 'test' operation has detected a conflict with the entity value: {path}."
                ),
            ),
            // The text is upstream's, with its full stop (contract §1.1, operation 8).
            Error::NoSuchUser => ("SoNotFoundException", "User with given id does not exist in the db.".into()),
            Error::NoSuchUserName => ("SoNotFoundException", "User with given name does not exist in the db.".into()),
            Error::NoSuchCommand(name) => (
                "ArgumentException",
                format!("There is no command {}. The list of commands is at /api/v1/User/{{id}}/CustomCommand.", quoted(name)),
            ),
            Error::CommandDenied { command, reason } => {
                ("SoIllegalOperationException", format!("You may not run `{command}` on this user: {reason}."))
            }
            Error::CommandUnavailable { command, reason } => (
                "ArgumentException",
                format!("The command `{command}` is not available for this user now: {reason}."),
            ),
            Error::InvalidArgument(message) => ("ArgumentException", message.clone()),
            Error::NoSuchField => ("SoNotFoundException", "No user has a custom field of this name.".into()),
            Error::NoSuchExecution => ("SoNotFoundException", "There is no such execution, or it is not yours.".into()),
            Error::NoSuchWebhook => ("SoNotFoundException", "There is no webhook with this id.".into()),
            Error::WebhookNotDead(state) => {
                ("SoIllegalOperationException", format!("Only a dead webhook can be sent again; this one is {state}."))
            }
            Error::WebhookNotSealed => (
                "SoIllegalOperationException",
                "This webhook has no seal of the server's audit key, so it is not sent. `kommando audit seal` lists such ones."
                    .into(),
            ),
            Error::NotAdministrator => ("SoIllegalOperationException", "This is for administrators only.".into()),
            Error::HandlerUnreachable(_) | Error::OutcomeUnknown { .. } => ("SoServerException", error.to_string()),
            Error::KeyInFlight => (
                "SoIllegalOperationException",
                "A request with this Idempotency-Key is under way. Send it again to get its answer.".into(),
            ),
            Error::KeyReused => (
                "ArgumentException",
                "This Idempotency-Key was used with another actionResult. Use a new key for a new request.".into(),
            ),
            Error::StorageFull(_) => ("SoServerException", "The server has no room to store anything.".into()),
            Error::NoRoute => {
                ("SoNotFoundException", "There is nothing at this path. The API is shown at /docs.".into())
            }
            Error::NotImplemented(operation) => {
                ("SoNotImplementedException", format!("The operation `{operation}` is not implemented by this server."))
            }
            Error::MethodNotAllowed { allowed } => {
                ("SoNotSupportedException", format!("This path takes the methods {allowed}."))
            }
            Error::NotAcceptable => (
                "SoNotSupportedException",
                "This server answers application/json and application/xml; Accept excludes both. Take one of them, or */*."
                    .into(),
            ),
            Error::BodyTooSlow => (
                "SoInvalidArgumentException",
                "The body came too slowly. Send it within 20 seconds, and after 5 at 16 KiB a second or more.".into(),
            ),
            Error::BodyTooLarge => ("SoInvalidArgumentException", "The body is larger than 1 MiB.".into()),
            Error::UnsupportedMediaType => {
                ("SoNotSupportedException", "Send a body as application/json, or none.".into())
            }
            Error::UnsupportedEncoding => (
                "SoNotSupportedException",
                "Header Content-Encoding: bodies are read as they are; send yours without an encoding.".into(),
            ),
            Error::Modified => (
                "SoIllegalOperationException",
                "The user was changed after the time of If-Unmodified-Since. Read it again, and send the change with its \
                 new Last-Modified."
                    .into(),
            ),
            Error::Unavailable(_) | Error::Overloaded | Error::ProviderUnreachable => {
                ("SoServerException", "The server cannot answer now. Try again.".into())
            }
            Error::TookTooLong => (
                "SoServerException",
                "The server took too long. Whether it did what was asked is not known; look before you ask again."
                    .into(),
            ),
            Error::Internal(_) => (
                "SoServerException",
                "The server failed. Its log tells why, under the X-Request-Id of this response.".into(),
            ),
        };
        let message = bounded(message);
        Self {
            error: true,
            error_type: error_type.to_owned(),
            error_message: message.clone(),
            error_source: "kommando".to_owned(),
            message,
        }
    }
}

/// What an error looks like outside upstream's API: problem details, as RFC 9457 has them.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    pub r#type: String,
    /// What the status means.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What went wrong, for people.
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
            detail: ErrorInfo::from(error).message,
        }
    }
}

/// The media type of problem details.
pub const PROBLEM: &str = "application/problem+json";

const OUTCOME: HeaderName = HeaderName::from_static("x-command-outcome");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// In which shape a client is told of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As upstream tells it.
    Upstream,
    /// As problem details.
    Problem,
}

impl Shape {
    /// The shape of errors at a path.
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
        self.in_shape(Shape::Upstream)
    }
}

impl Error {
    /// The response that tells of it.
    pub fn in_shape(&self, shape: Shape) -> Response {
        let mut response = match shape {
            Shape::Upstream => {
                // The edge may write it once more, for a client that takes no JSON.
                let info = ErrorInfo::from(self);
                let mut response = Json(info.clone()).into_response();
                response.set_data(info);
                response
            }
            Shape::Problem => Json(Problem::from(self)).with_content_type(PROBLEM).into_response(),
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
        Error::HandlerUnreachable(_) => vec![(OUTCOME, "failed".into())],
        Error::OutcomeUnknown { replayed: false, .. } => vec![(OUTCOME, "unknown".into())],
        Error::OutcomeUnknown { replayed: true, .. } => vec![(OUTCOME, "unknown".into()), (REPLAYED, "true".into())],
        _ => vec![],
    }
}
