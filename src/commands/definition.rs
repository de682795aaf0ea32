//! The file of a command, read and checked.

use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    confirmation::Confirmation,
    predicate::{Predicate, Rule},
    steps::{StepDefinition, When},
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
    /// How long one call of a webhook may take.
    pub timeout: Timeout,
}

impl Definition {
    /// The targets of its webhooks, with where they stand in the file.
    pub fn targets(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.steps.iter().filter_map(|step| Some(&step.webhook()?.target))
    }

    /// Every role that it names: to allow or deny it, or to give.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let given = self.steps.iter().filter_map(StepDefinition::role);
        self.allow_roles.iter().chain(&self.deny_roles).map(String::as_str).chain(given)
    }

    /// Every group that it moves users to.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(StepDefinition::group)
    }

    /// It changes who can call, or what somebody may do.
    pub fn changes_standing(&self) -> bool {
        self.steps.iter().any(StepDefinition::changes_standing)
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

/// How long a call may take, such as `30s`: 100 milliseconds to 5 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Timeout(pub Duration);

impl Default for Timeout {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

impl TryFrom<String> for Timeout {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let duration = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
        let is_fit = |duration: &Duration| (Duration::from_millis(100)..=Duration::from_mins(5)).contains(duration);
        let unfit = || format!("`{text}` is no time between 100ms and 5m, such as 30s");
        duration.filter(is_fit).map(Self).ok_or_else(unfit)
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
    /// How long one call of a webhook may take: 100ms to 5m, 30s when omitted.
    #[serde(default)]
    timeout: Timeout,
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
            _ if has_late_call(&written.steps) => {
                Err("`steps` holds a `sync` webhook that is not the first step: it is asked before anything is changed")
            }
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
                timeout: written.timeout,
            }),
        }
    }
}

/// A call that is not the first step. So there is at most one that is.
fn has_late_call(steps: &[StepDefinition]) -> bool {
    steps.iter().skip(1).any(|step| step.webhook().is_some_and(|webhook| webhook.when == When::Sync))
}
