//! How runs reach the database: what a batch of them locks, reads and writes. In between, [`super::decide`] decides what
//! becomes of each.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::DbErr;
use uuid::Uuid;

use super::{
    decide::{BatchState, CallEnd, Decision, decide, decide_begin, decide_finish, decide_give_up},
    idempotency::KeyUse,
    request::CommandOutput,
    run::PreparedRun,
};
use crate::{
    clock,
    error::Error,
    records::{self, Ledger, execution, idempotency::Scope},
    store::{BatchWriter, Job, Lane, Lock, WriteTransaction, WrittenBatch, is_shared, lock},
    users::{self, Changes, Needs, ProviderNames, UserCache, UserWrites},
};

/// What is to be written of a run.
pub enum Task {
    /// It only leaves a record, and holds nothing.
    Record(Box<records::Entry>),
    Run(Arc<PreparedRun>),
    /// It is about to call its webhook, which takes so long at most.
    Begin(Arc<PreparedRun>, Duration),
    /// It has called its webhook, which is the step of this name.
    Finish(Arc<PreparedRun>, &'static str, CallEnd),
    /// It is given up: this is its record.
    GiveUp(Box<execution::Model>),
}

/// What the client of a task is told, once it is committed.
pub type Answer = Result<Option<CommandOutput>, Error>;

impl Task {
    /// What it reads of users.
    fn needs(&self) -> Option<Needs> {
        match self {
            Self::Record(_) | Self::GiveUp(_) => None,
            // Only a run that goes on looks at users again.
            Self::Finish(_, _, end) if !matches!(end, CallEnd::Replied { success: true, .. }) => None,
            Self::Run(run) | Self::Begin(run, _) | Self::Finish(run, ..) => Some(run.needs()),
        }
    }

    /// The key that it takes.
    fn key(&self) -> Option<&Scope> {
        match self {
            Self::Run(run) | Self::Begin(run, _) => run.key.as_ref(),
            Self::Record(_) | Self::Finish(..) | Self::GiveUp(_) => None,
        }
    }

    /// The execution that it ends.
    fn ends(&self) -> Option<Uuid> {
        match self {
            Self::Finish(run, ..) => Some(run.id),
            Self::GiveUp(execution) => Some(execution.id),
            Self::Record(_) | Self::Run(_) | Self::Begin(..) => None,
        }
    }

    /// The user it changes, and so locks.
    fn user_id(&self) -> Option<i32> {
        match self {
            Self::Run(run) | Self::Begin(run, _) | Self::Finish(run, ..) => Some(run.request.user_id),
            Self::Record(_) | Self::GiveUp(_) => None,
        }
    }

    fn decide(&self, state: &BatchState) -> Decision {
        match self {
            Self::Record(record) => {
                Decision { changes: Changes::default(), record: Some(records::Entry::clone(record)), answer: Ok(None) }
            }
            Self::Run(run) => decide(run, state),
            Self::Begin(run, timeout) => decide_begin(run, *timeout, state),
            Self::Finish(run, webhook, end) => decide_finish(run, webhook, end, state),
            Self::GiveUp(execution) => decide_give_up(execution, state),
        }
    }
}

impl Job for Task {
    type Answer = Answer;

    fn lane(&self) -> Lane {
        match self {
            Self::Record(_) => Lane::Records,
            Self::Run(run) if run.key.is_none() && !run.needs().administrators => Lane::Rows(run.request.user_id),
            Self::Run(_) | Self::Begin(..) | Self::Finish(..) | Self::GiveUp(_) => Lane::Alone,
        }
    }

    fn must_finish(&self) -> bool {
        // What a webhook did is recorded in any case.
        self.ends().is_some()
    }
}

/// Writes the runs of a batch.
pub struct RunWriter {
    pub cache: UserCache,
    pub provider: ProviderNames,
    pub ledger: Ledger,
}

/// What a transaction holds until its end.
#[derive(Default)]
struct Held {
    /// Keys that another process has.
    locked_keys: HashSet<Scope>,
    /// The users it has locked; none are named on SQLite, where one transaction writes at a time.
    users: Option<HashSet<i32>>,
    running: HashSet<Uuid>,
}

impl Held {
    fn user(&self, id: Option<i32>) -> bool {
        id.zip(self.users.as_ref()).is_none_or(|(id, held)| held.contains(&id))
    }
}

#[async_trait]
impl BatchWriter for RunWriter {
    type Job = Task;

    async fn write(
        &self,
        transaction: &WriteTransaction,
        tasks: &[&Task],
        waits: bool,
    ) -> Result<WrittenBatch<Answer>, DbErr> {
        let mut needs = Needs::default();
        tasks.iter().filter_map(|task| task.needs()).for_each(|more| needs.extend(more));
        let held = lock_all(transaction, tasks, &needs, waits).await?;
        // Before anything is read: what changes in between makes these versions old.
        let versions = needs.users.iter().map(|id| (*id, self.cache.user_version(*id))).collect();
        let mut state = self.read(transaction, tasks, &needs, &held).await?;
        let (mut answers, mut writes, mut records) = (Vec::new(), UserWrites::default(), Vec::new());
        for task in tasks {
            // A job that waits for its locks holds its user, or there is none.
            if !waits && !held.user(task.user_id()) {
                answers.push(None);
                continue;
            }
            let decided = catch_unwind(AssertUnwindSafe(|| task.decide(&state)));
            let Ok(Decision { changes, record, answer }) = decided else {
                answers.push(Some(Err(Error::internal("the decision of a run panicked"))));
                continue;
            };
            writes.extend(state.apply(changes, record.as_ref()));
            records.extend(record);
            answers.push(Some(answer));
        }
        let touched = writes.touched();
        writes.execute(transaction, state.users.time).await?;
        fail_point!("batch-changed");
        if !records.is_empty() {
            self.ledger.write(transaction, records).await?;
        }
        fail_point!("batch-recorded");
        let cache = self.cache.clone();
        let on_commit = Box::new(move || state.users.store_changed(&cache, &versions));
        Ok(WrittenBatch { answers, touched, on_commit })
    }
}

impl RunWriter {
    /// Reads everything that is decided on, once everything is locked.
    async fn read(
        &self,
        transaction: &WriteTransaction,
        tasks: &[&Task],
        needs: &Needs,
        held: &Held,
    ) -> Result<BatchState, DbErr> {
        let is_shared = is_shared(transaction);
        // On PostgreSQL another process may have written a moment ago what the cache does not know yet.
        let cache = (!is_shared).then_some(&self.cache);
        let users = users::Snapshot::read(transaction, needs, clock::now_in_micros(), self.provider, cache).await?;
        let keys = tasks.iter().filter_map(|task| task.key()).filter(|key| !held.locked_keys.contains(key));
        let mut keys = KeyUse::read(transaction, &keys.collect::<Vec<_>>()).await?;
        keys.extend(held.locked_keys.iter().map(|key| (key.clone(), KeyUse::Locked)));
        Ok(BatchState { users, keys, running: held.running.clone() })
    }
}

/// Takes every lock that the jobs need, in the order that all transactions keep: keys, changes of roles, users, executions.
async fn lock_all(transaction: &WriteTransaction, tasks: &[&Task], needs: &Needs, waits: bool) -> Result<Held, DbErr> {
    let mut held = Held::default();
    let ending: Vec<_> = tasks.iter().filter_map(|task| task.ends()).collect();
    if is_shared(transaction) {
        for key in tasks.iter().filter_map(|task| task.key()) {
            if !lock::try_take(transaction, key.lock()).await? {
                held.locked_keys.insert(key.clone());
            }
        }
        if needs.administrators {
            lock::take(transaction, Lock::RoleChanges).await?;
        }
        if !needs.users.is_empty() {
            let ids: Vec<_> = needs.users.iter().copied().collect();
            held.users = Some(users::lock_some(transaction, &ids, !waits).await?.into_iter().collect());
        }
    }
    held.running = execution::lock_running(transaction, ending).await?;
    Ok(held)
}
