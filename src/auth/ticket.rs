//! `SoTicket 7T:…`: a ticket that was issued to a user, valid for six hours after its last use.

use secrecy::SecretString;

use super::Authenticator;
use crate::{
    error::Error,
    users::{self, Caller, ticket},
};

impl Authenticator {
    pub(super) async fn by_ticket(&self, presented: &str) -> Result<Caller, Error> {
        let db = self.store.reader();
        let Some(found) = ticket::find_valid(db, &SecretString::from(presented)).await? else {
            tracing::debug!("unknown or expired ticket");
            return Err(Error::Unauthenticated);
        };
        let Some(caller) = users::find(db, found.user_id).await?.as_ref().and_then(Caller::of) else {
            tracing::debug!(user_id = found.user_id, "ticket of a retired user");
            return Err(Error::Unauthenticated);
        };
        if found.is_due_for_renewal() {
            self.renew_in_passing(found);
        }
        Ok(caller)
    }

    /// A read stays a read: it neither waits for the write nor fails with it.
    fn renew_in_passing(&self, found: ticket::Model) {
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = ticket::renew(store.writer(), &found).await {
                tracing::warn!(%error, user_id = found.user_id, "a ticket's end was not written forward");
            }
        });
    }
}
