//! A custom command as it is listed, the answer it is run with, and what it answers.

use poem_openapi::{Enum, Object, types::Example};

use super::rights::{FieldProperties, TableRight};
use crate::{
    commands::{ActionResult, AvailableCommand, CommandOutput, Confirmation},
    localization::MultiLanguage,
    records::execution::Outcome,
};

/// A custom command that can be run on a user.
///
/// Texts come in every language they have, as `NO:"…";US:"…"`, or as they are when they have only one form.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct CustomCommand {
    /// The name to run it by.
    pub name: String,
    /// What to call it on a button or in a menu.
    pub display_name: String,
    /// What it does.
    pub description: String,
    /// A hint about it.
    pub tool_tip: String,
    /// What must be confirmed before it runs.
    pub actions: CommandAction,
    /// The question to ask; empty when nothing must be confirmed.
    pub action_data: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// What must be confirmed before a command runs, and so which buttons to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CommandAction {
    /// Nothing: it runs at once.
    Implicit,
    /// A question with Yes and No: it runs on Yes.
    YesNo,
    /// A question with OK and Cancel: it runs on Ok.
    OkCancel,
    /// A message with OK: it runs on Ok, or Yes.
    Ok,
}

/// How a command's question was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum CommandActionResult {
    /// Nobody was asked.
    #[default]
    Implicit,
    Yes,
    Ok,
    No,
    Cancel,
}

/// What came of running a command.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct CommandResult {
    /// The command ran and did its work. False when it was declined, when it must be confirmed first, and when it failed.
    pub success: bool,
    /// What to tell the user: the command's message, or the question it asks.
    pub message: String,
    /// The answer that was used; `Implicit` when the question is still to be answered.
    pub result: CommandActionResult,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<&AvailableCommand> for CustomCommand {
    fn from(offer: &AvailableCommand) -> Self {
        let definition = &offer.definition;
        Self {
            name: definition.name.as_str().to_owned(),
            display_name: definition.display_name.raw(),
            description: definition.description.raw(),
            tool_tip: definition.tooltip.raw(),
            actions: definition.confirm.into(),
            action_data: offer.question.raw(),
            table_right: None,
            field_properties: FieldProperties::new(),
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
    fn from(report: CommandOutput) -> Self {
        Self {
            success: report.outcome == Outcome::Succeeded,
            message: report.message.raw(),
            result: report.result.into(),
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
