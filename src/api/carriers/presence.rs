//! Whether a user can be reached (contract §2).

use poem_openapi::{Object, types::Example};

use super::EjUserStatus;
use crate::users::UserRow;

/// Whether a user can be reached.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct UserPresenceStatus {
    /// Whether.
    pub status: EjUserStatus,
    /// What to tell whoever asks; empty when left out.
    pub message: Option<String>,
}

impl From<UserRow> for UserPresenceStatus {
    fn from(user: UserRow) -> Self {
        Self { status: user.presence_status.into(), message: Some(user.presence_message) }
    }
}

impl Example for UserPresenceStatus {
    fn example() -> Self {
        Self { status: EjUserStatus::StatusNotAvailable, message: Some("Back on Monday".to_owned()) }
    }
}
