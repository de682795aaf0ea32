//! Runs that waited for another system when their process died: what came of them is not known, and is never tried again
//! by itself.

use std::time::Duration;

use chrono::{SubsecRound, Utc};
use sea_orm::DbErr;
use tokio::time::sleep;

use super::Commands;
use crate::{
    error::Error,
    records::{
        self, delivery,
        execution::{self, Outcome},
    },
    store::{Settled, Undone},
};

/// How often to look for late runs.
const LOOK: Duration = Duration::from_secs(10);

/// Which runs are taken for abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// Every one: no other process serves this database.
    All,
    /// Those whose time is over.
    Late,
}

impl Commands {
    /// Closes the records of abandoned runs; how many those were.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn recover(&self, which: Abandoned) -> Result<usize, Error> {
        let given_up_by = (which == Abandoned::Late).then(Utc::now);
        let abandoned = execution::running(self.store.reader(), given_up_by).await?;
        for execution in &abandoned {
            self.close(execution.clone()).await?;
            let (execution, command) = (execution.id.to_string(), &execution.command_name);
            tracing::warn!(execution, command, "a run was given up: whether its webhook did anything is not known");
        }
        Ok(abandoned.len())
    }

    /// Takes over what an earlier process left open, and goes on for as long as this one lives: delivers webhooks, and
    /// closes the records of runs that came to no end.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take_over(&self) -> Result<(), Error> {
        delivery::give_up_claims(self.store.writer()).await?;
        self.recover(Abandoned::All).await?;
        self.deliveries.start(self.store.clone(), self.writer.clone(), self.webhooks.clone());
        tokio::spawn(self.clone().keep_recovering());
        Ok(())
    }

    async fn keep_recovering(self) {
        loop {
            sleep(LOOK).await;
            if let Err(error) = self.recover(Abandoned::Late).await {
                tracing::error!(cause = error.chain(), "late runs cannot be closed");
            }
        }
    }

    /// Has a dead webhook sent again, under the same id. False when it is not dead.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn redrive(&self, id: &str) -> Result<bool, Error> {
        let is_redriven = delivery::redrive(self.store.writer(), id).await?;
        self.deliveries.wake();
        Ok(is_redriven)
    }

    async fn close(&self, mut execution: execution::Model) -> Result<(), Undone> {
        execution.outcome = Outcome::Unknown;
        execution.message = Error::OutcomeUnknown { replayed: false }.to_string();
        execution.finished_at = Utc::now().trunc_subsecs(6);
        let close = self.writer.write(move |transaction| {
            Box::pin(async move {
                let running = execution::find_running(transaction, execution.id).await?;
                let ended = || records::Entry::Ended { execution, freed_key: None, deliveries: Vec::new() };
                Ok::<_, DbErr>(Settled { undo: false, record: running.map(|_| ended()), answer: () })
            })
        });
        close.await
    }
}
