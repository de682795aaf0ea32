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
        self,
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
    /// Closes the records of abandoned runs; how many those were.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn recover(&self, which: Abandoned) -> Result<usize, Error> {
        let given_up_by = (which == Abandoned::Late).then(clock::now);
        let mut abandoned = 0;
        for execution in execution::running(self.store.reader(), given_up_by).await? {
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

    async fn close(&self, mut execution: execution::Model) -> Result<(), Undone> {
        execution.outcome = Outcome::Unknown;
        execution.message = Error::OutcomeUnknown { replayed: false }.to_string();
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
