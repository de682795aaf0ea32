//! Authentication of requests.
//!
//! An operation with a [`Caller`], an [`AgentCaller`] or an [`Authenticated`] as its first argument rejects other
//! requests before it looks at parameters and body.

mod address;
mod basic;
mod challenge;
mod csrf;
mod extractor;
mod hosts;
mod installation;
mod login;
mod login_rate_limiter;
mod misplaced;
mod oidc;
mod revalidate;
pub mod session;
mod source;
mod tenant;
mod ticket;
mod verified_password_cache;

pub use address::Address;
pub use challenge::challenges;
pub use csrf::{Origin, has_foreign_origin, is_cross_site};
pub use extractor::{AgentCaller, SESSION, XSRF};
pub use hosts::{HostName, Hosts};
pub use installation::Installation;
pub use login::{LoggedIn, LoginMetrics};
pub use login_rate_limiter::{GuessLimits, LoginRateLimiter};
pub use misplaced::{BASIC_OF_ANOTHER_SITE, is_basic};
pub use oidc::{Algorithm, FetchError, JwksUrl, Provider, Settings as ProviderSettings};
pub use source::{RequestId, source_of};
pub use tenant::{Tenant, TenantPrefix};
pub use verified_password_cache::VerifiedPasswordCache;

use chrono::TimeDelta;
use poem::{Request, http::header};
use secrecy::SecretString;

use self::basic::Credentials;
use crate::{
    error::Error,
    executions::audit::AuditLog,
    store::Store,
    users::{
        Caller, UserCache, application,
        password::{PasswordHash, PasswordHasher},
        ticket::{Kind, of_session},
    },
};

const APP_TOKEN: &str = "so-apptoken";

/// Authenticates requests.
#[derive(Clone, Debug)]
pub struct Authenticator {
    pub store: Store,
    pub users: UserCache,
    pub passwords: PasswordHasher,
    pub verified_passwords: VerifiedPasswordCache,
    pub installation: Installation,
    /// Maximum lifetime of a ticket, however often it is renewed.
    pub max_ticket_lifetime: TimeDelta,
    pub login_limiter: LoginRateLimiter,
    pub logins: LoginMetrics,
    /// The identity provider, if one is configured. Its JWTs are accepted in addition to our own access tokens.
    pub provider: Option<Provider>,
    pub audit_log: AuditLog,
}

/// The authenticated caller with the credentials of the request.
pub struct Authenticated {
    pub caller: Caller,
    pub proof: Proof,
    has_user_agent: bool,
}

/// The credentials that authenticated the caller.
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
    /// Authenticates a request by its `Authorization` header, or by its session when it has none.
    ///
    /// # Errors
    /// `CredentialsMisplaced` explains missing or misplaced credentials. Wrong credentials all get the same
    /// `Unauthenticated`; the debug log says why.
    pub async fn authenticate(&self, request: &Request) -> Result<Authenticated, Error> {
        let application = self.application(request).await?;
        // QUIRK: an empty header counts as absent. Seen in: docs/upstream.md §1.3, where the client sends empty values.
        // Until: it stops.
        let authorization = match request.headers().get(header::AUTHORIZATION).filter(|value| !value.is_empty()) {
            None => return self.by_session(self.session(request)?, application).await,
            Some(value) => value.to_str().map_err(|_| Error::Unauthenticated)?,
        };
        let context = misplaced::AuthContext {
            installation: self.installation,
            has_app_token: has_app_token(request),
            has_provider: self.provider.is_some(),
        };
        if let Some(problem) = misplaced::find_problem(authorization, context) {
            return Err(Error::CredentialsMisplaced(problem));
        }
        let (scheme, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
        let credentials = credentials.trim();
        let is = |name: &str| scheme.eq_ignore_ascii_case(name);
        if is("Basic") && self.installation.allows_basic() {
            match basic::decode(credentials).ok_or(Error::Unauthenticated)? {
                Credentials::Ticket(ticket) => self.by_ticket(ticket, application).await,
                Credentials::Password { name, password } => {
                    let logged_in =
                        self.log_in(&name, &password, request.remote_addr().into()).await?.require_permanent()?;
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
            tracing::debug!("unknown or disallowed authentication scheme");
            Err(Error::Unauthenticated)
        }
    }

    /// The secret in the request's session cookie. It can be a ticket where tickets are allowed.
    fn session(&self, request: &Request) -> Result<SecretString, Error> {
        let secret = session::secret(request.headers())?;
        let is_alone = !self.installation.allows_ticket_alone() && !has_app_token(request);
        match of_session(&secret) {
            None if is_alone => Err(Error::CredentialsMisplaced(misplaced::NO_APP_TOKEN)),
            _ => Ok(secret),
        }
    }

    /// The application of the request's SO-AppToken; `None` when the token is absent or unknown.
    async fn application(&self, request: &Request) -> Result<Option<application::Model>, Error> {
        let Some(token) = request.header(APP_TOKEN).filter(|token| !token.is_empty()) else { return Ok(None) };
        let found = self.users.application_by_token(&SecretString::from(token)).await?;
        if found.is_none() {
            tracing::debug!("unknown SO-AppToken");
        }
        Ok(found)
    }
}

/// Whether the request has a non-empty SO-AppToken header.
fn has_app_token(request: &Request) -> bool {
    request.header(APP_TOKEN).is_some_and(|token| !token.is_empty())
}
