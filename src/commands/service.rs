//! The service for commands: executes and lists them, reloads their definitions, and recovers abandoned runs.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use sea_orm::DbErr;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{
    Catalog, DefinitionErrors,
    authorize::authorize,
    available_commands::{AvailableCommand, AvailableLists, ListKey},
    batch::RunWriter,
    command_status::{CatalogStatus, CommandStatus, FailedReload},
    execute::{execute, outcome_label},
    recovery::{LoggedForgeries, RecoveryScope, recover},
    request::{CommandOutput, ExecuteRequest},
    resources::Resources,
};
use crate::{
    clock,
    error::{Error, with_causes},
    executions::{
        ExecutionLog,
        audit::{
            Action, Actor, AuditLog, Change, ChangedFields, CurrentKey, Source, Subject, SubjectType,
            change::{self, ChangeFilter},
        },
        delivery::{self, State},
    },
    metrics::{CounterVec, MetricsRegistry, definitions::EXECUTIONS},
    store::{Store, Touched, WriteQueue},
    users::{self, Caller, ProviderNames, User, UserCache, password::PasswordHasher, role},
    webhooks::{NewTargets, Targets, Webhooks},
};

/// Interval between two recoveries of late runs.
const RECOVERY_PERIOD: Duration = Duration::from_secs(10);

/// The commands of an installation. Clones share their state.
#[derive(Clone, Debug)]
pub struct CommandService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    resources: Resources,
    catalog: RwLock<Arc<Catalog>>,
    failed_reload: RwLock<Option<FailedReload>>,
    lists: AvailableLists,
    /// Runs in flight. They continue when their clients disconnect.
    under_way: TaskTracker,
    audit_key: CurrentKey,
    logged_forgeries: LoggedForgeries,
    executions: CounterVec,
}

/// What the service is built from.
pub struct CommandServiceDependencies<'a> {
    pub store: Store,
    pub users: UserCache,
    pub passwords: PasswordHasher,
    pub webhooks: Webhooks,
    pub provider: ProviderNames,
    pub audit_key: CurrentKey,
    pub catalog: Catalog,
    pub metrics: &'a MetricsRegistry,
}

impl CommandService {
    pub fn new(dependencies: CommandServiceDependencies<'_>) -> Self {
        let CommandServiceDependencies { store, users, passwords, webhooks, provider, audit_key, catalog, metrics } =
            dependencies;
        let execution_log = ExecutionLog::new(audit_key.clone()).counted(metrics);
        let queue = WriteQueue::start(store.clone(), RunWriter { cache: users.clone(), provider, execution_log });
        let (deliveries, in_flight, active_runs) = Default::default();
        let resources = Resources {
            store,
            users,
            passwords,
            queue,
            webhooks,
            deliveries,
            provider,
            audit_key: audit_key.clone(),
            in_flight,
            active_runs,
        };
        Self(Arc::new(Inner {
            resources,
            catalog: RwLock::new(Arc::new(catalog)),
            failed_reload: RwLock::default(),
            lists: AvailableLists::default(),
            under_way: TaskTracker::default(),
            audit_key,
            logged_forgeries: LoggedForgeries::default(),
            executions: CounterVec::new(metrics, EXECUTIONS),
        }))
    }

    /// Executes a command on a user, or asks for confirmation, and records the execution.
    ///
    /// The effect and its record are committed together before this returns. The run continues when the client
    /// disconnects.
    ///
    /// # Errors
    /// The caller is not permitted, the user or command does not exist, the command cannot run on this user now, an input
    /// or the token of the question is invalid, or the idempotency key is in use or was used for another request.
    pub async fn execute(&self, request: ExecuteRequest) -> Result<CommandOutput, Error> {
        let Self(inner) = self.clone();
        let work = async move {
            let (catalog, name, counts) = (inner.catalog(), request.command_name.clone(), !request.dry_run);
            let end = execute(&inner.resources, request, &catalog).await;
            // Names of unknown commands must not become metric labels.
            if counts && catalog.find(&name).is_some() {
                inner.executions.count(&name, outcome_label(&end));
            }
            end
        };
        self.0.under_way.spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    /// The commands that the caller can run on the user now, sorted by name.
    ///
    /// # Errors
    /// The caller may not read the user, or the user does not exist.
    pub async fn list(&self, caller: &Caller, user_id: i32) -> Result<Arc<[AvailableCommand]>, Error> {
        let Inner { resources, lists, .. } = &*self.0;
        let user = self.0.readable_user(caller, user_id).await?;
        let invalidations = resources.store.invalidations();
        let key = ListKey::new(caller, user, self.catalog(), invalidations);
        if let Some(list) = lists.get(&key, invalidations) {
            return Ok(list);
        }
        let is_last = self.0.is_last_administrator(&key.catalog, &key.user).await?;
        Ok(lists.make(key, is_last))
    }

    /// The definitions in force. With a user, also whether the caller can run each command on that user now.
    ///
    /// # Errors
    /// As for [`Self::list`].
    pub async fn status(&self, caller: &Caller, user_id: Option<i32>) -> Result<CatalogStatus, Error> {
        let catalog = self.catalog();
        let subject = match user_id {
            Some(id) => {
                let user = self.0.readable_user(caller, id).await?;
                let is_last = self.0.is_last_administrator(&catalog, &user).await?;
                Some((user, is_last.unwrap_or_default()))
            }
            None => None,
        };
        let availability =
            |definition| subject.as_ref().map(|(user, is_last)| authorize(caller, definition, user, *is_last).into());
        let commands = catalog.entries().iter();
        Ok(CatalogStatus {
            hash: catalog.hash(),
            commands: commands.map(|command| CommandStatus::of(command, availability(&command.definition))).collect(),
            failed_reload: self.failed_reload().filter(|_| caller.is_administrator()),
        })
    }

    /// Replaces the definitions and the targets, both or neither. Runs in flight continue with the old ones.
    ///
    /// # Errors
    /// A target is invalid, or a definition names an unknown target; one line each.
    pub fn replace(&self, catalog: Option<Catalog>, targets: Option<Targets>) -> Result<(), Vec<String>> {
        let webhooks = &self.0.resources.webhooks;
        let targets = targets.map(|targets| webhooks.prepare(targets)).transpose();
        let targets = targets.map_err(|error| vec![error.to_string()])?;
        let names = targets.as_ref().map_or_else(|| webhooks.names(), NewTargets::names);
        let catalog = catalog.map_or_else(|| self.catalog(), Arc::new);
        let lines = |errors: DefinitionErrors| errors.0.iter().map(ToString::to_string).collect::<Vec<_>>();
        catalog.check_targets(&names).map_err(lines)?;
        if let Some(targets) = targets {
            webhooks.replace(targets);
        }
        *self.0.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
        *self.0.failed_reload.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn audit_log(&self) -> AuditLog {
        AuditLog::new(self.0.audit_key.clone())
    }

    /// Records the definitions in force, unless the newest record is of the same ones.
    pub async fn record_definitions(&self) -> Result<(), DbErr> {
        let (catalog, audit_log) = (self.catalog(), self.audit_log());
        let record = self.0.resources.store.write(move |transaction| {
            Box::pin(async move {
                let loaded = ChangeFilter { action: Some(Action::DefinitionsLoaded), ..ChangeFilter::default() };
                let before = change::list(transaction, &loaded, 1).await?.pop().map(|last| last.after);
                let after = ChangedFields::from([
                    ("hash", catalog.hash().into()),
                    ("definitions", catalog.entries().len().into()),
                ]);
                if before.as_ref() != Some(&after) {
                    let subject = Subject::new(SubjectType::Definitions, "", "");
                    let (before, action) = (before.unwrap_or_default(), Action::DefinitionsLoaded);
                    let loaded = Change { before, after, ..Change::new(action, subject) };
                    audit_log.record(transaction, &Actor::of(Source::system()), vec![loaded]).await?;
                }
                Ok(((), Touched::Nothing))
            })
        });
        record.await
    }

    /// Remembers why a reload failed.
    pub fn note_failed_reload(&self, errors: Vec<String>) {
        let failed = FailedReload { at: clock::now(), errors };
        *self.0.failed_reload.write().unwrap_or_else(PoisonError::into_inner) = Some(failed);
    }

    /// Why the last reload failed; `None` if it succeeded.
    pub fn failed_reload(&self) -> Option<FailedReload> {
        self.0.failed_reload.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The definitions in force now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog()
    }

    /// The targets of webhooks.
    pub fn webhooks(&self) -> &Webhooks {
        &self.0.resources.webhooks
    }

    /// The number of runs that wait to be written.
    pub fn waiting(&self) -> usize {
        self.0.resources.queue.waiting()
    }

    /// Recovers the runs and deliveries of an earlier process, records the definitions in force, and starts the delivery
    /// worker and the periodic recovery.
    pub async fn recover_and_start(&self) -> Result<(), Error> {
        let Resources { store, deliveries, webhooks, .. } = &self.0.resources;
        // Other replicas may be alive: their runs and deliveries are theirs until the deadline.
        if store.has_multiple_writers() {
            self.recover(RecoveryScope::Late).await?;
        } else {
            let freed: Result<(), DbErr> = store
                .write(|transaction| {
                    Box::pin(async { Ok((delivery::give_up_claims(transaction).await?, Touched::Nothing)) })
                })
                .await;
            freed?;
            self.recover(RecoveryScope::All).await?;
        }
        self.record_definitions().await?;
        deliveries.start(store.clone(), webhooks.clone(), self.0.audit_key.clone());
        tokio::spawn(self.clone().keep_recovering());
        Ok(())
    }

    async fn keep_recovering(self) {
        loop {
            sleep(RECOVERY_PERIOD).await;
            if let Err(error) = self.recover(RecoveryScope::Late).await {
                tracing::error!(cause = with_causes(&error), "failed to close late runs; trying again soon");
            }
        }
    }

    /// Closes abandoned runs and returns their number.
    pub async fn recover(&self, scope: RecoveryScope) -> Result<usize, Error> {
        let Inner { resources, audit_key, logged_forgeries, .. } = &*self.0;
        recover(resources, &self.catalog(), audit_key, scope, logged_forgeries).await
    }

    /// Sends a dead delivery again, with the same id. Returns false if it is not dead.
    ///
    /// # Errors
    /// The delivery does not exist, or its seal is invalid.
    pub async fn redrive(&self, id: &str, actor: Actor) -> Result<bool, Error> {
        let Resources { store, deliveries, .. } = &self.0.resources;
        let found = delivery::find(store.reader(), id).await?.ok_or(Error::NoSuchWebhook)?;
        let key = self.0.audit_key.in_snapshot(store.reader()).await?;
        if found.state == State::Dead && key.delivery_seal_error(&found).is_some() {
            return Err(Error::WebhookNotSealed);
        }
        let (id, target, audit_log) = (id.to_owned(), found.target, self.audit_log());
        let redrive = store.write(move |transaction| {
            Box::pin(async move {
                let is_redriven = delivery::redrive(transaction, &id).await?;
                if is_redriven {
                    let redriven = Change::new(Action::WebhookRedriven, Subject::new(SubjectType::Webhook, id, target));
                    audit_log.record(transaction, &actor, vec![redriven]).await?;
                }
                Ok((is_redriven, Touched::Nothing))
            })
        });
        let is_redriven: Result<bool, DbErr> = redrive.await;
        deliveries.wake();
        Ok(is_redriven?)
    }

    /// Waits until all runs and all webhook calls have ended.
    pub async fn drain(&self) {
        self.0.under_way.close();
        self.0.under_way.wait().await;
        self.0.resources.deliveries.finish().await;
    }
}

impl Inner {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn readable_user(&self, caller: &Caller, user_id: i32) -> Result<Arc<User>, Error> {
        if !caller.may_read(user_id) {
            return Err(Error::MayNotReadUser);
        }
        self.resources.users.user(user_id).await?.ok_or(Error::NoSuchUser)
    }

    /// Whether the user is the last administrator; `None` if no definition depends on it.
    async fn is_last_administrator(&self, catalog: &Catalog, user: &User) -> Result<Option<bool>, DbErr> {
        let asks = || catalog.entries().iter().any(|command| command.definition.asks_for_administrators());
        if user.role.name != role::ADMINISTRATOR || !asks() {
            return Ok(None);
        }
        let Resources { store, provider, .. } = &self.resources;
        Box::pin(users::is_last_administrator(store.reader(), *provider, user)).await.map(Some)
    }
}
