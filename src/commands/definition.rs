//! The file of a command, read and checked.

use serde::Deserialize;

use super::{confirmation::Confirmation, predicate::Predicate, steps::StepDefinition, text::Text};
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

/// A command's name: a letter, then letters, digits, `_`, `.` and `-`; 64 characters at most. It is a path segment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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

/// A definition as it stands in the file, before what one field says is held against another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: CommandName,
    display_name: MultiLanguage,
    #[serde(default = "no_text")]
    description: MultiLanguage,
    #[serde(default = "no_text")]
    tooltip: MultiLanguage,
    #[serde(default)]
    when: Vec<Predicate>,
    #[serde(default)]
    allow_roles: Vec<String>,
    #[serde(default)]
    deny_roles: Vec<String>,
    #[serde(default)]
    confirm: Confirmation,
    question: Option<Text>,
    steps: Vec<StepDefinition>,
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
