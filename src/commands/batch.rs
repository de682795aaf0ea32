//! Writes a batch of runs in one transaction: takes the locks, reads the rows, lets [`super::decide`] decide each run,
//! and writes the effects and the records.

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
    executions::{ExecutionEvent, ExecutionLog, execution, idempotency::KeyScope},
    store::{BatchWriter, Job, Lane, Lock, WriteTransaction, WrittenBatch, has_multiple_writers, lock},
    users::{self, Changes, Needs, ProviderNames, UserCache, UserWrites},
};

/// A job of the write queue.
pub enum Task {
    /// Writes a record. Takes no lock.
    Record(Box<ExecutionEvent>),
    /// Decides and writes a whole run.
    Run(Arc<PreparedRun>),
    /// Records that a run is about to call its sync webhook, with the timeout of the call.
    Begin(Arc<PreparedRun>, Duration),
    /// Ends a run after its sync webhook: the name of the webhook step, and how the call ended.
    Finish(Arc<PreparedRun>, &'static str, CallEnd),
    /// Closes an abandoned run with this record.
    GiveUp(Box<execution::Model>),
}

/// The answer to the client of a task after the commit; `None` if the run continues with a call.
pub type Answer = Result<Option<CommandOutput>, Error>;

impl Task {
    /// The users that the task reads.
    fn needs(&self) -> Option<Needs> {
        match self {
            Self::Record(_) | Self::GiveUp(_) => None,
            // After a call that failed, the run only gets its record.
            Self::Finish(_, _, end) if !matches!(end, CallEnd::Replied { success: true, .. }) => None,
            Self::Run(run) | Self::Begin(run, _) | Self::Finish(run, ..) => Some(run.needs()),
        }
    }

    /// The idempotency key that the task locks.
    fn key(&self) -> Option<&KeyScope> {
        match self {
            Self::Run(run) | Self::Begin(run, _) => run.key.as_ref(),
            Self::Record(_) | Self::Finish(..) | Self::GiveUp(_) => None,
        }
    }

    /// The running execution that the task ends.
    fn ends(&self) -> Option<Uuid> {
        match self {
            Self::Finish(run, ..) => Some(run.id),
            Self::GiveUp(execution) => Some(execution.id),
            Self::Record(_) | Self::Run(_) | Self::Begin(..) => None,
        }
    }

    /// The user that the task changes, and therefore locks.
    fn user_id(&self) -> Option<i32> {
        match self {
            Self::Run(run) | Self::Begin(run, _) | Self::Finish(run, ..) => Some(run.request.user_id),
            Self::Record(_) | Self::GiveUp(_) => None,
        }
    }

    fn decide(&self, state: &BatchState) -> Decision {
        match self {
            Self::Record(record) => {
                Decision { changes: Changes::default(), record: Some(ExecutionEvent::clone(record)), answer: Ok(None) }
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
        // The result of a webhook must be recorded even if the client is gone.
        self.ends().is_some()
    }
}

/// Writes batches of runs.
pub struct RunWriter {
    pub cache: UserCache,
    pub provider: ProviderNames,
    pub execution_log: ExecutionLog,
}

/// The locks that the transaction got.
#[derive(Default)]
struct Held {
    /// Keys that another process has locked.
    locked_keys: HashSet<KeyScope>,
    /// The locked users; `None` on SQLite, where only one transaction writes at a time.
    users: Option<HashSet<i32>>,
    /// The locked executions that are still running.
    running: HashSet<Uuid>,
}

impl Held {
    fn has_user(&self, id: Option<i32>) -> bool {
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
        // Taken before anything is read, so that a change during the read makes these versions outdated.
        let versions = needs.users.iter().map(|id| (*id, self.cache.user_version(*id))).collect();
        let mut state = self.read(transaction, tasks, &needs, &held).await?;
        let (mut answers, mut writes, mut records) = (Vec::new(), UserWrites::default(), Vec::new());
        for task in tasks {
            // With `waits`, every user that exists is locked.
            if !waits && !held.has_user(task.user_id()) {
                answers.push(None);
                continue;
            }
            let decided = catch_unwind(AssertUnwindSafe(|| task.decide(&state)));
            let Ok(Decision { changes, record, answer }) = decided else {
                answers.push(Some(Err(Error::internal("deciding a run panicked"))));
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
            self.execution_log.write(transaction, records).await?;
        }
        fail_point!("batch-recorded");
        let cache = self.cache.clone();
        let on_commit = Box::new(move || state.users.store_changed(&cache, &versions));
        Ok(WrittenBatch { answers, touched, on_commit })
    }
}

impl RunWriter {
    /// Reads everything that the decisions need, after all locks are taken.
    async fn read(
        &self,
        transaction: &WriteTransaction,
        tasks: &[&Task],
        needs: &Needs,
        held: &Held,
    ) -> Result<BatchState, DbErr> {
        let has_multiple_writers = has_multiple_writers(transaction);
        // On PostgreSQL the cache may lag behind a write of another process.
        let cache = (!has_multiple_writers).then_some(&self.cache);
        let users = users::Snapshot::read(transaction, needs, clock::now_in_micros(), self.provider, cache).await?;
        let keys = tasks.iter().filter_map(|task| task.key()).filter(|key| !held.locked_keys.contains(key));
        let mut keys = KeyUse::read(transaction, &keys.collect::<Vec<_>>()).await?;
        keys.extend(held.locked_keys.iter().map(|key| (key.clone(), KeyUse::Locked)));
        Ok(BatchState { users, keys, running: held.running.clone() })
    }
}

/// Takes every lock that the tasks need. All transactions lock in this order: keys, role changes, users, executions.
async fn lock_all(transaction: &WriteTransaction, tasks: &[&Task], needs: &Needs, waits: bool) -> Result<Held, DbErr> {
    let mut held = Held::default();
    let ending: Vec<_> = tasks.iter().filter_map(|task| task.ends()).collect();
    if has_multiple_writers(transaction) {
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
            held.users = Some(users::lock_rows(transaction, &ids, !waits).await?.into_iter().collect());
        }
    }
    held.running = execution::lock_running(transaction, ending).await?;
    Ok(held)
}
