//! The presence of a user (docs/upstream.md §2).

use poem_openapi::{Object, types::Example};

use super::EjUserStatus;
use crate::users::UserRow;

/// The presence of a user.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example, nullable_all)]
pub struct UserPresenceStatus {
    /// The presence status.
    pub status: EjUserStatus,
    /// A message to other users, such as `Back on Monday`. Empty when omitted.
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
