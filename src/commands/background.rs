//! What goes on beside requests: webhooks are delivered, and runs that came to no end are closed.

use std::time::Duration;

use tokio::time::sleep;

use super::{Commands, recover::Abandoned};
use crate::{
    error::Error,
    records::delivery::{self, State},
};

/// How often to look for late runs.
const LOOK: Duration = Duration::from_secs(10);

impl Commands {
    /// Takes over what an earlier process left open, and goes on for as long as this one serves.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take_over(&self) -> Result<(), Error> {
        // Others may live who serve the same database: what they left open is theirs until its time is over.
        if self.store.is_shared() {
            self.recover(Abandoned::Late).await?;
        } else {
            delivery::give_up_claims(self.store.writer()).await?;
            self.recover(Abandoned::All).await?;
        }
        let (store, writer, webhooks) = (self.store.clone(), self.writer.clone(), self.webhooks.clone());
        self.deliveries.start(store, writer, webhooks, self.audit_key.clone());
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
    /// There is none of this id, its seal does not hold, or the database does not answer.
    pub async fn redrive(&self, id: &str) -> Result<bool, Error> {
        let found = delivery::find(self.store.reader(), id).await?.ok_or(Error::NoSuchWebhook)?;
        if found.state == State::Dead && self.audit_key.fault_of_delivery(&found).is_some() {
            return Err(Error::WebhookNotSealed);
        }
        let is_redriven = delivery::redrive(self.store.writer(), id).await?;
        self.deliveries.wake();
        Ok(is_redriven)
    }

    /// Waits until every run has come to its end, those included whose callers went away, and no webhook is on its way.
    pub async fn finish(&self) {
        self.under_way.close();
        self.under_way.wait().await;
        self.deliveries.finish().await;
    }
}
