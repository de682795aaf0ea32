//! One call: signed, bounded in time and size, to an address that is allowed, and what its answer means.

use std::{
    error::Error as StdError,
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Certificate, Client, Response, StatusCode, Url, header, redirect, retry};
use serde::Deserialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    breaker::Breaker,
    network::{Guard, Refused},
    target::{Target, TargetsError},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So many calls to one target are under way at most.
const IN_FLIGHT: usize = 16;
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
}

/// What a target that was asked answers: whether it did its work, and what to tell the caller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reply {
    pub success: bool,
    #[serde(default)]
    pub message: Option<String>,
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
    #[error("{0}")]
    Unreachable(String),
    /// It answered, but not that it took the message.
    #[error("it answered with status {status}")]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error("it did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// What it sent is no answer.
    #[error("{0}")]
    Broken(String),
}

impl CallError {
    /// The target did nothing: it was not reached, or it refused.
    pub fn is_harmless(&self) -> bool {
        match self {
            Self::NoTarget | Self::Resting(_) | Self::Busy | Self::Unreachable(_) => true,
            Self::Status { status, .. } => !status.is_server_error(),
            Self::TimedOut(_) | Self::Broken(_) => false,
        }
    }

    /// The target is not well, rather than that it does not want this message.
    fn is_failure(&self) -> bool {
        !matches!(self, Self::Status { status, .. } if !status.is_server_error())
    }
}

/// The line to one target.
#[derive(Debug)]
pub struct Line {
    client: Client,
    guard: Guard,
    url: Url,
    signers: Vec<Signer>,
    in_flight: Semaphore,
    breaker: Breaker,
}

struct Signer(Webhook);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Line {
    pub fn new(name: &str, target: Target) -> Result<Self, TargetsError> {
        let guard = Guard::new(target.allow_networks, target.url.scheme() == "https");
        let unfit = |error: reqwest::Error| TargetsError::Target { name: name.to_owned(), problem: chain(&error) };
        let authorities = target.authorities.as_deref().map(Certificate::from_pem_bundle);
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // A proxy would connect to addresses that nobody looked at.
            .no_proxy()
            .dns_resolver(guard.clone())
            .user_agent(concat!("kommando/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(authorities.transpose().map_err(unfit)?.unwrap_or_default())
            .build()
            .map_err(unfit)?;
        let line = Self {
            client,
            guard,
            url: target.url,
            signers: target.signers.into_iter().map(Signer).collect(),
            in_flight: Semaphore::new(IN_FLIGHT),
            breaker: Breaker::default(),
        };
        if let Err(refused) = line.check_literal_address() {
            tracing::warn!(target = name, %refused, "no call to this target will be made");
        }
        Ok(line)
    }

    /// No call would be let through.
    pub fn is_busy(&self) -> bool {
        self.in_flight.available_permits() == 0 || self.breaker.is_open(Instant::now())
    }

    /// Sends a message and reads the answer.
    pub async fn call(&self, message: &Message) -> Result<Answer, CallError> {
        // Once it is under way, nobody knows what it did unless it says so.
        let is_sent = AtomicBool::new(false);
        let call = async {
            let _permit = self.in_flight.acquire().await.map_err(|_| CallError::Busy)?;
            self.check_literal_address().map_err(|refused| CallError::Unreachable(refused.to_string()))?;
            self.breaker.enter(Instant::now()).map_err(CallError::Resting)?;
            is_sent.store(true, Ordering::Relaxed);
            let answer = self.send(message).await;
            self.breaker.record(!answer.as_ref().is_err_and(CallError::is_failure), Instant::now());
            answer
        };
        match timeout(message.timeout, call).await {
            Ok(answer) => answer,
            Err(_) if is_sent.into_inner() => {
                self.breaker.record(false, Instant::now());
                Err(CallError::TimedOut(message.timeout))
            }
            Err(_) => Err(CallError::Busy),
        }
    }

    async fn send(&self, message: &Message) -> Result<Answer, CallError> {
        let timestamp = chrono::Utc::now().timestamp();
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, &message.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
            .header(HEADER_WEBHOOK_SIGNATURE, self.sign(message, timestamp)?)
            .body(message.body.clone());
        let response = request.send().await.map_err(|error| match error.is_connect() {
            true => CallError::Unreachable(chain(&error)),
            false => CallError::Broken(chain(&error)),
        })?;
        Answer::read(response).await
    }

    fn sign(&self, message: &Message, timestamp: i64) -> Result<String, CallError> {
        let signed =
            self.signers.iter().map(|Signer(secret)| secret.sign(&message.id, timestamp, message.body.as_bytes()));
        let signed: Vec<_> =
            signed.collect::<Result<_, _>>().map_err(|error| CallError::Unreachable(error.to_string()))?;
        Ok(signed.join(" "))
    }

    /// A literal address is never resolved, so the resolver does not see it.
    fn check_literal_address(&self) -> Result<(), Refused> {
        let host = self.url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.guard.permits(address) => Err(Refused(address.to_string())),
            _ => Ok(()),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, CallError> {
        let status = response.status();
        if !status.is_success() {
            return Err(CallError::Status { status, retry_after: retry_after(&response) });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| CallError::Broken(chain(&error)))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(CallError::Broken(format!("its answer is larger than {LARGEST_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { body })
    }

    /// The target took the message.
    pub fn accepted(self) -> Result<(), CallError> {
        Ok(())
    }

    /// What the target says of its work. Saying nothing with a status of success is success.
    pub fn reply(self) -> Result<Reply, CallError> {
        if self.body.trim_ascii().is_empty() {
            return Ok(Reply { success: true, message: None });
        }
        let reply: Reply = serde_json::from_slice(&self.body)
            .map_err(|_| CallError::Broken("its answer is not {\"success\": …, \"message\": …}".to_owned()))?;
        let message = reply.message.map(|message| message.chars().take(LONGEST_MESSAGE).collect());
        Ok(Reply { message, ..reply })
    }
}

/// When to come again, in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let from_date = || httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok();
    let wait = value.trim().parse().ok().map(Duration::from_secs).or_else(from_date)?;
    Some(wait.min(LONGEST_WAIT))
}

/// What happened, with all its causes, and without the address that every message repeats.
fn chain(error: &reqwest::Error) -> String {
    let first: &(dyn StdError + 'static) = error;
    let causes: Vec<_> =
        std::iter::successors(first.source(), |error| (*error).source()).map(ToString::to_string).collect();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
