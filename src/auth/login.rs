//! Logs users in with a name and a password, from a Basic header or the body of a login request.

use metrics::Counter;
use secrecy::SecretString;

use super::{
    Authenticator, Proof,
    address::Address,
    login_rate_limiter::{Known, LoginAttempt},
    verified_password_cache::VerifiedPassword,
};
use crate::{
    error::Error,
    metrics::{MetricsRegistry, definitions::LOGINS},
    users::{
        self, Caller, User, UserRow, credential,
        password::{PasswordHash, Requester},
    },
};

/// A user who gave the right password.
pub struct LoggedIn {
    pub caller: Caller,
    pub proof: Proof,
    /// A temporary password only allows the user to set a new one.
    is_temporary: bool,
}

impl LoggedIn {
    /// `None` when the password has expired or the user is retired.
    fn of(user: &User, password: &credential::Model) -> Option<Self> {
        let caller = Caller::of(user).filter(|_| !password.is_expired())?;
        let proof = Proof::Password(password.secret.clone());
        Some(Self { caller, proof, is_temporary: password.is_temporary() })
    }

    /// Rejects temporary passwords.
    pub fn require_permanent(self) -> Result<Self, Error> {
        if self.is_temporary { Err(Error::TemporaryPassword) } else { Ok(self) }
    }
}

/// Counts password checks by outcome.
#[derive(Clone, Debug)]
pub struct LoginMetrics {
    succeeded: Counter,
    refused: Counter,
    limited: Counter,
}

impl LoginMetrics {
    pub fn new(metrics: &MetricsRegistry) -> Self {
        let [succeeded, refused, limited] =
            ["succeeded", "refused", "limited"].map(|outcome| metrics.counter(&LOGINS, &[outcome]));
        Self { succeeded, refused, limited }
    }

    fn count(&self, result: &Result<LoggedIn, Error>) {
        match result {
            Ok(_) => self.succeeded.increment(1),
            Err(Error::Unauthenticated) => self.refused.increment(1),
            Err(Error::TooManyAttempts(_)) => self.limited.increment(1),
            Err(_) => {} // the password was not checked
        }
    }
}

impl Authenticator {
    /// Checks name and password. An unknown name, a wrong password, a user without password and a retired user take the
    /// same code path and the same time.
    ///
    /// # Errors
    /// Name or password is wrong, or too many attempts failed before.
    pub async fn log_in(&self, name: &str, password: &SecretString, address: Address) -> Result<LoggedIn, Error> {
        let result = match self.find_cached(name, password).await.transpose() {
            Some(result) => result,
            None => Box::pin(self.verify_credentials(name, password, address)).await,
        };
        self.logins.count(&result);
        result
    }

    /// Answers from the cache of verified passwords if user and password are unchanged since. Cache hits bypass the
    /// rate limiter. A stale entry is removed, and the login is verified like any other.
    async fn find_cached(&self, name: &str, password: &SecretString) -> Result<Option<LoggedIn>, Error> {
        let Some(cached) = self.verified_passwords.find(name, password) else { return Ok(None) };
        let credential = self.users.password(cached.user_id).await?.filter(|stored| stored.secret == cached.hash);
        let user = self.users.user(cached.user_id).await?.filter(|user| user.is_called(&users::fold(name)));
        let logged_in = user.zip(credential).and_then(|(user, credential)| LoggedIn::of(&user, &credential));
        if logged_in.is_none() {
            self.verified_passwords.forget(name, password);
        }
        Ok(logged_in)
    }

    async fn verify_credentials(
        &self,
        name: &str,
        password: &SecretString,
        address: Address,
    ) -> Result<LoggedIn, Error> {
        let db = self.store.reader();
        let user = users::find_by_login_constant_time(db, name).await?;
        let credential = credential::find_password_constant_time(db, user.as_ref().map(|user| user.user.id)).await?;
        let hash = credential.as_ref().map(|credential| &credential.secret);
        let user_id = user.as_ref().map(|user| user.user.id);
        let known = self.login_limiter.known(db, user_id, address).await?;
        let requester = match (known, user_id) {
            (Known::Yes | Known::Ageing, Some(user_id)) => Requester::User(user_id),
            _ => address.requester(),
        };
        let attempt = self.login_limiter.enter(name, address, known).await?;
        let (attempt, is_right) = self.verify(attempt, password, hash, requester).await?;
        let logged_in = user.as_ref().zip(credential.as_ref()).and_then(|(user, stored)| LoggedIn::of(user, stored));
        match (logged_in, credential) {
            (Some(logged_in), Some(credential)) if is_right => {
                attempt.void();
                self.login_limiter.note_login(logged_in.caller.user_id, address, known);
                let verified = VerifiedPassword { user_id: logged_in.caller.user_id, hash: credential.secret };
                self.verified_passwords.remember(name, password, verified);
                Ok(logged_in)
            }
            (_, credential) => {
                let is_expired = credential.is_some_and(|credential| credential.is_expired());
                tracing::info!(user_id, %address, right_password = is_right, is_expired, "login refused");
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Whether an authenticated caller gave the right password of a user, which has this hash. Wrong passwords count
    /// towards the login rate limits.
    ///
    /// # Errors
    /// Too many attempts failed before, or the hasher is overloaded.
    pub async fn is_password(
        &self,
        caller: &Caller,
        user: &UserRow,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        address: Address,
    ) -> Result<bool, Error> {
        let mut cached =
            [&user.name, &user.user_name].into_iter().filter_map(|name| self.verified_passwords.find(name, password));
        if cached.any(|cached| Some(&cached.hash) == hash) {
            return Ok(true);
        }
        let known = self.login_limiter.known(self.store.reader(), Some(user.id), address).await?;
        let attempt = self.login_limiter.enter(&user.name, address, known).await?;
        let requester = Requester::User(caller.user_id);
        let (attempt, is_right) = self.verify(attempt, password, hash, requester).await?;
        if is_right {
            attempt.void();
            self.login_limiter.note_login(user.id, address, known);
        }
        Ok(is_right)
    }

    /// Verifies a password. An attempt that is dropped without [`LoginAttempt::void`] counts as failed.
    async fn verify(
        &self,
        attempt: LoginAttempt,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        requester: Requester,
    ) -> Result<(LoginAttempt, bool), Error> {
        match self.passwords.verify(password, hash, requester).await {
            Ok(is_right) => Ok((attempt, is_right)),
            Err(error) => {
                attempt.void();
                Err(error.into())
            }
        }
    }
}
