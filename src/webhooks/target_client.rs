//! The HTTP client of one target: limits where it connects to and the calls in flight, and has a circuit breaker.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{Certificate, Client, Url, redirect, retry};
use standardwebhooks::Webhook;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    breaker::Breaker,
    egress_policy::{EgressPolicy, Refused},
    target::{Fingerprint, Target, TargetError, TargetsError},
    webhook_request::{self, CallError, ExpectedResponse, NoConnection, Reply, WebhookRequest},
};
use crate::traces::{Span, SpanKind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of calls in flight to one target.
const MAX_IN_FLIGHT: usize = 16;
/// Maximum number of deliveries among them. The rest is reserved for sync webhooks, because their callers wait.
const MAX_DELIVERIES: usize = 12;
/// Maximum number of sync webhooks that wait for a permit.
const MAX_WAITING: usize = 256;

pub struct TargetClient {
    clients: Mutex<HashMap<Duration, Client>>,
    authorities: Vec<Certificate>,
    egress_policy: EgressPolicy,
    url: Url,
    signers: Vec<Webhook>,
    fingerprint: Fingerprint,
    in_flight: Arc<Semaphore>,
    deliveries: Arc<Semaphore>,
    waiting: Semaphore,
    breaker: Breaker,
}

/// The permit of a delivery, held during its call.
#[derive(Debug)]
pub struct CallPermit {
    _in_flight: OwnedSemaphorePermit,
    _delivery: OwnedSemaphorePermit,
}

impl TargetClient {
    pub fn new(name: &str, target: Target) -> Result<Self, TargetsError> {
        let invalid = |error: reqwest::Error| {
            TargetsError::Targets(vec![TargetError { target: name.to_owned(), problem: webhook_request::chain(error) }])
        };
        let authorities =
            target.authorities.as_deref().map(Certificate::from_pem_bundle).transpose().map_err(invalid)?;
        let client = Self {
            clients: Mutex::default(),
            authorities: authorities.unwrap_or_default(),
            egress_policy: EgressPolicy::new(target.allow_networks, target.url.scheme() == "https"),
            url: target.url,
            signers: target.signers,
            fingerprint: target.fingerprint,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            deliveries: Arc::new(Semaphore::new(MAX_DELIVERIES)),
            waiting: Semaphore::new(MAX_WAITING),
            breaker: Breaker::default(),
        };
        client.client(CONNECT_TIMEOUT).map_err(|error| {
            let cause = webhook_request::chain(error);
            let problem = format!(
                "{cause}; install the system's certificate authorities (Debian: ca-certificates), or set `ca_file`"
            );
            TargetsError::Targets(vec![TargetError { target: name.to_owned(), problem }])
        })?;
        if let Err(refused) = client.check_literal_address() {
            tracing::warn!(to = name, %refused, "this target is never called, because its address is not allowed");
        }
        Ok(client)
    }

    /// The fingerprint of the target that the client was made for.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Checks that a call is possible now.
    ///
    /// # Errors
    /// The address is not allowed, or the circuit breaker is open.
    pub fn check(&self) -> Result<(), CallError> {
        self.check_literal_address().map_err(not_allowed)?;
        self.breaker.open_for(Instant::now()).map_or(Ok(()), |rest| Err(CallError::BreakerOpen(rest)))
    }

    /// A permit for a delivery, if one is free.
    pub fn reserve(&self) -> Option<CallPermit> {
        let delivery = Arc::clone(&self.deliveries).try_acquire_owned().ok()?;
        let in_flight = Arc::clone(&self.in_flight).try_acquire_owned().ok()?;
        Some(CallPermit { _in_flight: in_flight, _delivery: delivery })
    }

    /// Calls the target for a sync webhook. Waits for a permit for at most half of the timeout; the whole call must end
    /// within the timeout.
    pub async fn call(&self, request: &WebhookRequest) -> Result<Reply, CallError> {
        let permit = async {
            let _waiting = self.waiting.try_acquire().map_err(|_| CallError::Busy)?;
            self.in_flight.acquire().await.map_err(|_| CallError::Busy)
        };
        let started = Instant::now();
        let _permit = timeout(request.timeout / 2, permit).await.map_err(|_| CallError::Busy)??;
        let reply =
            self.send(request, request.timeout.saturating_sub(started.elapsed()), ExpectedResponse::Reply).await?;
        reply.ok_or_else(|| CallError::Broken("its answer was not read".to_owned()))
    }

    /// Delivers a webhook with a reserved permit.
    pub async fn deliver(&self, request: &WebhookRequest, _permit: CallPermit) -> Result<(), CallError> {
        self.send(request, request.timeout, ExpectedResponse::Status).await.map(drop)
    }

    async fn send(
        &self,
        request: &WebhookRequest,
        limit: Duration,
        expected: ExpectedResponse,
    ) -> Result<Option<Reply>, CallError> {
        self.check_literal_address().map_err(not_allowed)?;
        self.breaker.enter(Instant::now()).map_err(CallError::BreakerOpen)?;
        // The connect timeout is shorter than the call's, so that a failed connection is known to have sent nothing.
        let client = self.client(CONNECT_TIMEOUT.min(limit / 2));
        let client = client.map_err(|error| CallError::Unreachable {
            reason: NoConnection::Other,
            cause: webhook_request::chain(error),
        })?;
        let mut span = Span::start(SpanKind::Client, "webhook", request.trace);
        span.set("kommando.target", &request.target);
        span.set("kommando.webhook_id", &request.id);
        let post = webhook_request::send(&client, self.url.clone(), &self.signers, request, span.context(), expected);
        let answer = timeout(limit, post).await.unwrap_or(Err(CallError::TimedOut(request.timeout)));
        if let Err(error) = &answer {
            span.fail(error.shown());
        }
        self.breaker.record(!answer.as_ref().is_err_and(CallError::is_failure), Instant::now());
        answer
    }

    /// The client with this connect timeout. Definitions have few different timeouts, so there are few clients.
    fn client(&self, connect_timeout: Duration) -> reqwest::Result<Client> {
        // Rounded, so that the time spent waiting does not lead to many clients.
        let connect_timeout = Duration::from_millis((connect_timeout.as_millis() as u64).next_multiple_of(100));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&connect_timeout) {
            return Ok(client.clone());
        }
        let builder = Client::builder();
        // Without TLS, no certificate authorities are needed, and the system may have none.
        let builder = match self.url.scheme() {
            "http" => builder.tls_certs_only([]),
            _ => builder.tls_certs_merge(self.authorities.clone()),
        };
        let client = builder
            .connect_timeout(connect_timeout)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // If the target closed a reused connection, it would be unknown whether it did its work.
            .pool_max_idle_per_host(0)
            // A proxy would connect to addresses that the egress policy has not checked.
            .no_proxy()
            .dns_resolver(self.egress_policy.clone())
            .user_agent(concat!("kommando/", env!("CARGO_PKG_VERSION")))
            .build()?;
        clients.insert(connect_timeout, client.clone());
        Ok(client)
    }

    /// Checks an IP address in the URL. It is not resolved, so the resolver cannot check it.
    pub fn check_literal_address(&self) -> Result<(), Refused> {
        let host = self.url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.egress_policy.permits(address) => Err(Refused(address.to_string())),
            _ => Ok(()),
        }
    }
}

fn not_allowed(refused: Refused) -> CallError {
    CallError::Unreachable { reason: NoConnection::NotAllowed, cause: refused.to_string() }
}

/// Shows no fields: the URL may contain secrets.
impl fmt::Debug for TargetClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TargetClient")
    }
}
