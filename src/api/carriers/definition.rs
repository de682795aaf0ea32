//! Definitions in force, as operators read them.

use poem_openapi::{Enum, Object, types::Example};

use super::custom_command::CommandAction;
use crate::{
    api::stamp::Time,
    commands::{self, Availability, CatalogStatus, CommandStatus, Confirmation},
    localization::MultiLanguage,
};

/// The definitions in force.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct CommandDefinitionList {
    /// Changes when any of the definitions does: servers that tell the same have the same ones in force.
    pub hash: String,
    /// The definitions, by name.
    pub commands: Vec<CommandDefinition>,
    /// Why the definitions and webhook targets that were read last are not in force, so that older ones are; null when they
    /// are in force, and for callers who are no administrators.
    pub failed_reload: Option<FailedReload>,
}

/// A reload of definitions and webhook targets that failed.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct FailedReload {
    /// When they were read.
    pub at: Time,
    /// What is wrong, as `file:line:column: problem`.
    pub faults: Vec<String>,
}

/// A definition in force.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct CommandDefinition {
    /// The name that the command is run by.
    pub name: String,
    /// What to call it on a button or in a menu.
    pub display_name: String,
    /// What it does.
    pub description: String,
    /// A hint about it.
    pub tool_tip: String,
    /// What must be confirmed before it runs.
    pub actions: CommandAction,
    /// The SHA-256 of the definition's file, in hexadecimal, as executions record it.
    pub definition_hash: String,
    /// Whether the caller may run it on the user now; null when no user was named.
    pub verdict: Option<CommandVerdict>,
    /// Why not; null when it is permitted, or no user was named.
    pub reason: Option<String>,
}

/// Whether a caller may run a command on a user now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum CommandVerdict {
    /// Yes: it is among the user's custom commands.
    Permitted,
    /// No, whatever the user's state: running it is 403.
    Denied,
    /// Not in the user's present state: running it is 400.
    Unavailable,
}

impl From<CatalogStatus> for CommandDefinitionList {
    fn from(status: CatalogStatus) -> Self {
        Self {
            hash: status.hash,
            commands: status.commands.into_iter().map(Into::into).collect(),
            failed_reload: status.failed_reload.map(Into::into),
        }
    }
}

impl From<commands::FailedReload> for FailedReload {
    fn from(failed: commands::FailedReload) -> Self {
        Self { at: failed.at.into(), faults: failed.faults }
    }
}

impl From<CommandStatus> for CommandDefinition {
    fn from(one: CommandStatus) -> Self {
        let (verdict, reason) = match one.availability {
            None => (None, None),
            Some(Availability::Permitted) => (Some(CommandVerdict::Permitted), None),
            Some(Availability::Denied(reason)) => (Some(CommandVerdict::Denied), Some(reason)),
            Some(Availability::Unavailable(reason)) => (Some(CommandVerdict::Unavailable), Some(reason)),
        };
        Self {
            name: one.name,
            display_name: one.display_name.raw(),
            description: one.description.raw(),
            tool_tip: one.tooltip.raw(),
            actions: one.confirm.into(),
            definition_hash: one.hash,
            verdict,
            reason,
        }
    }
}

impl Example for CommandDefinition {
    fn example() -> Self {
        let both = |en, nb| MultiLanguage::own(en, nb);
        Self::from(CommandStatus {
            name: "reactivate".to_owned(),
            display_name: both("Reactivate user", "Reaktiver bruker"),
            description: both("Gives a deactivated user access again.", "Gir en deaktivert bruker tilgang igjen."),
            tooltip: both("The user can log in again", "Brukeren kan logge inn igjen"),
            confirm: Confirmation::YesNo,
            hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            availability: Some(Availability::Unavailable("it is for users whose deleted is true".to_owned())),
        })
    }
}

impl Example for FailedReload {
    fn example() -> Self {
        let fault = "commands.d/deactivate.yaml:18:5: `mesage` is unknown here; did you mean `message`?".to_owned();
        Self { at: Time("2026-11-24T12:20:41.733910Z".to_owned()), faults: vec![fault] }
    }
}

impl Example for CommandDefinitionList {
    fn example() -> Self {
        let hash = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".to_owned();
        Self { hash, commands: vec![CommandDefinition::example()], failed_reload: None }
    }
}
