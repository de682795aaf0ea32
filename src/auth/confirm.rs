//! Looking again before something is made that outlives the request: what is answered from memory may have changed
//! elsewhere a moment ago, and that moment must not become a ticket or a password.

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
    /// The user who was proved, as the database has them. Nobody else changes them before the transaction ends.
    ///
    /// # Errors
    /// The proof counts no more, or the user is retired; or the database does not answer.
    pub async fn confirm(&self, transaction: &WriteTransaction, user_id: i32, proof: &Proof) -> Result<User, Error> {
        users::lock(transaction, user_id).await?;
        let counts = match proof {
            Proof::Password(hash) => {
                let stored = credential::find_password(transaction, user_id).await?;
                stored.is_some_and(|stored| stored.secret == *hash && !stored.is_expired())
            }
            Proof::Ticket(presented) => {
                let found = ticket::find_presented(transaction, presented).await?;
                found.is_some_and(|found| found.is_valid(Kind::Ticket, self.longest_ticket))
            }
            Proof::Bearer(_) => false, // nothing outlives one
        };
        let user = users::find(transaction, user_id).await?.filter(|user| counts && !user.is_retired());
        user.ok_or_else(|| {
            tracing::info!(user_id, "what proved who calls counts no more");
            Error::Unauthenticated
        })
    }
}
