//! The file of a command, read and checked.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    confirmation::Confirmation,
    predicate::{Predicate, Rule},
    steps::StepDefinition,
    text::Text,
};
use crate::localization::MultiLanguage;

const LONGEST_NAME: usize = 64;

/// A custom command as its file defines it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Definition {
    pub name: CommandName,
    pub display_name: MultiLanguage,
    pub description: MultiLanguage,
    pub tooltip: MultiLanguage,
    pub when: Vec<Predicate>,
    pub allow_roles: Vec<String>,
    pub deny_roles: Vec<String>,
    pub confirm: Confirmation,
    /// Present exactly when something must be confirmed.
    pub question: Option<Text>,
    pub steps: Vec<StepDefinition>,
}

impl Definition {
    /// Every role that it names to allow or deny it.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.allow_roles.iter().chain(&self.deny_roles).map(String::as_str)
    }

    /// A condition of it speaks of the last administrator.
    pub fn asks_for_administrators(&self) -> bool {
        self.when.contains(&Predicate::Rule(Rule::NotLastAdmin))
    }
}

/// A command's name: a letter, then letters, digits, `_`, `.` and `-`; 64 characters at most. It is a path segment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[A-Za-z][A-Za-z0-9_.-]{0,63}$"))]
pub struct CommandName(String);

impl CommandName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CommandName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let starts_with_letter = name.starts_with(|first: char| first.is_ascii_alphabetic());
        let allowed = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        if starts_with_letter && name.len() <= LONGEST_NAME && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(format!("`{name}` is no command name: a letter, then letters, digits, `_`, `.` or `-`, 64 at most"))
        }
    }
}

// A definition as it stands in the file, before what one field says is held against another.
/// A custom command that can be run on users: one file, one command.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Command definition")]
struct Written {
    /// The name to run it by.
    name: CommandName,
    /// What to call it on a button or in a menu.
    display_name: MultiLanguage,
    /// What it does.
    #[serde(default = "no_text")]
    description: MultiLanguage,
    /// A hint about it.
    #[serde(default = "no_text")]
    tooltip: MultiLanguage,
    /// Conditions that must all hold for it to be offered and run.
    #[serde(default)]
    when: Vec<Predicate>,
    /// The roles that may run it: nobody else may.
    #[serde(default)]
    allow_roles: Vec<String>,
    /// Roles that may not run it, whatever else is said.
    #[serde(default)]
    deny_roles: Vec<String>,
    /// What must be confirmed before it runs.
    #[serde(default)]
    confirm: Confirmation,
    /// What is asked; needed exactly when something must be confirmed.
    question: Option<Text>,
    /// What it does, in this order, all of it or nothing.
    #[schemars(length(min = 1))]
    steps: Vec<StepDefinition>,
}

/// The JSON Schema of a definition's file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Written).to_value()
}

fn no_text() -> MultiLanguage {
    MultiLanguage::Plain(String::new())
}

impl TryFrom<Written> for Definition {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match (written.confirm, &written.question) {
            (Confirmation::None, Some(_)) => Err("`question` without `confirm`: say which buttons it has, or drop it"),
            (Confirmation::Ok | Confirmation::OkCancel | Confirmation::YesNo, None) => {
                Err("`confirm` without `question`: say what is asked")
            }
            _ if written.steps.is_empty() => Err("`steps` is empty: a command does at least one thing"),
            _ => Ok(Self {
                name: written.name,
                display_name: written.display_name,
                description: written.description,
                tooltip: written.tooltip,
                when: written.when,
                allow_roles: written.allow_roles,
                deny_roles: written.deny_roles,
                confirm: written.confirm,
                question: written.question,
                steps: written.steps,
            }),
        }
    }
}
