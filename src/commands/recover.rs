//! Runs that waited for another system when their process died: what came of them is not known, and is never tried again
//! by itself.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::SubsecRound;
use sea_orm::DbErr;
use uuid::Uuid;

use super::Commands;
use crate::{
    clock,
    error::Error,
    records::{
        self, audit,
        execution::{self, Outcome},
    },
    store::{Reach, Settled, Undone},
};

/// Which runs are taken for abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// Every one: no other process serves this database.
    All,
    /// Those whose time is over.
    Late,
}

/// The runs of this process that wait for another system.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<Mutex<HashSet<Uuid>>>);

/// The executions that are not closed since their seals do not hold. Each is logged once.
#[derive(Debug, Default)]
pub struct Forged(Mutex<HashSet<Uuid>>);

impl Forged {
    /// Whether it was not noted before.
    fn note(&self, id: Uuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }
}

/// A run that waits, until this is dropped.
#[derive(Debug)]
pub struct Waiting {
    id: Uuid,
    live: Live,
}

impl Live {
    pub fn enter(&self, id: Uuid) -> Waiting {
        self.ids().insert(id);
        Waiting { id, live: self.clone() }
    }

    fn contains(&self, id: Uuid) -> bool {
        self.ids().contains(&id)
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.live.ids().remove(&self.id);
    }
}

impl Commands {
    /// Closes the records of abandoned runs; how many those were. A record whose seal does not hold is left as it is, since
    /// closing it would put it into the audit chain.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn recover(&self, which: Abandoned) -> Result<usize, Error> {
        let given_up_by = (which == Abandoned::Late).then(clock::now);
        let snapshot = self.store.begin_snapshot().await?;
        let running = audit::running(&snapshot, &self.audit_key, given_up_by).await?;
        snapshot.rollback().await?;
        for (execution, reason) in running.forged {
            if self.forged.note(execution.id) {
                tracing::error!(
                    execution = %execution.id,
                    reason,
                    "an execution is recorded as running and is not closed; `kommando audit verify` and `kommando audit \
                     seal` tell more"
                );
            }
        }
        let mut abandoned = 0;
        for execution in running.sealed {
            // One that is late and alive ends by itself, however the clocks go.
            if self.live.contains(execution.id) {
                continue;
            }
            let (id, command) = (execution.id.to_string(), execution.command_name.clone());
            self.close(execution).await?;
            tracing::warn!(
                execution = id,
                command,
                "a run was given up: whether its webhook did anything is not known"
            );
            abandoned += 1;
        }
        Ok(abandoned)
    }

    /// The message of a run that was cut off by the end of its server. It names the target if the definition is still the same.
    fn abandoned_message(&self, execution: &execution::Model) -> String {
        let catalog = self.catalog();
        let entry = catalog.find(&execution.command_name).filter(|entry| entry.hash == execution.definition_hash);
        let target = entry.and_then(|entry| entry.definition.targets().next());
        let target = target.map_or_else(|| "its target".to_owned(), |target| format!("the target `{}`", target.value));
        format!(
            "The server ended while it waited for {target}. Whether that did its work is not known: look there before you run \
             the command again."
        )
    }

    async fn close(&self, mut execution: execution::Model) -> Result<(), Undone> {
        execution.outcome = Outcome::Unknown;
        execution.message = self.abandoned_message(&execution);
        execution.finished_at = clock::now().trunc_subsecs(6);
        let close = self.writer.write(Reach::Anything, move |transaction| {
            Box::pin(async move {
                let running = execution::find_running(transaction, execution.id).await?;
                let ended = || records::Entry::Ended { execution, freed_key: None, deliveries: Vec::new() };
                Ok::<_, DbErr>(Settled { undo: false, record: running.map(|_| ended()), answer: () })
            })
        });
        close.await
    }
}
