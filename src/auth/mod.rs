//! How a request proves who calls.
//!
//! An operation whose first argument is a [`Caller`], a [`UserAgent`] or an [`Authenticated`] is refused to everybody
//! else before anything else of the request is looked at.

mod basic;
mod challenge;
mod confirm;
mod extractor;
mod guessing;
mod hosts;
mod installation;
mod log_in;
mod misplaced;
mod origin;
mod proven;
mod provider;
pub mod session;
mod ticket;

pub use challenge::challenges;
pub use extractor::{SESSION, UserAgent, XSRF};
pub use guessing::{Address, GuessLimits, Guessing};
pub use hosts::{HostName, Hosts};
pub use installation::Installation;
pub use log_in::{LogIns, LoggedIn};
pub use misplaced::{BASIC_OF_ANOTHER_SITE, is_basic};
pub use origin::{Origin, has_foreign_origin, is_cross_site};
pub use proven::ProvenPasswords;
pub use provider::{Algorithm, FetchError, KeysUrl, Provider, Settings as ProviderSettings};

use chrono::TimeDelta;
use poem::{Request, http::header};
use secrecy::SecretString;

use self::basic::Credentials;
use crate::{
    error::Error,
    store::Store,
    users::{
        Caller, UserCache, application,
        password::{PasswordHash, Passwords},
        ticket::{Kind, of_session},
    },
};

const APP_TOKEN: &str = "so-apptoken";

/// Finds out who calls.
#[derive(Clone, Debug)]
pub struct Authenticator {
    pub store: Store,
    pub users: UserCache,
    pub passwords: Passwords,
    pub proven: ProvenPasswords,
    pub installation: Installation,
    /// How long a ticket lives at most, however often it is used.
    pub longest_ticket: TimeDelta,
    pub guessing: Guessing,
    pub log_ins: LogIns,
    /// Whose JWTs are taken beside our own access tokens.
    pub provider: Option<Provider>,
}

/// Who calls, through which application, and how that was proved.
pub struct Authenticated {
    pub caller: Caller,
    pub proof: Proof,
    has_user_agent: bool,
}

/// How a caller was proved.
#[derive(Clone)]
pub enum Proof {
    Password(PasswordHash),
    Ticket(SecretString),
    Bearer(SecretString),
}

impl Authenticated {
    fn new(mut caller: Caller, application: Option<application::Model>, proof: Proof) -> Self {
        let has_user_agent = application.as_ref().is_some_and(|application| application.has_user_agent);
        caller.application_id = application.map(|application| application.id);
        Self { caller, proof, has_user_agent }
    }
}

impl Authenticator {
    /// Judges a request by its `Authorization`, or without one by its session.
    ///
    /// # Errors
    /// It proves nothing, or the database does not answer. Credentials that are missing or misplaced are told as that. Wrong
    /// ones are all refused alike, and the log tells at level debug why.
    pub async fn authenticate(&self, request: &Request) -> Result<Authenticated, Error> {
        let application = self.application(request).await?;
        // QUIRK: an empty header is none. Seen in: contract §1.3, where the client sends empty values. Until: it stops.
        let authorization = match request.headers().get(header::AUTHORIZATION).filter(|value| !value.is_empty()) {
            None => return self.by_session(self.session(request)?, application).await,
            Some(value) => value.to_str().map_err(|_| Error::Unauthenticated)?,
        };
        let surroundings = misplaced::Surroundings {
            installation: self.installation,
            has_app_token: has_app_token(request),
            has_provider: self.provider.is_some(),
        };
        if let Some(fault) = misplaced::fault_of(authorization, surroundings) {
            return Err(Error::CredentialsMisplaced(fault));
        }
        let (scheme, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
        let credentials = credentials.trim();
        let is = |name: &str| scheme.eq_ignore_ascii_case(name);
        if is("Basic") && self.installation.allows_basic() {
            match basic::decode(credentials).ok_or(Error::Unauthenticated)? {
                Credentials::Ticket(ticket) => self.by_ticket(ticket, application).await,
                Credentials::Password { name, password } => {
                    let logged_in = self.log_in(&name, &password, request.remote_addr().into()).await?.for_good()?;
                    Ok(Authenticated::new(logged_in.caller, application, logged_in.proof))
                }
            }
        } else if is("SoTicket") && self.allows_ticket(application.as_ref()) {
            self.by_ticket(SecretString::from(credentials), application).await
        } else if is("Bearer") && credentials.starts_with(Kind::AccessToken.prefix()) {
            self.by_access_token(SecretString::from(credentials), application).await
        } else if is("Bearer") {
            self.by_provider(SecretString::from(credentials), application).await
        } else {
            tracing::debug!("a scheme that is unknown or not allowed here");
            Err(Error::Unauthenticated)
        }
    }

    /// The secret of the request's session, which may be a ticket where a ticket counts.
    fn session(&self, request: &Request) -> Result<SecretString, Error> {
        let secret = session::secret(request.headers())?;
        let is_alone = !self.installation.allows_ticket_alone() && !has_app_token(request);
        match of_session(&secret) {
            None if is_alone => Err(Error::CredentialsMisplaced(misplaced::NO_APP_TOKEN)),
            _ => Ok(secret),
        }
    }

    /// The application that the request names. A token that is none names nobody, and proves nothing.
    async fn application(&self, request: &Request) -> Result<Option<application::Model>, Error> {
        let Some(token) = request.header(APP_TOKEN).filter(|token| !token.is_empty()) else { return Ok(None) };
        let found = self.users.application_by_token(&SecretString::from(token)).await?;
        if found.is_none() {
            tracing::debug!("unknown SO-AppToken");
        }
        Ok(found)
    }
}

/// An empty header is none.
fn has_app_token(request: &Request) -> bool {
    request.header(APP_TOKEN).is_some_and(|token| !token.is_empty())
}
