//! Checks the caller's credentials again in the database before a ticket is issued or a password changes.
//! Authentication reads from a cache that can be stale for a moment.

use super::{Authenticator, Proof};
use crate::{
    error::Error,
    store::WriteTransaction,
    users::{
        self, User, credential,
        ticket::{self, Kind},
    },
};

impl Authenticator {
    /// Locks and returns the authenticated user.
    ///
    /// # Errors
    /// The credentials are no longer valid, or the user is retired.
    pub async fn revalidate(&self, transaction: &WriteTransaction, user_id: i32, proof: &Proof) -> Result<User, Error> {
        users::lock(transaction, user_id).await?;
        let is_valid = match proof {
            Proof::Password(hash) => {
                let stored = credential::find_password(transaction, user_id).await?;
                stored.is_some_and(|stored| stored.secret == *hash && !stored.is_expired())
            }
            Proof::Ticket(presented) => {
                let found = ticket::find_presented(transaction, presented).await?;
                found.is_some_and(|found| found.is_valid(Kind::Ticket, self.max_ticket_lifetime))
            }
            Proof::Bearer(_) => false, // access tokens and JWTs cannot issue anything
        };
        let user = users::find(transaction, user_id).await?.filter(|user| is_valid && !user.is_retired());
        user.ok_or_else(|| {
            tracing::info!(user_id, "credentials are no longer valid");
            Error::Unauthenticated
        })
    }
}
