//! The line to one target: whom it connects to, how many calls it takes at once, and when it rests.

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
    call::{self, CallError, Message, NoConnection, Reply, Wanted},
    network::{Guard, Refused},
    target::{Fingerprint, Target, TargetFault, TargetsError},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So many calls to one target are under way at most.
const IN_FLIGHT: usize = 16;
/// So many of them deliver what is told after a commit: somebody waits for the others.
const DELIVERIES: usize = 12;
/// So many callers may wait for their turn.
const WAITING: usize = 256;

pub struct Line {
    clients: Mutex<HashMap<Duration, Client>>,
    authorities: Vec<Certificate>,
    guard: Guard,
    url: Url,
    signers: Vec<Webhook>,
    fingerprint: Fingerprint,
    in_flight: Arc<Semaphore>,
    deliveries: Arc<Semaphore>,
    waiting: Semaphore,
    breaker: Breaker,
}

/// A delivery's place among the calls under way.
#[derive(Debug)]
pub struct Slot {
    _in_flight: OwnedSemaphorePermit,
    _delivery: OwnedSemaphorePermit,
}

impl Line {
    pub fn new(name: &str, target: Target) -> Result<Self, TargetsError> {
        let unfit = |error: reqwest::Error| {
            TargetsError::Targets(vec![TargetFault { target: name.to_owned(), problem: call::chain(error) }])
        };
        let authorities = target.authorities.as_deref().map(Certificate::from_pem_bundle).transpose().map_err(unfit)?;
        let line = Self {
            clients: Mutex::default(),
            authorities: authorities.unwrap_or_default(),
            guard: Guard::new(target.allow_networks, target.url.scheme() == "https"),
            url: target.url,
            signers: target.signers,
            fingerprint: target.fingerprint,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            deliveries: Arc::new(Semaphore::new(DELIVERIES)),
            waiting: Semaphore::new(WAITING),
            breaker: Breaker::default(),
        };
        line.client(CONNECT_TIMEOUT).map_err(unfit)?;
        if let Err(refused) = line.check_literal_address() {
            tracing::warn!(to = name, %refused, "no call to this target will be made");
        }
        Ok(line)
    }

    /// What its target was when it was made.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether a call would be made at all now.
    ///
    /// # Errors
    /// Its address is not allowed, or it rests.
    pub fn check(&self) -> Result<(), CallError> {
        self.check_literal_address().map_err(not_allowed)?;
        self.breaker.remaining_rest(Instant::now()).map_or(Ok(()), |rest| Err(CallError::Resting(rest)))
    }

    /// A place for a delivery, if there is one now.
    pub fn reserve(&self) -> Option<Slot> {
        let delivery = Arc::clone(&self.deliveries).try_acquire_owned().ok()?;
        let in_flight = Arc::clone(&self.in_flight).try_acquire_owned().ok()?;
        Some(Slot { _in_flight: in_flight, _delivery: delivery })
    }

    /// Asks on behalf of somebody who waits: half of the time for a turn, and the whole of it for the answer.
    pub async fn ask(&self, message: &Message) -> Result<Reply, CallError> {
        let turn = async {
            let _waiting = self.waiting.try_acquire().map_err(|_| CallError::Busy)?;
            self.in_flight.acquire().await.map_err(|_| CallError::Busy)
        };
        let started = Instant::now();
        let _turn = timeout(message.timeout / 2, turn).await.map_err(|_| CallError::Busy)??;
        let reply = self.call(message, message.timeout.saturating_sub(started.elapsed()), Wanted::Reply).await?;
        reply.ok_or_else(|| CallError::Broken("its answer was not read".to_owned()))
    }

    /// Delivers, in a place that was reserved.
    pub async fn tell(&self, message: &Message, _slot: Slot) -> Result<(), CallError> {
        self.call(message, message.timeout, Wanted::Status).await.map(drop)
    }

    async fn call(&self, message: &Message, limit: Duration, wanted: Wanted) -> Result<Option<Reply>, CallError> {
        self.check_literal_address().map_err(not_allowed)?;
        self.breaker.enter(Instant::now()).map_err(CallError::Resting)?;
        // Where no connection comes about, that is known before the time is over: nothing was sent.
        let client = self.client(CONNECT_TIMEOUT.min(limit / 2));
        let client = client
            .map_err(|error| CallError::Unreachable { reason: NoConnection::Other, cause: call::chain(error) })?;
        let answer = timeout(limit, call::send(&client, self.url.clone(), &self.signers, message, wanted)).await;
        let answer = answer.unwrap_or(Err(CallError::TimedOut(message.timeout)));
        self.breaker.record(!answer.as_ref().is_err_and(CallError::is_failure), Instant::now());
        answer
    }

    /// The client with this time for connecting. Definitions have few different timeouts, so there are few.
    fn client(&self, connect_timeout: Duration) -> reqwest::Result<Client> {
        // Coarse, so that what waiting took makes no client of its own.
        let connect_timeout = Duration::from_millis((connect_timeout.as_millis() as u64).next_multiple_of(100));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&connect_timeout) {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .connect_timeout(connect_timeout)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // A connection that the target closes while it is used again would leave open what the target did.
            .pool_max_idle_per_host(0)
            // A proxy would connect to addresses that nobody looked at.
            .no_proxy()
            .dns_resolver(self.guard.clone())
            .user_agent(concat!("kommando/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(self.authorities.clone())
            .build()?;
        clients.insert(connect_timeout, client.clone());
        Ok(client)
    }

    /// A literal address is never resolved, so the resolver does not see it.
    pub fn check_literal_address(&self) -> Result<(), Refused> {
        let host = self.url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.guard.permits(address) => Err(Refused(address.to_string())),
            _ => Ok(()),
        }
    }
}

fn not_allowed(refused: Refused) -> CallError {
    CallError::Unreachable { reason: NoConnection::NotAllowed, cause: refused.to_string() }
}

/// The address may hold what only the target is to know.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}
