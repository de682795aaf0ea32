//! What a command wants changed of a user, as data.

use chrono::{DateTime, Utc};
use sea_orm::Value;

use super::{Presence, UserColumn, password::PasswordHash};

/// A change of a user. It says what is wanted; whether it can be done is decided on a [`super::Snapshot`].
// No Debug: a hash does not belong into logs.
#[derive(Clone)]
pub enum Effect {
    /// Columns of the user's own row that concern nothing else.
    UpdateUser(Vec<(UserColumn, Value)>),
    SetPresence {
        status: Presence,
        message: String,
    },
    /// By the role's name.
    SetRole(String),
    /// By the group's name.
    SetGroup(String),
    /// True ends the user's access as upstream does, by retiring user and person; false gives it back.
    SetRetired(bool),
    SetTemporaryPassword {
        /// None in a dry run, which makes no secret.
        hash: Option<PasswordHash>,
        expires_at: DateTime<Utc>,
    },
    RevokeTickets,
}

/// Why an effect is impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impossible {
    LastAdministrator,
    /// It would change the person of another user, and the caller may not manage that user.
    SharedPerson,
    NoSuchRole(String),
    NoSuchGroup(String),
    PresenceTooLong,
}

impl Effect {
    /// It can change which administrators can log in.
    pub fn affects_administrators(&self) -> bool {
        matches!(self, Self::SetRole(_) | Self::SetRetired(_) | Self::SetTemporaryPassword { .. })
    }
}
