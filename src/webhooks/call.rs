//! One call: signed, bounded in size, and what its answer means.

use std::{
    error::Error as StdError,
    io,
    time::{Duration, SystemTime},
};

use reqwest::{Client, Response, StatusCode, Url, header};
use serde::Deserialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use super::network;
use crate::{clock, watch::Trace};

const LARGEST_ANSWER: usize = 64 * 1024;
/// A longer message is cut, in characters.
const LONGEST_MESSAGE: usize = 1000;
/// No target is taken seriously that wants to be left alone for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The `webhook-id`, the same at every attempt: whoever receives it twice knows it by that.
    pub id: String,
    /// The name of the target.
    pub target: String,
    /// JSON.
    pub body: String,
    /// How long the whole call may take.
    pub timeout: Duration,
    /// The trace that the call is a step of.
    pub trace: Option<Trace>,
}

/// What a target that was asked answers: whether it did its work, and what to tell the caller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reply {
    pub success: bool,
    #[serde(default)]
    pub message: Option<String>,
}

/// What of an answer matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Its status alone.
    Status,
    /// Its body as well, which is a reply.
    Reply,
}

/// Why a call came to nothing, or to nothing that is known.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("there is no such target")]
    NoTarget,
    #[error("it failed again and again, and is left alone for {} s", .0.as_secs())]
    Resting(Duration),
    #[error("too many calls to it are under way")]
    Busy,
    /// There is no connection, so nothing was sent.
    #[error("{cause}")]
    Unreachable { reason: NoConnection, cause: String },
    /// It answered, but not that it took the message.
    #[error("it answered with status {status}")]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error("it did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("its answer is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
    #[error("its answer is not the JSON {{\"success\": true, \"message\": \"…\"}}")]
    NoReply,
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

/// Why there is no connection, in words that keep addresses to the operator: the log has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoConnection {
    #[error("its host has no address; see whether the name in its `url` is right")]
    UnknownHost,
    #[error("its address is in no network that the target allows; `allow_networks` names those that are meant")]
    NotAllowed,
    #[error("nothing listens at its address; see whether the target runs")]
    Refused,
    #[error("no connection to it came about in time; see whether the target runs and a firewall lets calls pass")]
    TimedOut,
    #[error("TLS with it failed; see whether its certificate is right, and which authority `ca_file` names")]
    Tls,
    #[error("the call could not be signed; see whether its secrets are right")]
    NotSigned,
    #[error("no connection to it could be made; the log of the server tells why")]
    Other,
}

impl NoConnection {
    /// The reason, of the causes of an error in connecting.
    fn of(error: &reqwest::Error) -> Self {
        let causes = std::iter::successors(StdError::source(error), |cause| (*cause).source());
        let reasons = causes.filter_map(|cause| match cause.downcast_ref() {
            _ if cause.is::<network::Refused>() => Some(Self::NotAllowed),
            _ if cause.is::<network::UnknownHost>() => Some(Self::UnknownHost),
            Some(error) => Self::of_io(error),
            None => None,
        });
        let timed_out = error.is_timeout().then_some(Self::TimedOut);
        reasons.last().or(timed_out).unwrap_or(Self::Other)
    }

    /// Errors of TLS stand within others, which do not name them as their source.
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
    /// The target did nothing: it was not reached, or it refused.
    pub fn is_harmless(&self) -> bool {
        match self {
            Self::NoTarget | Self::Resting(_) | Self::Busy | Self::Unreachable { .. } => true,
            Self::Status { status, .. } => !status.is_server_error(),
            Self::TimedOut(_) | Self::TooLarge | Self::NoReply | Self::Broken(_) => false,
        }
    }

    /// The same for callers and records: without addresses and names of the network, which are the operator's.
    pub fn shown(&self) -> String {
        match self {
            Self::Unreachable { reason, .. } => reason.to_string(),
            Self::Broken(_) => "the connection to it broke before it answered".to_owned(),
            Self::TimedOut(limit) => format!("it gave no answer in {} s", limit.as_secs_f64()),
            Self::NoTarget | Self::Resting(_) | Self::Busy | Self::Status { .. } | Self::TooLarge | Self::NoReply => {
                self.to_string()
            }
        }
    }

    /// The target is not well, rather than that it does not want this message.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Status { status, .. } if !status.is_server_error())
    }
}

/// Sends a message, and reads what is wanted of the answer.
///
/// # Errors
/// There is no connection, or no usable answer.
pub async fn send(
    client: &Client,
    url: Url,
    signers: &[Webhook],
    message: &Message,
    wanted: Wanted,
) -> Result<Option<Reply>, CallError> {
    let timestamp = clock::wall().timestamp();
    let request = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(HEADER_WEBHOOK_ID, &message.id)
        .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
        .header(HEADER_WEBHOOK_SIGNATURE, sign(signers, message, timestamp)?)
        .body(message.body.clone());
    let request = match message.trace {
        Some(trace) => request.header("traceparent", trace.child().to_string()),
        None => request,
    };
    let response = request.send().await.map_err(|error| match error.is_connect() {
        true => CallError::Unreachable { reason: NoConnection::of(&error), cause: chain(error) },
        false => CallError::Broken(chain(error)),
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(CallError::Status { status, retry_after: retry_after(&response) });
    }
    match wanted {
        Wanted::Status => Ok(None),
        Wanted::Reply => Reply::parse(&read(response).await?).map(Some),
    }
}

fn sign(signers: &[Webhook], message: &Message, timestamp: i64) -> Result<String, CallError> {
    let signatures = signers.iter().map(|secret| secret.sign(&message.id, timestamp, message.body.as_bytes()));
    let signatures = signatures.collect::<Result<Vec<_>, _>>();
    let signatures = signatures
        .map_err(|error| CallError::Unreachable { reason: NoConnection::NotSigned, cause: error.to_string() })?;
    Ok(signatures.join(" "))
}

async fn read(mut response: Response) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| CallError::Broken(chain(error)))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Reply {
    /// What the target says of its work. Saying nothing, with a status of success, is success.
    ///
    /// # Errors
    /// It says something else.
    fn parse(body: &[u8]) -> Result<Self, CallError> {
        if body.trim_ascii().is_empty() {
            return Ok(Self { success: true, message: None });
        }
        let reply: Self = serde_json::from_slice(body).map_err(|_| CallError::NoReply)?;
        // U+0000 is no text to a database.
        let text = |message: String| message.chars().filter(|one| *one != '\0').take(LONGEST_MESSAGE).collect();
        let message = reply.message.map(text);
        Ok(Self { message, ..reply })
    }
}

/// When to come again, in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let from_date = || httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok();
    let wait = value.trim().parse().ok().map(Duration::from_secs).or_else(from_date)?;
    Some(wait.min(LONGEST_WAIT))
}

/// What happened, with all its causes, and without the address, which may hold what only the target is to know.
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
    fn a_failure_of_tls_is_found_within_other_errors() {
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
