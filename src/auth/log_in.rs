//! A name and a password, in a request's head or in the body of a log-in.

use metrics::Counter;
use secrecy::SecretString;

use super::{
    Authenticator,
    guessing::{Address, Attempt},
};
use crate::{
    error::Error,
    users::{
        self, Caller, credential,
        password::{self, PasswordHash},
    },
    watch::{Meters, families::LOG_INS},
};

/// A user who knew the password.
pub struct LoggedIn {
    pub caller: Caller,
    /// The password is good for nothing but making another.
    is_temporary: bool,
}

impl LoggedIn {
    /// Who called, for everything that takes more than a temporary password.
    ///
    /// # Errors
    /// The password is temporary.
    pub fn for_good(self) -> Result<Caller, Error> {
        if self.is_temporary { Err(Error::TemporaryPassword) } else { Ok(self.caller) }
    }
}

/// Counts passwords that were looked at.
#[derive(Clone, Debug)]
pub struct LogIns {
    succeeded: Counter,
    refused: Counter,
    limited: Counter,
}

impl LogIns {
    pub fn new(meters: &Meters) -> Self {
        let [succeeded, refused, limited] =
            ["succeeded", "refused", "limited"].map(|outcome| meters.counter(&LOG_INS, &[outcome]));
        Self { succeeded, refused, limited }
    }

    fn count(&self, end: &Result<LoggedIn, Error>) {
        match end {
            Ok(_) => self.succeeded.increment(1),
            Err(Error::Unauthenticated) => self.refused.increment(1),
            Err(Error::TooManyAttempts(_)) => self.limited.increment(1),
            Err(_) => {} // nothing was found out
        }
    }
}

impl Authenticator {
    /// An unknown name, a wrong password, a user without one and a retired user take the same way, and the same time.
    ///
    /// # Errors
    /// They prove nothing, too many attempts failed before, or the database does not answer.
    pub async fn log_in(&self, name: &str, password: &SecretString, address: Address) -> Result<LoggedIn, Error> {
        let end = self.judge(name, password, address).await;
        self.log_ins.count(&end);
        end
    }

    async fn judge(&self, name: &str, password: &SecretString, address: Address) -> Result<LoggedIn, Error> {
        let db = self.store.reader();
        let user = users::find_for_log_in(db, name).await?;
        let credential = credential::find_password_for_log_in(db, user.as_ref().map(|user| user.user.id)).await?;
        let hash = credential.as_ref().map(|credential| &credential.secret);
        let (attempt, proof) = self.verify(name, password, hash, address).await?;
        let caller = user.as_ref().and_then(Caller::of);
        let is_expired = credential.as_ref().is_some_and(|credential| credential.is_expired());
        match (caller, credential, proof) {
            (Some(caller), Some(credential), Some(proof)) if !is_expired => {
                attempt.into_iter().for_each(|attempt| attempt.succeed());
                self.passwords.remember(proof);
                Ok(LoggedIn { caller, is_temporary: credential.is_temporary() })
            }
            (.., proof) => {
                let user_id = user.map(|user| user.user.id);
                tracing::info!(user_id, %address, right_password = proof.is_some(), is_expired, "log-in refused");
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Whether somebody who calls already knows the password with this hash, too. To ask is to guess, and counts like it.
    ///
    /// # Errors
    /// Too many attempts failed before, or the password cannot be verified now.
    pub async fn is_password(
        &self,
        name: &str,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        address: Address,
    ) -> Result<bool, Error> {
        let (attempt, proof) = self.verify(name, password, hash, address).await?;
        if proof.is_some() {
            attempt.into_iter().for_each(|attempt| attempt.succeed());
        }
        Ok(proof.is_some())
    }

    /// Verifies a password, unless too many were wrong before. The attempt has failed unless it is said to have succeeded.
    async fn verify(
        &self,
        name: &str,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        address: Address,
    ) -> Result<(Option<Attempt<'_>>, Option<password::Proof>), Error> {
        let attempt = match self.passwords.remembers(password, hash) {
            true => None, // whoever was let in a moment ago guesses nothing
            false => Some(self.guessing.enter(name, address).await?),
        };
        match self.passwords.verify(password, hash).await {
            Ok(proof) => Ok((attempt, proof)),
            Err(error) => {
                attempt.into_iter().for_each(|attempt| attempt.void());
                Err(error.into())
            }
        }
    }
}
