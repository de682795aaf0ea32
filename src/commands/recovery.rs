//! Runs that waited for another system when their process died: what came of them is not known, and they are not tried
//! again.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::{Catalog, batch::Task, resources::Resources};
use crate::{
    clock,
    error::Error,
    records::{
        audit::{self, AuditKey},
        execution::{self, Outcome},
    },
};

/// Which runs are taken for abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryScope {
    /// Every one: no other process serves this database.
    All,
    /// Those that are past their time.
    Late,
}

/// The executions that are not closed since their seals do not hold. Each is logged once.
#[derive(Debug, Default)]
pub struct LoggedForgeries(Mutex<HashSet<Uuid>>);

impl LoggedForgeries {
    fn log(&self, execution: &execution::Model, reason: &str) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(execution.id) {
            tracing::error!(
                execution = %execution.id,
                reason,
                "an execution is recorded as running and is not closed; `kommando audit verify` and `kommando audit seal` \
                 tell more"
            );
        }
    }
}

/// Closes the records of abandoned runs, and returns how many those were. A record with a seal that does not hold is left as
/// it is, since closing it would put it into the audit chain.
///
/// # Errors
/// The database does not answer.
pub async fn recover(
    resources: &Resources,
    catalog: &Catalog,
    key: &AuditKey,
    scope: RecoveryScope,
    logged: &LoggedForgeries,
) -> Result<usize, Error> {
    let given_up_by = (scope == RecoveryScope::Late).then(clock::now);
    let snapshot = resources.store.begin_snapshot().await?;
    let running = audit::running(&snapshot, key, given_up_by).await?;
    snapshot.rollback().await?;
    for (execution, reason) in &running.forged {
        logged.log(execution, reason);
    }
    let mut abandoned = 0;
    for mut execution in running.sealed {
        // One that is late and alive ends by itself, however the clocks go.
        if resources.active_runs.contains(execution.id) {
            continue;
        }
        let (id, command) = (execution.id.to_string(), execution.command_name.clone());
        execution.outcome = Outcome::Unknown;
        execution.message = message(catalog, &execution);
        execution.finished_at = clock::now_in_micros();
        resources.queue.submit(Task::GiveUp(Box::new(execution))).await??;
        tracing::warn!(execution = id, command, "a run was given up: whether its webhook did anything is not known");
        abandoned += 1;
    }
    Ok(abandoned)
}

/// The message of a run that was cut off by the end of its server. It names the target if the definition is still the same.
fn message(catalog: &Catalog, execution: &execution::Model) -> String {
    let command = catalog.find(&execution.command_name).filter(|command| command.hash == execution.definition_hash);
    let target = command.and_then(|command| command.definition.targets().next());
    let target = target.map_or_else(|| "its target".to_owned(), |target| format!("the target `{}`", target.value));
    format!(
        "The server ended while it waited for {target}. Whether that did its work is not known: look there before you run \
         the command again."
    )
}
