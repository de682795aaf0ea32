//! What can go wrong, what it means in HTTP, and the shapes in which clients are told.
//!
//! [`Error`] says what happened; the rooms below `api` use nothing else of this one. [`ErrorInfo`] and [`Problem`] are
//! what a client sees. One `From` between them picks the status. A 5xx body tells nothing; the log tells everything, once.

mod quoted;
mod response;
mod trouble;

use std::error::Error as StdError;

use sea_orm::DbErr;

pub use quoted::{quoted, shortened};
pub use response::{ErrorInfo, PROBLEM, Problem, Shape};
pub use trouble::Trouble;

/// What happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no valid credentials")]
    Unauthenticated,
    /// They are missing or stand where they prove nothing; the text says so, whether or not they would be right.
    #[error("{0}")]
    CredentialsMisplaced(&'static str),
    #[error("{0}")]
    TooManyAttempts(#[from] TooManyAttempts),
    #[error("a temporary password does nothing but make another")]
    TemporaryPassword,
    #[error("the User agent is restricted to applications that were granted it")]
    UserAgentRestricted,
    #[error("another site's page sent this request")]
    CrossSite,
    #[error("the caller may not read this user")]
    MayNotReadUser,
    #[error("the caller may not manage this user")]
    MayNotManageUser,
    /// Under upstream's name of the property.
    #[error("the caller may not change {0}")]
    MayNotChange(&'static str),
    #[error("it is the last administrator who can log in")]
    LastAdministrator,
    #[error("it would change the person of another user, whom the caller may not manage")]
    SharedPerson,
    /// What is wrong with a user; the text names the properties.
    #[error("{0}")]
    Validation(String),
    #[error("the test of {path} failed")]
    TestFailed { path: String },
    #[error("no such user")]
    NoSuchUser,
    #[error("no user of this name")]
    NoSuchUserName,
    #[error("no command {0}")]
    NoSuchCommand(String),
    #[error("{command} denied: {reason}")]
    CommandDenied { command: String, reason: &'static str },
    #[error("{command} is not available for this user now: {reason}")]
    CommandUnavailable { command: String, reason: String },
    /// The request itself is wrong; the text says what to mend.
    #[error("{0}")]
    InvalidArgument(String),
    #[error("no route")]
    NoRoute,
    /// An operation that upstream has, by its name.
    #[error("{0} is not implemented")]
    NotImplemented(&'static str),
    #[error("the method is not among {allowed}")]
    MethodNotAllowed { allowed: String },
    #[error("the client accepts none of our media types")]
    NotAcceptable,
    #[error("the body is too large")]
    BodyTooLarge,
    #[error("the body comes too slowly")]
    BodyTooSlow,
    #[error("the body's media type is not JSON")]
    UnsupportedMediaType,
    #[error("the body has a Content-Encoding")]
    UnsupportedEncoding,
    /// The condition of If-Unmodified-Since does not hold.
    #[error("the user was changed after the time of If-Unmodified-Since")]
    Modified,
    #[error("the database does not answer")]
    Unavailable(#[source] DbErr),
    #[error("more work waits than can be done")]
    Overloaded,
    #[error("the request took too long")]
    TookTooLong,
    #[error("the identity provider cannot be asked for its keys")]
    ProviderUnreachable,
    #[error("the disk is full")]
    StorageFull(#[source] DbErr),
    #[error("the idempotency key is in use")]
    KeyInFlight,
    #[error("the idempotency key was used with other parameters")]
    KeyReused,
    #[error("no such field")]
    NoSuchField,
    #[error("no such execution")]
    NoSuchExecution,
    #[error("no such webhook")]
    NoSuchWebhook,
    #[error("the webhook is {0}")]
    WebhookNotDead(String),
    #[error("the seal of the webhook does not hold")]
    WebhookNotSealed,
    #[error("the caller is no administrator")]
    NotAdministrator,
    /// What runs the command was not reached, or refused to: nothing was done. The text is for the caller.
    #[error("{0}")]
    HandlerUnreachable(String),
    /// What runs the command was called, and whether it did its work is not known. The text is for the caller.
    #[error("{text}")]
    OutcomeUnknown { text: String, replayed: bool },
    #[error("this server is no demo")]
    NoDemo,
    #[error("no such ticket")]
    NoSuchTicket,
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// Too many attempts to log in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts failed; the next is looked at in {retry_after_seconds} s")]
pub struct TooManyAttempts {
    pub retry_after_seconds: u64,
}

impl Error {
    /// Something that should not happen.
    pub fn internal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// What it means when another system was called just before: what that did is done, and nothing is known of it.
    pub fn after_call(self) -> Self {
        tracing::error!(cause = self.chain(), "the end of a run could not be stored");
        let text = "The target was called, and the end of the run could not be stored here. Look there before you run the \
                    command again.";
        Self::OutcomeUnknown { text: text.to_owned(), replayed: false }
    }

    /// What happened and all its causes, for the log.
    pub fn chain(&self) -> String {
        let first: &dyn StdError = self;
        let causes = std::iter::successors(Some(first), |error| (*error).source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
