//! A name and a password, in a request's head or in the body of a log-in.

use metrics::Counter;
use secrecy::SecretString;

use super::{
    Authenticator, Proof,
    guessing::{Address, Attempt, Known},
    proven::Proven,
};
use crate::{
    error::Error,
    users::{
        self, Caller, User, UserRow, credential,
        password::{PasswordHash, Requester},
    },
    watch::{Meters, families::LOG_INS},
};

/// A user who knew the password.
pub struct LoggedIn {
    pub caller: Caller,
    pub proof: Proof,
    /// The password is good for nothing but making another.
    is_temporary: bool,
}

impl LoggedIn {
    /// Whoever proved this password of a user, unless it has ended, or the user is retired.
    fn of(user: &User, password: &credential::Model) -> Option<Self> {
        let caller = Caller::of(user).filter(|_| !password.is_expired())?;
        let proof = Proof::Password(password.secret.clone());
        Some(Self { caller, proof, is_temporary: password.is_temporary() })
    }

    /// The same, for everything that takes more than a temporary password.
    ///
    /// # Errors
    /// The password is temporary.
    pub fn for_good(self) -> Result<Self, Error> {
        if self.is_temporary { Err(Error::TemporaryPassword) } else { Ok(self) }
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
        let end = match self.recall(name, password).await.transpose() {
            Some(end) => end,
            None => Box::pin(self.judge(name, password, address)).await,
        };
        self.log_ins.count(&end);
        end
    }

    /// Whom name and password let in a moment ago, if they still do. Whoever was let in guesses nothing. What lets nobody
    /// in any more is forgotten, and judged as every other log-in.
    async fn recall(&self, name: &str, password: &SecretString) -> Result<Option<LoggedIn>, Error> {
        let Some(proven) = self.proven.find(name, password) else { return Ok(None) };
        let credential = self.users.password(proven.user_id).await?.filter(|stored| stored.secret == proven.hash);
        let user = self.users.user(proven.user_id).await?.filter(|user| user.is_called(&users::fold(name)));
        let logged_in = user.zip(credential).and_then(|(user, credential)| LoggedIn::of(&user, &credential));
        if logged_in.is_none() {
            self.proven.forget(name, password);
        }
        Ok(logged_in)
    }

    async fn judge(&self, name: &str, password: &SecretString, address: Address) -> Result<LoggedIn, Error> {
        let db = self.store.reader();
        let user = users::find_for_log_in(db, name).await?;
        let credential = credential::find_password_for_log_in(db, user.as_ref().map(|user| user.user.id)).await?;
        let hash = credential.as_ref().map(|credential| &credential.secret);
        let user_id = user.as_ref().map(|user| user.user.id);
        let known = self.guessing.known(db, user_id, address).await?;
        let requester = match (known, user_id) {
            (Known::Yes | Known::Ageing, Some(user_id)) => Requester::User(user_id),
            _ => address.requester(),
        };
        let attempt = self.guessing.enter(name, address, known).await?;
        let (attempt, is_right) = self.verify(attempt, password, hash, requester).await?;
        let logged_in = user.as_ref().zip(credential.as_ref()).and_then(|(user, stored)| LoggedIn::of(user, stored));
        match (logged_in, credential) {
            (Some(logged_in), Some(credential)) if is_right => {
                attempt.void();
                self.guessing.note_login(logged_in.caller.user_id, address, known);
                let proven = Proven { user_id: logged_in.caller.user_id, hash: credential.secret };
                self.proven.remember(name, password, proven);
                Ok(logged_in)
            }
            (_, credential) => {
                let is_expired = credential.is_some_and(|credential| credential.is_expired());
                tracing::info!(user_id, %address, right_password = is_right, is_expired, "log-in refused");
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Whether a caller, who is authenticated already, knows a user's password, which has this hash, too. To ask is to
    /// guess, and counts like it.
    ///
    /// # Errors
    /// Too many attempts failed before, or the password cannot be verified now.
    pub async fn is_password(
        &self,
        caller: &Caller,
        user: &UserRow,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        address: Address,
    ) -> Result<bool, Error> {
        let mut proven = [&user.name, &user.user_name].into_iter().filter_map(|name| self.proven.find(name, password));
        if proven.any(|proven| Some(&proven.hash) == hash) {
            return Ok(true);
        }
        let known = self.guessing.known(self.store.reader(), Some(user.id), address).await?;
        let attempt = self.guessing.enter(&user.name, address, known).await?;
        let requester = Requester::User(caller.user_id);
        let (attempt, is_right) = self.verify(attempt, password, hash, requester).await?;
        if is_right {
            attempt.void();
            self.guessing.note_login(user.id, address, known);
        }
        Ok(is_right)
    }

    /// Verifies a password. The attempt has failed unless it is said to be void.
    async fn verify(
        &self,
        attempt: Attempt,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        requester: Requester,
    ) -> Result<(Attempt, bool), Error> {
        match self.passwords.verify(password, hash, requester).await {
            Ok(is_right) => Ok((attempt, is_right)),
            Err(error) => {
                attempt.void();
                Err(error.into())
            }
        }
    }
}
