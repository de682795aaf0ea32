//! The domain errors, without HTTP. `api::respond::error` picks the status and the body.

mod causes;
mod db_error_kind;
mod quoted;

use std::{borrow::Cow, error::Error as StdError};

use sea_orm::DbErr;

use crate::localization::MultiLanguage;

pub use causes::with_causes;
pub use db_error_kind::DbErrorKind;
pub use quoted::{quoted, shortened};

use self::quoted::bounded;

/// An error of a request. The `Display` text is for the log; [`Error::message`] is for the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no valid credentials")]
    Unauthenticated,
    /// The credentials are missing or in the wrong place. The text says so and does not tell whether they are valid.
    #[error("{0}")]
    CredentialsMisplaced(&'static str),
    #[error("{0}")]
    TooManyAttempts(#[from] TooManyAttempts),
    #[error("a temporary password can only set a new password")]
    TemporaryPassword,
    #[error("the User agent is restricted to applications that were granted it")]
    UserAgentRestricted,
    #[error("a page of another site sent this request")]
    CrossSite,
    #[error("the caller may not read this user")]
    MayNotReadUser,
    #[error("the caller may not manage this user")]
    MayNotManageUser,
    /// With upstream's name of the property.
    #[error("the caller may not change {0}")]
    MayNotChange(&'static str),
    #[error("the user is the last administrator who can log in")]
    LastAdministrator,
    #[error("another user has the same person, and the caller may not manage that user")]
    SharedPerson,
    /// A user has invalid properties; the text names them.
    #[error("{0}")]
    Validation(String),
    #[error("the test of {path} failed")]
    TestFailed { path: String },
    #[error("no such user")]
    NoSuchUser,
    #[error("no such role")]
    NoSuchRole,
    #[error("no such group")]
    NoSuchGroup,
    #[error("no user of this name")]
    NoSuchUserName,
    #[error("no command {0}")]
    NoSuchCommand(String),
    #[error("no definition of this name")]
    NoSuchDefinition,
    #[error("{command} denied: {}", .reason.english())]
    CommandDenied { command: String, reason: MultiLanguage },
    #[error("{command} is not available for this user now: {}", .reason.english())]
    CommandUnavailable { command: String, reason: MultiLanguage },
    /// Inputs of a command are missing or invalid; the text has a sentence for each.
    #[error("invalid inputs: {0}")]
    InvalidInputs(String),
    /// X-Confirmation belongs to another question than the one that this request answers. `asks`: the command asks one.
    #[error("the confirmation is of another question")]
    ConfirmationMismatch { asks: bool },
    #[error("the confirmation is missing")]
    ConfirmationMissing,
    /// The request is invalid; the text says how to fix it.
    #[error("{0}")]
    InvalidArgument(String),
    #[error("no route")]
    NoRoute,
    /// An operation of upstream, by its name.
    #[error("{0} is not implemented")]
    NotImplemented(&'static str),
    /// A resource or agent of upstream, by its name.
    #[error("{0} is not served")]
    ResourceNotServed(&'static str),
    /// A list of upstream, by its name.
    #[error("the list {0} is not served")]
    ListNotServed(String),
    /// An archive of upstream, by its name.
    #[error("the archive {0} is not served")]
    ArchiveNotServed(String),
    #[error("the method is not one of {allowed}")]
    MethodNotAllowed { allowed: String },
    #[error("the client accepts none of our media types")]
    NotAcceptable,
    #[error("the body is too large")]
    BodyTooLarge,
    #[error("the body arrives too slowly")]
    BodyTooSlow,
    #[error("the body's media type is not JSON")]
    UnsupportedMediaType,
    #[error("the body has a Content-Encoding")]
    UnsupportedEncoding,
    /// The condition of If-Unmodified-Since is not met.
    #[error("the user was changed after the time of If-Unmodified-Since")]
    Modified,
    #[error("the database does not answer")]
    Unavailable(#[source] DbErr),
    #[error("too many requests wait")]
    Overloaded,
    #[error("the request took too long")]
    TookTooLong,
    #[error("failed to fetch the keys of the identity provider")]
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
    #[error("the seal of the webhook is invalid")]
    WebhookNotSealed,
    #[error("the caller is not an administrator")]
    NotAdministrator,
    /// The target of a sync webhook was not reached, or refused the call: nothing was done. The text is for the caller.
    #[error("{0}")]
    WebhookNotExecuted(String),
    /// The target of a sync webhook was called, and it is not known whether it did its work. The text is for the
    /// caller.
    #[error("{text}")]
    OutcomeUnknown { text: String, replayed: bool },
    #[error("this server is not a demo")]
    NotADemo,
    #[error("no such ticket")]
    NoSuchTicket,
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// Too many logins failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many logins failed; the next attempt is allowed in {retry_after_seconds} s")]
pub struct TooManyAttempts {
    pub retry_after_seconds: u64,
}

impl Error {
    /// An error that should not happen.
    pub fn internal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// Logs an error that occurred after the call of a sync webhook, and turns it into an unknown outcome.
    pub fn after_call(self) -> Self {
        tracing::error!(cause = with_causes(&self), "failed to store the end of a run");
        let text = "The target was called, but the end of the run could not be stored. Check there before you run the \
                    command again.";
        Self::OutcomeUnknown { text: text.to_owned(), replayed: false }
    }

    /// What went wrong and how to fix it, for the caller. `Display` is for the log.
    pub fn message(&self) -> String {
        let message: Cow<'_, str> = match self {
            Self::Unauthenticated => {
                "No valid credentials. WWW-Authenticate names the allowed schemes; browsers log in at /_ext/session."
                    .into()
            }
            Self::CredentialsMisplaced(problem) => (*problem).into(),
            Self::TooManyAttempts(_) => {
                "Too many logins failed. Try again after the number of seconds in Retry-After.".into()
            }
            Self::TemporaryPassword => {
                "This password is temporary: set a new one with POST /_ext/password, and use that.".into()
            }
            Self::UserAgentRestricted => {
                "The User agent is restricted: SO-AppToken must name an application that was granted it.".into()
            }
            Self::MayNotManageUser => "You may not manage this user. To manage other users, your role needs the right \
                                       `manage-users`, and their roles must not outrank yours."
                .into(),
            Self::NotADemo => "This server is not a demo: it was not started with `serve --demo`.".into(),
            Self::NoSuchTicket => "There is no such ticket, or it is not yours.".into(),
            Self::CrossSite => "Requests from pages of other sites are not accepted. To allow an origin, add it to \
                                KOMMANDO_CORS_ORIGINS."
                .into(),
            Self::MayNotReadUser => {
                "You may see only yourself. To see other users, your role needs the right `read-users`.".into()
            }
            Self::MayNotChange(field) => format!("{field}: your role does not let you change it to this.").into(),
            Self::LastAdministrator => {
                "This is the last administrator who can log in; first make another user with a password an \
                 administrator."
                    .into()
            }
            Self::SharedPerson => "Person: another user has the same person, and you may not manage that user.".into(),
            Self::Validation(errors) => format!("{errors}.").into(),
            // Upstream's text; the path is ours (docs/upstream.md §1.1, operation 5).
            Self::TestFailed { path } => format!(
                "Update blocked because a 'test' operation has detected a conflict with the entity value: {path}."
            )
            .into(),
            // Upstream's text, with its full stop (docs/upstream.md §1.1, operation 8).
            Self::NoSuchUser => "User with given id does not exist in the db.".into(),
            Self::NoSuchUserName => "User with given name does not exist in the db.".into(),
            Self::NoSuchRole => "There is no role with this id.".into(),
            Self::NoSuchGroup => "There is no group with this id.".into(),
            Self::NoSuchCommand(name) => {
                let list = "/api/v1/User/{id}/CustomCommand";
                format!("There is no command {}. The list of commands is at {list}.", quoted(name)).into()
            }
            Self::CommandDenied { command, reason } => {
                format!("You may not run `{command}` on this user. {}", reason.english()).into()
            }
            Self::CommandUnavailable { command, reason } => {
                format!("The command `{command}` is not available for this user now. {}", reason.english()).into()
            }
            // Upstream's sentence (docs/upstream.md §1.1, operation 8), then ours.
            Self::InvalidInputs(sentences) => {
                format!("Bad request. Entity to save is not in request body. {sentences}").into()
            }
            Self::ConfirmationMismatch { asks: true } => {
                "X-Confirmation belongs to another question: the caller, user, command, definition or inputs differ from \
                 the request that was asked. Ask again with actionResult=Implicit, and send the X-Confirmation of the new \
                 question with its answer."
                    .into()
            }
            Self::ConfirmationMismatch { asks: false } => {
                "This command asks no question now. To run it, leave out X-Confirmation.".into()
            }
            Self::ConfirmationMissing => "This command needs the X-Confirmation that came with its question. Ask with \
                                          actionResult=Implicit, and send it back with the answer."
                .into(),
            Self::InvalidArgument(message) => message.into(),
            Self::NoSuchField => "No user has a custom field of this name.".into(),
            Self::NoSuchExecution => "There is no such execution, or it is not yours.".into(),
            Self::NoSuchWebhook => "There is no webhook with this id.".into(),
            Self::NoSuchDefinition => "There is no command with this name.".into(),
            Self::WebhookNotDead(state) => {
                format!("Only a dead webhook can be sent again; this one is {state}.").into()
            }
            Self::WebhookNotSealed => "This webhook is not sealed with the server's audit key, so it is not sent. \
                                       `kommando audit seal` lists all webhooks without a seal."
                .into(),
            Self::NotAdministrator => "Only administrators may do this.".into(),
            Self::WebhookNotExecuted(_) | Self::OutcomeUnknown { .. } => self.to_string().into(),
            Self::KeyInFlight => {
                "A request with this Idempotency-Key is still running. Send it again later to get its answer.".into()
            }
            Self::KeyReused => {
                "This Idempotency-Key was used with another actionResult or other inputs. Use a new key for a new \
                 request.".into()
            }
            Self::StorageFull(_) => "There is no space left to store anything.".into(),
            Self::NoRoute => "There is nothing at this path. The API is described at /docs.".into(),
            Self::NotImplemented(operation) => {
                format!("The operation `{operation}` is not implemented by this server.").into()
            }
            Self::ResourceNotServed(resource) => format!(
                "`{resource}` is a part of upstream's API that this server does not have: it serves users, and what is \
                 read and changed with them."
            )
            .into(),
            Self::ListNotServed(name) => {
                format!("This server does not have the list {}. `/api/v1/MDOList` names those it has.", quoted(name)).into()
            }
            Self::ArchiveNotServed(name) => format!(
                "This server does not have the archive {}. `/api/v1/Archive` names those it has.",
                quoted(name)
            )
            .into(),
            Self::MethodNotAllowed { allowed } => format!("This path allows the methods {allowed}.").into(),
            Self::NotAcceptable => "This server answers with application/json or application/xml, but Accept excludes \
                                    both. Accept one of them, or */*."
                .into(),
            Self::BodyTooSlow => "The body arrived too slowly. Send it within 20 seconds, and after the first 5 \
                                  seconds with at least 16 KiB per second."
                .into(),
            Self::BodyTooLarge => "The body is larger than 1 MiB.".into(),
            Self::UnsupportedMediaType => "Send a body as application/json, or none.".into(),
            Self::UnsupportedEncoding => {
                "Header Content-Encoding: encoded bodies are not supported; send the body without an encoding.".into()
            }
            Self::Modified => {
                "The user was changed after the time of If-Unmodified-Since. Read it again, and send the \
                               change with its new Last-Modified."
                    .into()
            }
            Self::Unavailable(_) | Self::Overloaded | Self::ProviderUnreachable => {
                "The server cannot answer now. Try again.".into()
            }
            Self::TookTooLong => {
                "The server took too long. It is not known whether it did what you asked; check before you \
                                  ask again."
                    .into()
            }
            Self::Internal(_) => {
                "The server failed. Find the reason in its log, by the X-Request-Id of this response.".into()
            }
        };
        bounded(message.into_owned())
    }
}
