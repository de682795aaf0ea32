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
            ticket::renew(self.store.writer(), &found).await?;
        }
        Ok(caller)
    }
}
