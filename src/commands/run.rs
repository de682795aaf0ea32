//! The one way to run a command, and the list of those that can be run.

use std::{
    ops::Deref,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{
    Catalog, Definition, Faults, Verdict, authorize,
    catalog::Entry,
    confirmation::ActionResult,
    execute::Run,
    offers::Offers,
    once::{InFlight, Once},
    recover::{Forged, Live},
    text::Subjects,
};
use crate::{
    clock,
    error::Error,
    localization::MultiLanguage,
    records::{self, audit::AuditKey, execution::Outcome},
    store::{Store, Writer},
    users::{self, Caller, Memory, ProviderNames, User, password::Passwords, role},
    watch::{Counters, Meters, Trace, families::EXECUTIONS},
    webhooks::{Deliveries, NewTargets, Targets, Webhooks},
};

/// The commands of an installation, and what they need to run.
#[derive(Clone, Debug)]
pub struct Commands(Arc<Parts>);

#[derive(Clone, Debug)]
pub struct Parts {
    pub(super) store: Store,
    pub(super) memory: Memory,
    pub(super) passwords: Passwords,
    pub(super) writer: Writer<records::Entry>,
    pub(super) webhooks: Webhooks,
    pub(super) deliveries: Deliveries,
    pub(super) provider: ProviderNames,
    catalog: Arc<RwLock<Arc<Catalog>>>,
    failed_reload: Arc<RwLock<Option<FailedReload>>>,
    offers: Offers,
    in_flight: InFlight,
    pub(super) under_way: TaskTracker,
    pub(super) live: Live,
    pub(super) forged: Arc<Forged>,
    pub(super) audit_key: AuditKey,
    executions: Arc<Counters>,
}

impl Deref for Commands {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Somebody wants a command to run on a user.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub caller: Caller,
    pub user_id: i32,
    pub command_name: String,
    pub answer: ActionResult,
    /// The client's key that makes it run once, however often it is sent.
    pub idempotency_key: Option<String>,
    /// Nothing is kept: neither effect nor record.
    pub dry_run: bool,
    /// Ties the record to the request in the log.
    pub request_id: String,
    /// The trace that the request belongs to.
    pub trace: Option<Trace>,
}

/// What came of an attempt that was not refused.
// No Debug: the message may be a secret.
#[derive(Clone)]
pub struct Report {
    pub outcome: Outcome,
    pub message: MultiLanguage,
    pub result: ActionResult,
    /// It ran before under the same key; this is what was stored then.
    pub replayed: bool,
    /// The message has a secret that nobody is told again.
    pub is_shown_once: bool,
}

/// Definitions or targets that changed and are not in force, since something in them is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReload {
    /// When they were read.
    pub at: DateTime<Utc>,
    /// What is wrong, a line each.
    pub faults: Vec<String>,
}

/// A command that the caller can run on the user now.
#[derive(Debug)]
pub struct Offer {
    pub definition: Arc<Definition>,
    /// What is asked of this user; empty where nothing is.
    pub question: MultiLanguage,
}

impl Commands {
    pub fn new(
        store: Store,
        memory: Memory,
        passwords: Passwords,
        writer: Writer<records::Entry>,
        webhooks: Webhooks,
        audit_key: AuditKey,
        catalog: Catalog,
    ) -> Self {
        let catalog = Arc::new(RwLock::new(Arc::new(catalog)));
        let (deliveries, provider, failed_reload, offers, in_flight, under_way, live, forged) = Default::default();
        let executions = Arc::new(Counters::new(&Meters::default(), EXECUTIONS));
        Self(Arc::new(Parts {
            store,
            memory,
            passwords,
            writer,
            webhooks,
            deliveries,
            provider,
            catalog,
            failed_reload,
            offers,
            in_flight,
            under_way,
            live,
            forged,
            audit_key,
            executions,
        }))
    }

    /// The same, with this identity provider.
    #[must_use]
    pub fn with_provider(self, provider: ProviderNames) -> Self {
        Self(Arc::new(Parts { provider, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// The same, with executions counted here.
    #[must_use]
    pub fn counted(self, meters: &Meters) -> Self {
        let parts = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Parts { executions: Arc::new(Counters::new(meters, EXECUTIONS)), ..parts }))
    }

    /// Puts other definitions and targets in force, or neither. What runs already goes on with those it began with.
    ///
    /// # Errors
    /// A target cannot be called, or a definition names one that is not there; a line each.
    pub fn replace(&self, catalog: Option<Catalog>, targets: Option<Targets>) -> Result<(), Vec<String>> {
        let targets = targets.map(|targets| self.webhooks.prepare(targets)).transpose();
        let targets = targets.map_err(|error| vec![error.to_string()])?;
        let names = targets.as_ref().map_or_else(|| self.webhooks.names(), NewTargets::names);
        let catalog = catalog.map_or_else(|| self.catalog(), Arc::new);
        let lines = |faults: Faults| faults.0.iter().map(ToString::to_string).collect::<Vec<_>>();
        catalog.check_targets(&names).map_err(lines)?;
        if let Some(targets) = targets {
            self.webhooks.replace(targets);
        }
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
        *self.failed_reload.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Notes why definitions or targets that changed are not in force.
    pub fn note_failed_reload(&self, faults: Vec<String>) {
        let failed = FailedReload { at: clock::now(), faults };
        *self.failed_reload.write().unwrap_or_else(PoisonError::into_inner) = Some(failed);
    }

    /// Why the definitions and targets that were read last are not in force; nothing where they are.
    pub fn failed_reload(&self) -> Option<FailedReload> {
        self.failed_reload.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The definitions that are in force now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The commands that the caller can run on the user now, by name.
    ///
    /// # Errors
    /// The caller may not read the user, there is no such user, or the database does not answer.
    pub async fn list(&self, caller: &Caller, user_id: i32) -> Result<Arc<[Offer]>, Error> {
        let user = self.subject(caller, user_id).await?;
        self.offers.list(self, caller, user).await
    }

    /// The commands that the caller can run on this user, when this is or is not the last administrator.
    pub(super) fn permitted(&self, catalog: &Catalog, caller: &Caller, user: &User, is_last: bool) -> Arc<[Offer]> {
        let permitted = |entry: &&Entry| authorize(caller, &entry.definition, user, is_last) == Verdict::Permitted;
        let mut offers = Vec::new();
        for entry in catalog.entries().iter().filter(permitted) {
            match offer(entry, caller, user) {
                Ok(offer) => offers.push(offer),
                // One question that cannot be asked does not hide the other commands.
                Err(error) => {
                    tracing::error!(command = entry.definition.name.as_str(), cause = error.chain(), "left out")
                }
            }
        }
        offers.into()
    }

    /// Runs a command on a user, or asks for what is missing, and records the attempt.
    ///
    /// The effect and its record are stored together, before this returns, or neither is. The work goes on when the
    /// caller stops waiting.
    ///
    /// # Errors
    /// The caller may not, there is no such user or command, it cannot run on this user now, its key is in use or was
    /// used for something else, or the database does not answer.
    pub async fn run(&self, attempt: Attempt) -> Result<Report, Error> {
        let commands = self.clone();
        let work = async move { commands.attempt(attempt).await };
        self.under_way.spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    async fn attempt(&self, attempt: Attempt) -> Result<Report, Error> {
        if !attempt.caller.may_read(attempt.user_id) {
            return Err(Error::MayNotReadUser);
        }
        match self.in_flight.enter(&self.store, &attempt).await? {
            Once::Replay(report) => Ok(report),
            Once::Run(claim) => {
                let user = self.user(attempt.user_id).await?;
                let scope = claim.as_ref().map(|claim| claim.scope().clone());
                let (name, counts) = (attempt.command_name.clone(), !attempt.dry_run);
                let end = Run::new(self.clone(), attempt, scope)?.go(&user).await;
                if counts {
                    self.executions.count(&name, outcome(&end));
                }
                end
            }
        }
    }

    /// The user on whom the caller wants to act.
    ///
    /// # Errors
    /// The caller may not read the user, there is no such user, or the database does not answer.
    pub(super) async fn subject(&self, caller: &Caller, user_id: i32) -> Result<Arc<User>, Error> {
        if !caller.may_read(user_id) {
            return Err(Error::MayNotReadUser);
        }
        self.user(user_id).await
    }

    /// Whether the user is the last administrator; nothing where that makes no difference to any definition.
    pub(super) async fn is_last_administrator(&self, catalog: &Catalog, user: &User) -> Result<Option<bool>, DbErr> {
        let asks = || catalog.entries().iter().any(|entry| entry.definition.asks_for_administrators());
        if user.role.name != role::ADMINISTRATOR || !asks() {
            return Ok(None);
        }
        Box::pin(users::is_last_administrator(self.store.reader(), self.provider, user)).await.map(Some)
    }

    async fn user(&self, id: i32) -> Result<Arc<User>, Error> {
        self.memory.user(id).await?.ok_or(Error::NoSuchUser)
    }
}

/// What came of a run, in the words of the metrics.
fn outcome(end: &Result<Report, Error>) -> &'static str {
    match end {
        Ok(report) => report.outcome.word(),
        Err(Error::CommandDenied { .. }) => Outcome::Denied.word(),
        Err(Error::CommandUnavailable { .. }) => "unavailable",
        Err(Error::HandlerUnreachable(_)) => Outcome::Failed.word(),
        Err(Error::OutcomeUnknown { .. }) => Outcome::Unknown.word(),
        Err(_) => "error",
    }
}

/// What the caller is shown of a command on this user.
///
/// # Errors
/// Its question cannot be filled in.
pub(super) fn offer(entry: &Entry, caller: &Caller, user: &User) -> Result<Offer, Error> {
    let definition = &entry.definition;
    let question = match &definition.question {
        Some(question) => question.render(&Subjects::new(user, caller))?,
        None => MultiLanguage::Plain(String::new()),
    };
    Ok(Offer { definition: Arc::clone(definition), question })
}
