//! Every definition in force, and what stands between a caller and running it.

use chrono::{DateTime, Utc};

use super::{Confirmation, authorize::Authorization, catalog::LoadedCommand};
use crate::localization::MultiLanguage;

/// The definitions in force.
#[derive(Debug)]
pub struct CatalogStatus {
    /// Changes when any of them does.
    pub hash: String,
    /// All of them, by name.
    pub commands: Vec<CommandStatus>,
    /// Why those that were read last are not in force; for administrators only, since it tells of the server's files.
    pub failed_reload: Option<FailedReload>,
}

/// A definition in force.
#[derive(Debug)]
pub struct CommandStatus {
    pub name: String,
    pub display_name: MultiLanguage,
    pub description: MultiLanguage,
    pub tooltip: MultiLanguage,
    pub confirm: Confirmation,
    /// SHA-256 of its file, in hexadecimal.
    pub hash: String,
    /// Whether the caller can run it; nothing when no user was named.
    pub availability: Option<Availability>,
}

/// Definitions or targets that changed and are not in force, since something in them is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReload {
    /// When they were read.
    pub at: DateTime<Utc>,
    /// What is wrong, a line each.
    pub faults: Vec<String>,
}

/// Whether a caller may run a command on a user now, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    Permitted,
    Denied(String),
    Unavailable(String),
}

impl CommandStatus {
    pub fn of(command: &LoadedCommand, availability: Option<Availability>) -> Self {
        let definition = &command.definition;
        Self {
            name: definition.name.as_str().to_owned(),
            display_name: definition.display_name.clone(),
            description: definition.description.clone(),
            tooltip: definition.tooltip.clone(),
            confirm: definition.confirm,
            hash: command.hash.clone(),
            availability,
        }
    }
}

impl From<Authorization<'_>> for Availability {
    fn from(authorization: Authorization<'_>) -> Self {
        match authorization {
            Authorization::Permitted => Self::Permitted,
            Authorization::Denied(reason) => Self::Denied(reason.to_owned()),
            Authorization::Unavailable(unmet) => Self::Unavailable(unmet.to_string()),
        }
    }
}
