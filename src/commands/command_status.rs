//! The status of the catalog: every definition in force, whether the caller may run it, and the last failed reload.

use chrono::{DateTime, Utc};

use super::{ConfirmBinding, Confirmation, authorize::Authorization, catalog::LoadedCommand, inputs::InputDefinitions};
use crate::localization::MultiLanguage;

/// The definitions in force.
#[derive(Debug)]
pub struct CatalogStatus {
    /// Changes when any definition changes.
    pub hash: String,
    /// All definitions, sorted by name.
    pub commands: Vec<CommandStatus>,
    /// Why the last reload failed. Only for administrators, because it names files of the server.
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
    pub confirm_binding: ConfirmBinding,
    /// Destructive: clients warn before they run it.
    pub danger: bool,
    pub inputs: InputDefinitions,
    /// SHA-256 of the definition's file, in hexadecimal.
    pub hash: String,
    /// Whether the caller can run it on the user; `None` if the request names no user.
    pub availability: Option<Availability>,
}

/// A reload of definitions or targets that failed, so that the previous ones stay in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReload {
    /// When the files were read.
    pub at: DateTime<Utc>,
    /// The errors, one line each.
    pub errors: Vec<String>,
}

/// Whether a caller may run a command on a user now, with the reason if not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    Permitted,
    Denied(MultiLanguage),
    Unavailable(MultiLanguage),
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
            confirm_binding: definition.confirm_binding,
            danger: definition.danger,
            inputs: definition.inputs.clone(),
            hash: command.hash.clone(),
            availability,
        }
    }
}

impl From<Authorization<'_>> for Availability {
    fn from(authorization: Authorization<'_>) -> Self {
        match authorization {
            Authorization::Permitted => Self::Permitted,
            Authorization::Denied(denial) => Self::Denied(denial.reason()),
            Authorization::Unavailable(unmet) => Self::Unavailable(unmet.reason()),
        }
    }
}
