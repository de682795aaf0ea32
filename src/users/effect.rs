//! Effects: the changes of a user that a command wants, as data.

use chrono::{DateTime, Utc};
use sea_orm::Value;

use super::{Presence, UserColumn, password::PasswordHash};

/// A wanted change of a user. A [`super::Snapshot`] decides whether it is possible.
// No Debug, so that no hash gets into logs.
#[derive(Clone)]
pub enum Effect {
    /// Sets columns of the user's row that no rule depends on.
    UpdateUser(Vec<(UserColumn, Value)>),
    SetPresence {
        status: Presence,
        message: String,
    },
    /// By the role's name.
    SetRole(String),
    /// By the group's name.
    SetGroup(String),
    /// True retires user and person, as upstream does; false reactivates them.
    SetRetired(bool),
    SetTemporaryPassword {
        /// `None` in a dry run, which generates no password.
        hash: Option<PasswordHash>,
        expires_at: DateTime<Utc>,
    },
    RevokeTickets,
}

/// Why an effect is impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impossible {
    LastAdministrator,
    /// It would change the person of another user that the caller may not manage.
    SharedPerson,
    NoSuchRole(String),
    NoSuchGroup(String),
    PresenceTooLong,
    /// The role outranks that of the caller who chose it.
    RoleOutranksCaller,
}

impl Effect {
    /// Whether the effect can change which administrators can log in.
    pub fn affects_administrators(&self) -> bool {
        matches!(self, Self::SetRole(_) | Self::SetRetired(_) | Self::SetTemporaryPassword { .. })
    }
}
