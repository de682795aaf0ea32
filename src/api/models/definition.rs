//! Command definitions in force, for operators.

use poem_openapi::{Enum, Object, types::Example};

use super::{command_input::CommandInput, custom_command::CommandAction, formats::Rfc3339};
use crate::{
    commands::{
        self, Availability, CatalogStatus, CommandStatus, ConfirmBinding, Confirmation, LoadedCommand,
        inputs::InputDefinitions,
    },
    localization::MultiLanguage,
};

/// The command definitions in force.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct CommandDefinitionList {
    /// A hash over all definitions. Servers with the same hash have the same definitions in force.
    pub hash: String,
    /// The definitions, sorted by name.
    pub commands: Vec<CommandDefinition>,
    /// The last reload, if it failed: the definitions and webhook targets from before are still in force. Null when the
    /// last reload succeeded, and for callers without administrator rights.
    #[oai(nullable)]
    pub failed_reload: Option<FailedReload>,
}

/// A failed reload of definitions and webhook targets.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct FailedReload {
    /// The time of the reload, in UTC.
    pub at: Rfc3339,
    /// The errors, as `file:line:column: problem`.
    pub errors: Vec<String>,
}

/// A command definition in force.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct CommandDefinition {
    /// The name of the command.
    pub name: String,
    /// The text for a button or a menu item.
    pub display_name: String,
    /// What the command does.
    pub description: String,
    /// The tooltip for the button or the menu item.
    pub tool_tip: String,
    /// The confirmation that the command needs before it runs.
    pub actions: CommandAction,
    /// Whether an answer must come with the X-Confirmation of the question that it answers.
    pub confirm_binding: CommandConfirmBinding,
    /// Whether the command is destructive: warn the user before it runs.
    pub danger: bool,
    /// The inputs of the command, in their order.
    pub inputs: Vec<CommandInput>,
    /// The SHA-256 hash of the definition's file, in hexadecimal. Executions record the same hash.
    pub definition_hash: String,
    /// Whether the caller may run the command on the given user now. Null when the request names no user.
    #[oai(nullable)]
    pub verdict: Option<CommandVerdict>,
    /// Why the command cannot be run, as a sentence. Null when it can be run or the request names no user.
    #[oai(nullable)]
    pub reason: Option<String>,
}

/// The file of a definition in force.
#[derive(Clone, Debug, Object)]
#[oai(example)]
pub struct CommandDefinitionText {
    /// The name that the command is run by.
    pub name: String,
    /// The YAML text of the file, unchanged.
    pub text: String,
    /// The SHA-256 of the text, in hexadecimal, as executions record it.
    pub hash: String,
}

/// Whether an answer must come with the X-Confirmation of its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum CommandConfirmBinding {
    Optional,
    Required,
}

/// Whether a caller may run a command on a user now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum CommandVerdict {
    /// The command can be run. It is in the user's list of custom commands.
    Permitted,
    /// The caller may not run the command on this user. Running it is answered with 403.
    Denied,
    /// The command is not available in the user's present state. Running it is answered with 400.
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
        Self { at: failed.at.into(), errors: failed.errors }
    }
}

impl From<CommandStatus> for CommandDefinition {
    fn from(status: CommandStatus) -> Self {
        let (verdict, reason) = match status.availability {
            None => (None, None),
            Some(Availability::Permitted) => (Some(CommandVerdict::Permitted), None),
            Some(Availability::Denied(reason)) => (Some(CommandVerdict::Denied), Some(reason.raw())),
            Some(Availability::Unavailable(reason)) => (Some(CommandVerdict::Unavailable), Some(reason.raw())),
        };
        Self {
            name: status.name,
            display_name: status.display_name.raw(),
            description: status.description.raw(),
            tool_tip: status.tooltip.raw(),
            actions: status.confirm.into(),
            confirm_binding: match status.confirm_binding {
                ConfirmBinding::Optional => CommandConfirmBinding::Optional,
                ConfirmBinding::Required => CommandConfirmBinding::Required,
            },
            danger: status.danger,
            inputs: status.inputs.iter().map(Into::into).collect(),
            definition_hash: status.hash,
            verdict,
            reason,
        }
    }
}

impl From<&LoadedCommand> for CommandDefinitionText {
    fn from(command: &LoadedCommand) -> Self {
        let name = command.definition.name.as_str().to_owned();
        Self { name, text: command.text.clone(), hash: command.hash.clone() }
    }
}

impl Example for CommandDefinitionText {
    fn example() -> Self {
        let text = "name: hello\ndisplay_name: Say hello\nsteps:\n  - message: {text: Hello}\n".to_owned();
        let hash = "baf1080c4b62ddcacede620e8889e6073c02dc3889db9d22cd4e3fda8c8237dc".to_owned();
        Self { name: "hello".to_owned(), text, hash }
    }
}

impl Example for CommandDefinition {
    fn example() -> Self {
        let both = |en, nb| MultiLanguage::own(en, nb);
        Self::from(CommandStatus {
            name: "reactivate".to_owned(),
            display_name: both("Reactivate user", "Reaktiver bruker"),
            description: both("Gives the user access again.", "Gir brukeren tilgang igjen."),
            tooltip: both("The user can log in again", "Brukeren kan logge inn igjen"),
            confirm: Confirmation::YesNo,
            confirm_binding: ConfirmBinding::Optional,
            danger: false,
            inputs: InputDefinitions::default(),
            hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            availability: Some(Availability::Unavailable(both(
                "Only for retired users.",
                "Bare for brukere som har sluttet.",
            ))),
        })
    }
}

impl Example for FailedReload {
    fn example() -> Self {
        let error = "commands.d/deactivate.yaml:18:5: `mesage` is unknown here; did you mean `message`?".to_owned();
        Self { at: Rfc3339("2026-11-24T12:20:41.733910Z".to_owned()), errors: vec![error] }
    }
}

impl Example for CommandDefinitionList {
    fn example() -> Self {
        let hash = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".to_owned();
        Self { hash, commands: vec![CommandDefinition::example()], failed_reload: None }
    }
}
