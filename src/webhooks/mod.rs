//! Webhooks: the targets that an operator configures, the signed call, and the deliveries after a commit.
//!
//! Requests follow [Standard Webhooks](https://www.standardwebhooks.com). Of a target's answer, a caller sees only
//! `success` and `message`.

mod breaker;
mod delivery_worker;
mod egress_policy;
mod target;
mod target_client;
mod webhook_request;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

pub use delivery_worker::DeliveryHandle;
pub use target::{Target, Targets, TargetsError, read};
pub use webhook_request::{CallError, Reply, WebhookRequest};

use self::target_client::{CallPermit, TargetClient};
use crate::metrics::{CounterVec, MetricsRegistry, definitions::WEBHOOK_CALLS};

/// The targets, ready to be called.
#[derive(Clone)]
pub struct Webhooks {
    clients: Arc<RwLock<TargetClients>>,
    calls: Arc<CounterVec>,
}

/// The targets by name.
type TargetClients = Arc<BTreeMap<String, Arc<TargetClient>>>;

/// New targets, ready for [`Webhooks::replace`].
pub struct NewTargets(TargetClients);

impl NewTargets {
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl Webhooks {
    /// Makes a client for each target.
    ///
    /// # Errors
    /// The certificates of a target or of the system cannot be read.
    pub fn new(targets: Targets) -> Result<Self, TargetsError> {
        // Fails only if a provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clients =
            targets.into_iter().map(|(name, target)| Ok((name.clone(), Arc::new(TargetClient::new(&name, target)?))));
        let clients: TargetClients = Arc::new(clients.collect::<Result<_, TargetsError>>()?);
        let calls = Arc::new(CounterVec::new(&MetricsRegistry::default(), WEBHOOK_CALLS));
        Ok(Self { clients: Arc::new(RwLock::new(clients)), calls })
    }

    /// Makes a client for each new or changed target. An unchanged target keeps its client, with its permits and its
    /// circuit breaker.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn prepare(&self, targets: Targets) -> Result<NewTargets, TargetsError> {
        let known = self.clients();
        let client = |(name, target): (String, Target)| {
            let unchanged = known.get(&name).filter(|client| client.fingerprint() == target.fingerprint).cloned();
            let client = unchanged.map_or_else(|| TargetClient::new(&name, target).map(Arc::new), Ok)?;
            Ok((name, client))
        };
        Ok(NewTargets(Arc::new(targets.into_iter().map(client).collect::<Result<_, TargetsError>>()?)))
    }

    /// Puts these targets in force. Calls in flight keep their old target.
    pub fn replace(&self, NewTargets(clients): NewTargets) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    fn clients(&self) -> TargetClients {
        Arc::clone(&self.clients.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts calls in this registry.
    #[must_use]
    pub fn counted(self, metrics: &MetricsRegistry) -> Self {
        Self { calls: Arc::new(CounterVec::new(metrics, WEBHOOK_CALLS)), ..self }
    }

    fn count<T>(&self, target: &str, end: &Result<T, CallError>) {
        let outcome = match end {
            Ok(_) => "taken",
            Err(CallError::NoTarget) => return, // an unknown name must not become a metric label
            Err(CallError::BreakerOpen(_) | CallError::Busy) => "not_made",
            Err(_) => "failed",
        };
        self.calls.count(target, outcome);
    }

    /// The names of the targets.
    pub fn names(&self) -> Vec<String> {
        self.clients().keys().cloned().collect()
    }

    /// A line for each target that is never called, because the address in its URL is not allowed.
    pub fn not_allowed(&self) -> Vec<String> {
        let of = |(name, client): (&String, &Arc<TargetClient>)| {
            client.check_literal_address().err().map(|refused| format!("target {name}: it is never called: {refused}"))
        };
        self.clients().iter().filter_map(of).collect()
    }

    /// Checks that the target can be called now, without calling it.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self, request: &WebhookRequest) -> Result<(), CallError> {
        self.client(request)?.check()
    }

    /// Calls a target for a sync webhook and returns its reply.
    ///
    /// # Errors
    /// The target could not be called, or gave no usable reply.
    pub async fn call(&self, request: &WebhookRequest) -> Result<Reply, CallError> {
        let end = self.client(request)?.call(request).await;
        self.count(&request.target, &end);
        end
    }

    /// Reserves a permit for a delivery to this target, if one is free. A target that is gone needs none.
    pub fn reserve(&self, target: &str) -> Option<Reserved> {
        match self.clients().get(target) {
            Some(client) => client.reserve().map(|permit| Reserved(Some(permit))),
            None => Some(Reserved(None)),
        }
    }

    /// Delivers a webhook. Only the status of the answer counts.
    ///
    /// # Errors
    /// The target could not be called, or did not accept the webhook.
    pub async fn deliver(&self, request: &WebhookRequest, Reserved(permit): Reserved) -> Result<(), CallError> {
        let end = self.client(request)?.deliver(request, permit.ok_or(CallError::NoTarget)?).await;
        self.count(&request.target, &end);
        end
    }

    /// The targets that cannot take a delivery now.
    pub fn unavailable(&self) -> Vec<String> {
        let clients = self.clients();
        let unavailable = clients.iter().filter(|(_, client)| client.check().is_err() || client.reserve().is_none());
        unavailable.map(|(name, _)| name.clone()).collect()
    }

    fn client(&self, request: &WebhookRequest) -> Result<Arc<TargetClient>, CallError> {
        self.clients().get(&request.target).cloned().ok_or(CallError::NoTarget)
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhooks")
    }
}

/// A reserved permit for a delivery; `None` for a target that is gone.
#[derive(Debug)]
pub struct Reserved(Option<CallPermit>);
