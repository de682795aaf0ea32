//! One webhook call: signs and sends the request, reads a limited answer, and classifies errors.

use std::{
    error::Error as StdError,
    io,
    time::{Duration, SystemTime},
};

use reqwest::{Client, Response, StatusCode, Url, header};
use serde::Deserialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use super::egress_policy;
use crate::{clock, traces::TraceContext};

/// Maximum size of an answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Maximum length of a message, in characters. A longer message is cut.
const MAX_MESSAGE: usize = 1000;
/// Maximum `Retry-After` that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A webhook to send.
// No Debug: the body may have a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// The `webhook-id`, the same for every attempt, so that the target can detect duplicates.
    pub id: String,
    /// The name of the target.
    pub target: String,
    /// The JSON body.
    pub body: String,
    /// Timeout of the whole call.
    pub timeout: Duration,
    /// The trace that the call belongs to.
    pub trace: Option<TraceContext>,
}

/// The reply to a sync webhook: whether the target did its work, and a message for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reply {
    pub success: bool,
    #[serde(default)]
    pub message: Option<String>,
}

/// Which parts of the answer are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedResponse {
    /// Only the status.
    Status,
    /// The status and the body, which is a [`Reply`].
    Reply,
}

/// Why a call failed, or has an unknown outcome.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("there is no such target")]
    NoTarget,
    #[error("it failed repeatedly, so calls to it are blocked for {} s", .0.as_secs())]
    BreakerOpen(Duration),
    #[error("too many calls to it are in flight")]
    Busy,
    /// There is no connection, so nothing was sent.
    #[error("{cause}")]
    Unreachable { reason: NoConnection, cause: String },
    /// The target answered with an error status.
    #[error("it answered with status {status}")]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error("it did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("its answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
    #[error("its answer is not the JSON {{\"success\": true, \"message\": \"…\"}}")]
    NoReply,
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

/// Why there is no connection, without addresses: only the log has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoConnection {
    #[error("its host has no address; check the host name in its `url`")]
    UnknownHost,
    #[error("its address is in no network that the target allows; check its `allow_networks`")]
    NotAllowed,
    #[error("nothing listens at its address; check that the target is running")]
    Refused,
    #[error("connecting to it timed out; check that the target is running and that no firewall blocks the call")]
    TimedOut,
    #[error("TLS with it failed; check its certificate and the authorities in `ca_file`")]
    Tls,
    #[error("the call could not be signed; check its secrets")]
    NotSigned,
    #[error("connecting to it failed; see the log of the server")]
    Other,
}

impl NoConnection {
    /// Finds the reason among the causes of a connection error.
    fn of(error: &reqwest::Error) -> Self {
        let causes = std::iter::successors(StdError::source(error), |cause| (*cause).source());
        let reasons = causes.filter_map(|cause| match cause.downcast_ref() {
            _ if cause.is::<egress_policy::Refused>() => Some(Self::NotAllowed),
            _ if cause.is::<egress_policy::UnknownHost>() => Some(Self::UnknownHost),
            Some(error) => Self::of_io(error),
            None => None,
        });
        let timed_out = error.is_timeout().then_some(Self::TimedOut);
        reasons.last().or(timed_out).unwrap_or(Self::Other)
    }

    /// TLS errors are wrapped in I/O errors that do not return them as their source.
    fn of_io(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref();
        if let Some(inner) = inner.and_then(|inner| inner.downcast_ref()) {
            return Self::of_io(inner);
        }
        match error.kind() {
            _ if inner.is_some_and(|inner| inner.is::<rustls::Error>()) => Some(Self::Tls),
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            _ => None,
        }
    }
}

impl CallError {
    /// Whether the target surely did nothing: it was not reached, or it refused.
    pub fn was_not_executed(&self) -> bool {
        match self {
            Self::NoTarget | Self::BreakerOpen(_) | Self::Busy | Self::Unreachable { .. } => true,
            Self::Status { status, .. } => !status.is_server_error(),
            Self::TimedOut(_) | Self::TooLarge | Self::NoReply | Self::Broken(_) => false,
        }
    }

    /// The error for callers and records, without addresses and internal names.
    pub fn shown(&self) -> String {
        match self {
            Self::Unreachable { reason, .. } => reason.to_string(),
            Self::Broken(_) => "the connection to it broke before it answered".to_owned(),
            Self::TimedOut(limit) => format!("it did not answer within {} s", limit.as_secs_f64()),
            Self::NoTarget
            | Self::BreakerOpen(_)
            | Self::Busy
            | Self::Status { .. }
            | Self::TooLarge
            | Self::NoReply => self.to_string(),
        }
    }

    /// Whether the error counts as a failure of the target, not as a refusal of this request.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Status { status, .. } if !status.is_server_error())
    }
}

/// Signs and sends a webhook, and reads the expected parts of the answer.
///
/// # Errors
/// There is no connection, or no usable answer.
pub async fn send(
    client: &Client,
    url: Url,
    signers: &[Webhook],
    request: &WebhookRequest,
    trace: Option<TraceContext>,
    expected: ExpectedResponse,
) -> Result<Option<Reply>, CallError> {
    let timestamp = clock::wall().timestamp();
    let post = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(HEADER_WEBHOOK_ID, &request.id)
        .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
        .header(HEADER_WEBHOOK_SIGNATURE, sign(signers, request, timestamp)?)
        .body(request.body.clone());
    let post = match trace {
        Some(trace) => post.header("traceparent", trace.to_string()),
        None => post,
    };
    let response = post.send().await.map_err(|error| match error.is_connect() {
        true => CallError::Unreachable { reason: NoConnection::of(&error), cause: chain(error) },
        false => CallError::Broken(chain(error)),
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(CallError::Status { status, retry_after: retry_after(&response) });
    }
    match expected {
        ExpectedResponse::Status => Ok(None),
        ExpectedResponse::Reply => Reply::parse(&read(response).await?).map(Some),
    }
}

fn sign(signers: &[Webhook], request: &WebhookRequest, timestamp: i64) -> Result<String, CallError> {
    let signatures = signers.iter().map(|secret| secret.sign(&request.id, timestamp, request.body.as_bytes()));
    let signatures = signatures.collect::<Result<Vec<_>, _>>();
    let signatures = signatures
        .map_err(|error| CallError::Unreachable { reason: NoConnection::NotSigned, cause: error.to_string() })?;
    Ok(signatures.join(" "))
}

async fn read(mut response: Response) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| CallError::Broken(chain(error)))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Reply {
    /// Parses a reply. An empty body means success.
    ///
    /// # Errors
    /// The body is not a reply.
    fn parse(body: &[u8]) -> Result<Self, CallError> {
        if body.trim_ascii().is_empty() {
            return Ok(Self { success: true, message: None });
        }
        let reply: Self = serde_json::from_slice(body).map_err(|_| CallError::NoReply)?;
        // PostgreSQL cannot store U+0000.
        let text = |message: String| message.chars().filter(|one| *one != '\0').take(MAX_MESSAGE).collect();
        let message = reply.message.map(text);
        Ok(Self { message, ..reply })
    }
}

/// The delay in `Retry-After`, given in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let from_date = || httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok();
    let wait = value.trim().parse().ok().map(Duration::from_secs).or_else(from_date)?;
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The error with all its causes, without the URL, which may contain secrets.
pub fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes: Vec<_> =
        std::iter::successors(StdError::source(&error), |error| (*error).source()).map(ToString::to_string).collect();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_error_is_found_within_other_errors() {
        let tls = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::General("x".to_owned()));
        for (error, expected) in [
            (tls(), Some(NoConnection::Tls)),
            (io::Error::other(tls()), Some(NoConnection::Tls)),
            (io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused)), Some(NoConnection::Refused)),
            (io::ErrorKind::TimedOut.into(), Some(NoConnection::TimedOut)),
            (io::ErrorKind::BrokenPipe.into(), None),
        ] {
            assert_eq!(NoConnection::of_io(&error), expected, "{error}");
        }
    }
}
