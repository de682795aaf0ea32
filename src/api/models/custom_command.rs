//! Custom commands: the list entry, the confirmation, and the result of a run.

use poem_openapi::{Enum, Object, types::Example};

use super::{
    command_input::field_properties,
    rights::{FieldProperties, TableRight},
};
use crate::{
    commands::{ActionResult, AvailableCommand, CommandOutput, Confirmation},
    executions::execution::Outcome,
    localization::MultiLanguage,
};

/// A custom command that can be run on a user.
///
/// Without a language in the request, texts are returned in all their languages, as `NO:"…";US:"…"`. A text with only
/// one form is returned unchanged.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example, nullable_all)]
pub struct CustomCommand {
    /// The name of the command, used to run it.
    pub name: String,
    /// The text for a button or a menu item.
    pub display_name: String,
    /// What the command does.
    pub description: String,
    /// The tooltip for the button or the menu item.
    pub tool_tip: String,
    /// The confirmation that the command needs before it runs.
    pub actions: CommandAction,
    /// The question to ask; empty when no confirmation is needed.
    pub action_data: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// The inputs of the command by name: whether they are mandatory, their .NET types and lengths. GET
    /// /_ext/commands tells more of them.
    pub field_properties: FieldProperties,
}

/// The confirmation that a command needs before it runs: the buttons to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CommandAction {
    /// No confirmation: the command runs at once.
    Implicit,
    /// A question with Yes and No: the command runs on Yes.
    YesNo,
    /// A question with OK and Cancel: the command runs on Ok.
    OkCancel,
    /// A message with OK: the command runs on Ok or Yes.
    Ok,
}

/// The answer to a command's question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum CommandActionResult {
    /// The question was not answered.
    #[default]
    Implicit,
    Yes,
    Ok,
    No,
    Cancel,
}

/// The result of running a command.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct CommandResult {
    /// True when the command ran and succeeded. False when it failed, was declined, or must be confirmed first.
    pub success: bool,
    /// The text for the user: the command's message, or its question.
    pub message: String,
    /// The answer that was used; `Implicit` when the question still needs an answer.
    pub result: CommandActionResult,
    /// Always null in this version.
    #[oai(nullable)]
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<&AvailableCommand> for CustomCommand {
    fn from(command: &AvailableCommand) -> Self {
        let definition = &command.definition;
        Self {
            name: definition.name.as_str().to_owned(),
            display_name: definition.display_name.raw(),
            description: definition.description.raw(),
            tool_tip: definition.tooltip.raw(),
            actions: definition.confirm.into(),
            action_data: command.question.raw(),
            table_right: None,
            field_properties: field_properties(&definition.inputs),
        }
    }
}

impl From<Confirmation> for CommandAction {
    fn from(confirmation: Confirmation) -> Self {
        match confirmation {
            Confirmation::None => Self::Implicit,
            Confirmation::Ok => Self::Ok,
            Confirmation::OkCancel => Self::OkCancel,
            Confirmation::YesNo => Self::YesNo,
        }
    }
}

impl From<CommandOutput> for CommandResult {
    fn from(output: CommandOutput) -> Self {
        Self {
            success: output.outcome == Outcome::Succeeded,
            message: output.message.raw(),
            result: output.result.into(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<ActionResult> for CommandActionResult {
    fn from(answer: ActionResult) -> Self {
        match answer {
            ActionResult::Implicit => Self::Implicit,
            ActionResult::Yes => Self::Yes,
            ActionResult::Ok => Self::Ok,
            ActionResult::No => Self::No,
            ActionResult::Cancel => Self::Cancel,
        }
    }
}

impl From<CommandActionResult> for ActionResult {
    fn from(answer: CommandActionResult) -> Self {
        match answer {
            CommandActionResult::Implicit => Self::Implicit,
            CommandActionResult::Yes => Self::Yes,
            CommandActionResult::Ok => Self::Ok,
            CommandActionResult::No => Self::No,
            CommandActionResult::Cancel => Self::Cancel,
        }
    }
}

impl Example for CustomCommand {
    fn example() -> Self {
        let both = |en, nb| MultiLanguage::own(en, nb).raw();
        Self {
            name: "deactivate".to_owned(),
            display_name: both("Deactivate user", "Deaktiver bruker"),
            description: both("Ends the user's access.", "Avslutter brukerens tilgang."),
            tool_tip: both("The user can no longer log in", "Brukeren kan ikke lenger logge inn"),
            actions: CommandAction::YesNo,
            action_data: both(
                "Deactivate Anna Lindqvist (anna)? Access ends now.",
                "Deaktivere Anna Lindqvist (anna)? Tilgangen avsluttes nå.",
            ),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl Example for CommandResult {
    fn example() -> Self {
        let message =
            MultiLanguage::own("Anna Lindqvist no longer has access.", "Anna Lindqvist har ikke lenger tilgang.");
        Self {
            success: true,
            message: message.raw(),
            result: CommandActionResult::Yes,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
