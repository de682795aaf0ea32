//! The file of a command, read and checked.

use std::{sync::LazyLock, time::Duration};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    confirmation::Confirmation,
    document::{self, Located, Node, Problem},
    predicate::{NameKind, Predicate, Rule},
    steps::{StepDefinition, When},
    text::Text,
};
use crate::{localization::MultiLanguage, nearest};

const LONGEST_NAME: usize = 64;

/// A custom command as its file defines it.
#[derive(Debug)]
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
    /// All roles and groups that it names, with their places.
    pub names: Vec<(NameKind, Located<String>)>,
}

impl Definition {
    /// Reads a definition from its file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(root: &Node) -> Result<Self, Vec<Problem>> {
        let missing = missing(root);
        match document::read::<Written>(root) {
            Ok(written) => written.check(root),
            Err(mut problems) => {
                // Of entries that are missing, reading tells the first, and only where nothing else is wrong.
                problems.retain(|problem| !REQUIRED.iter().any(|name| problem.text == is_missing(name)));
                problems.extend(missing);
                if problems.is_empty() {
                    problems.extend(REQUIRED.iter().map(|name| Problem { at: Some((1, 1)), text: is_missing(name) }));
                }
                Err(problems)
            }
        }
    }

    /// The targets of its webhooks, with where they stand in the file.
    pub fn targets(&self) -> impl Iterator<Item = &Located<String>> {
        self.steps.iter().filter_map(|step| Some(&step.webhook()?.target))
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
    #[schemars(with = "Vec<Predicate>")]
    when: Vec<Located<Predicate>>,
    /// The roles that may run it: nobody else may.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    allow_roles: Vec<Located<String>>,
    /// Roles that may not run it, whatever else is said.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    deny_roles: Vec<Located<String>>,
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

/// The entries that every definition has.
static REQUIRED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schema = schema();
    let required = schema["required"].as_array().into_iter().flatten();
    required.filter_map(|name| name.as_str().map(str::to_owned)).collect()
});

fn is_missing(name: &str) -> String {
    format!("`{name}` is missing")
}

/// The required entries that are missing. One that is only misspelt is told as that.
fn missing(root: &Node) -> Vec<Problem> {
    let keys: Vec<_> = root.keys().map(|(key, _)| key).collect();
    let is_misspelt = |name: &str| {
        let known = || REQUIRED.iter().map(String::as_str).filter(|known| !keys.contains(known));
        keys.iter().any(|key| nearest::nearest(key, known()) == Some(name))
    };
    let missing = REQUIRED.iter().filter(|name| !keys.contains(&name.as_str()) && !is_misspelt(name));
    let problem = |name: &String| Problem { at: Some((1, 1)), text: is_missing(name) };
    if keys.is_empty() { Vec::new() } else { missing.map(problem).collect() }
}

impl Written {
    /// Holds what one entry says against another.
    fn check(self, root: &Node) -> Result<Definition, Vec<Problem>> {
        let is_late = has_late_call(&self.steps);
        let problems = [
            (
                "question",
                self.confirm == Confirmation::None && self.question.is_some(),
                "`question` without `confirm`: say which buttons it has, or drop it",
            ),
            (
                "confirm",
                self.confirm != Confirmation::None && self.question.is_none(),
                "`confirm` without `question`: say what is asked",
            ),
            ("steps", self.steps.is_empty(), "`steps` is empty: a command does at least one thing"),
            (
                "steps",
                is_late,
                "`steps` holds a `sync` webhook that is not the first step: it is asked before anything is changed",
            ),
        ];
        let place = |key: &str| root.keys().find(|(known, _)| *known == key).map(|(_, at)| at);
        let found = problems.into_iter().filter(|(_, is_wrong, _)| *is_wrong);
        let problems: Vec<_> = found.map(|(key, _, text)| Problem { at: place(key), text: text.to_owned() }).collect();
        if problems.is_empty() { Ok(self.into_definition()) } else { Err(problems) }
    }

    fn into_definition(self) -> Definition {
        let names = self.names().collect();
        let values = |located: Vec<Located<String>>| located.into_iter().map(|one| one.value).collect();
        Definition {
            name: self.name,
            display_name: self.display_name,
            description: self.description,
            tooltip: self.tooltip,
            when: self.when.into_iter().map(|one| one.value).collect(),
            allow_roles: values(self.allow_roles),
            deny_roles: values(self.deny_roles),
            confirm: self.confirm,
            question: self.question,
            steps: self.steps,
            timeout: self.timeout,
            names,
        }
    }

    /// Every role and group that it names: to allow or deny it, to compare with, to give.
    fn names(&self) -> impl Iterator<Item = (NameKind, Located<String>)> {
        let roles = self.allow_roles.iter().chain(&self.deny_roles).map(|role| (NameKind::Role, role.clone()));
        let compared = self.when.iter().flat_map(|one| {
            let located = |(kind, name): (NameKind, &str)| (kind, Located { value: name.to_owned(), at: one.at });
            one.value.names().map(located).collect::<Vec<_>>()
        });
        let given = self.steps.iter().filter_map(|step| step.name_given().map(|(kind, name)| (kind, name.clone())));
        roles.chain(compared).chain(given)
    }
}

/// A call that is not the first step. So there is at most one that is.
fn has_late_call(steps: &[StepDefinition]) -> bool {
    steps.iter().skip(1).any(|step| step.webhook().is_some_and(|webhook| webhook.when == When::Sync))
}
