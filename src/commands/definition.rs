//! A command's definition: reads and validates its YAML file.

use std::{sync::LazyLock, time::Duration};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    confirmation::{ConfirmBinding, Confirmation},
    document::{self, DefinitionProblem, Located, Node},
    inputs::{InputDefinitions, RawInputs},
    predicate::{NameKind, Predicate},
    steps::{StepDefinition, When},
    template::Template,
};
use crate::{
    localization::{Language, MultiLanguage},
    nearest,
};

const MAX_NAME_LENGTH: usize = 64;

/// A custom command, as its file defines it.
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
    pub confirm_binding: ConfirmBinding,
    pub inputs: InputDefinitions,
    /// The confirmation question. Present exactly if `confirm` is not `none`.
    pub question: Option<Template>,
    /// Destructive: clients warn before they run it.
    pub danger: bool,
    pub steps: Vec<StepDefinition>,
    /// Timeout of one webhook call.
    pub timeout: Timeout,
    /// All roles and groups that the definition names, with their positions.
    pub names: Vec<(NameKind, Located<String>)>,
}

impl Definition {
    /// Reads a definition from the tree of its file.
    ///
    /// # Errors
    /// All problems of the definition.
    pub fn read(root: &Node) -> Result<Self, Vec<DefinitionProblem>> {
        let missing = missing(root);
        match document::read::<RawDefinition>(root) {
            Ok(written) => written.check(root),
            Err(mut problems) => {
                // The reader reports only the first missing entry, and only if nothing else is wrong: report all here.
                problems.retain(|problem| !REQUIRED.iter().any(|name| problem.text == is_missing(name)));
                problems.extend(missing);
                if problems.is_empty() {
                    problems.extend(
                        REQUIRED.iter().map(|name| DefinitionProblem { at: Some((1, 1)), text: is_missing(name) }),
                    );
                }
                Err(problems)
            }
        }
    }

    /// The problems of texts and steps with the inputs.
    fn input_problems(&self) -> Vec<DefinitionProblem> {
        let question = self.question.iter().filter_map(|question| {
            question.check_inputs(&self.inputs).or_else(|| question.check_placeholders(&self.inputs))
        });
        question.chain(self.steps.iter().flat_map(|step| step.as_step().check(&self.inputs))).collect()
    }

    /// Whether one of its texts for clients is in this language.
    pub fn has_language(&self, language: Language) -> bool {
        let labels = self.inputs.iter().flat_map(|input| input.texts());
        [&self.display_name, &self.description, &self.tooltip].into_iter().chain(labels).any(|text| text.has(language))
    }

    /// The targets of its webhooks, with their positions.
    pub fn targets(&self) -> impl Iterator<Item = &Located<String>> {
        self.steps.iter().filter_map(|step| Some(&step.webhook()?.target))
    }

    /// Whether it calls another system before anything is changed.
    pub fn calls_first(&self) -> bool {
        self.steps.iter().any(|step| step.webhook().is_some_and(|webhook| webhook.when == When::Sync))
    }

    /// Whether a condition depends on who is the last administrator.
    pub fn asks_for_administrators(&self) -> bool {
        self.when.iter().any(Predicate::asks_for_administrators)
    }
}

/// A command's name: a letter, then letters, digits, `_`, `.` and `-`, at most 64 characters. It is part of URL paths.
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
        if starts_with_letter && name.len() <= MAX_NAME_LENGTH && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(format!(
                "`{name}` is not a command name: it is a letter, then letters, digits, `_`, `.` or `-`, 64 at most"
            ))
        }
    }
}

/// Timeout of one webhook call, such as `30s`: 100 milliseconds to 5 minutes.
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
        let is_valid = |duration: &Duration| (Duration::from_millis(100)..=Duration::from_mins(5)).contains(duration);
        let invalid = || format!("`{text}` is not a duration between 100ms and 5m, such as 30s");
        duration.filter(is_valid).map(Self).ok_or_else(invalid)
    }
}

// A definition as written in its file, before its fields are checked against each other.
/// A custom command that can be run on users: one file, one command.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Command definition")]
struct RawDefinition {
    /// The command's name in the API.
    name: CommandName,
    /// The label of its button or menu item.
    display_name: MultiLanguage,
    /// What the command does.
    #[serde(default = "no_text")]
    description: MultiLanguage,
    /// The tooltip of its button or menu item.
    #[serde(default = "no_text")]
    tooltip: MultiLanguage,
    /// Conditions that must all be met for the command to be listed and run.
    #[serde(default)]
    #[schemars(with = "Vec<Predicate>")]
    when: Vec<Located<Predicate>>,
    /// The roles that may run the command. No other role may.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    allow_roles: Vec<Located<String>>,
    /// Roles that may never run the command. They win over `allow_roles`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    deny_roles: Vec<Located<String>>,
    /// The confirmation that the command needs before it runs.
    #[serde(default)]
    confirm: Confirmation,
    /// Whether an answer must come with the X-Confirmation header of the question that it answers.
    #[serde(default)]
    #[schemars(with = "ConfirmBinding")]
    confirm_binding: Option<ConfirmBinding>,
    /// The values that the caller gives with a run, by name.
    #[serde(default)]
    inputs: RawInputs,
    /// The confirmation question. Required with `confirm`, and only then.
    question: Option<Template>,
    /// Destructive: the console asks with a red button.
    #[serde(default)]
    danger: bool,
    /// The steps, run in this order: all of them or none.
    #[schemars(length(min = 1))]
    steps: Vec<StepDefinition>,
    /// Timeout of one webhook call: 100ms to 5m, by default 30s.
    #[serde(default)]
    timeout: Timeout,
}

/// The JSON Schema of definition files, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawDefinition).to_value()
}

fn no_text() -> MultiLanguage {
    MultiLanguage::Plain(String::new())
}

/// The required entries of a definition.
static REQUIRED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schema = schema();
    let required = schema["required"].as_array().into_iter().flatten();
    required.filter_map(|name| name.as_str().map(str::to_owned)).collect()
});

fn is_missing(name: &str) -> String {
    format!("`{name}` is missing")
}

/// Problems for missing required entries. A misspelt entry is not missing: it is reported as unknown.
fn missing(root: &Node) -> Vec<DefinitionProblem> {
    let keys: Vec<_> = root.keys().map(|(key, _)| key).collect();
    let is_misspelt = |name: &str| {
        let known = || REQUIRED.iter().map(String::as_str).filter(|known| !keys.contains(known));
        keys.iter().any(|key| nearest::nearest(key, known()) == Some(name))
    };
    let missing = REQUIRED.iter().filter(|name| !keys.contains(&name.as_str()) && !is_misspelt(name));
    let problem = |name: &String| DefinitionProblem { at: Some((1, 1)), text: is_missing(name) };
    if keys.is_empty() { Vec::new() } else { missing.map(problem).collect() }
}

impl RawDefinition {
    /// Checks the entries against each other.
    fn check(self, root: &Node) -> Result<Definition, Vec<DefinitionProblem>> {
        let is_late = has_late_call(&self.steps);
        let problems = [
            (
                "question",
                self.confirm == Confirmation::None && self.question.is_some(),
                "`question` without `confirm`: name its buttons with `confirm`, or remove it",
            ),
            (
                "confirm",
                self.confirm != Confirmation::None && self.question.is_none(),
                "`confirm` without `question`: add the question",
            ),
            (
                "confirm_binding",
                self.confirm == Confirmation::None && self.confirm_binding.is_some(),
                "`confirm_binding` without `confirm`: there is no question to bind to",
            ),
            ("steps", self.steps.is_empty(), "`steps` is empty: a command needs at least one step"),
            (
                "steps",
                is_late,
                "`steps` holds a `sync` webhook that is not the first step: it is called before anything is changed",
            ),
        ];
        let position = |key: &str| root.keys().find(|(known, _)| *known == key).map(|(_, at)| at);
        let found = problems.into_iter().filter(|(_, is_wrong, _)| *is_wrong);
        let mut problems: Vec<_> =
            found.map(|(key, _, text)| DefinitionProblem { at: position(key), text: text.to_owned() }).collect();
        match self.into_definition() {
            Ok(definition) => {
                problems.extend(definition.input_problems());
                if problems.is_empty() { Ok(definition) } else { Err(problems) }
            }
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
    }

    fn into_definition(self) -> Result<Definition, Vec<DefinitionProblem>> {
        let names = self.names().collect();
        let inputs = self.inputs.check()?;
        let values = |located: Vec<Located<String>>| located.into_iter().map(|one| one.value).collect();
        Ok(Definition {
            name: self.name,
            display_name: self.display_name,
            description: self.description,
            tooltip: self.tooltip,
            when: self.when.into_iter().map(|one| one.value).collect(),
            allow_roles: values(self.allow_roles),
            deny_roles: values(self.deny_roles),
            confirm: self.confirm,
            confirm_binding: self.confirm_binding.unwrap_or_default(),
            inputs,
            question: self.question,
            danger: self.danger,
            steps: self.steps,
            timeout: self.timeout,
            names,
        })
    }

    /// Every role and group that the definition allows, denies, compares with, assigns, or has as a default.
    fn names(&self) -> impl Iterator<Item = (NameKind, Located<String>)> {
        let roles = self.allow_roles.iter().chain(&self.deny_roles).map(|role| (NameKind::Role, role.clone()));
        let compared = self.when.iter().flat_map(|one| {
            let located = |(kind, name): (NameKind, &str)| (kind, Located { value: name.to_owned(), at: one.at });
            one.value.names().map(located).collect::<Vec<_>>()
        });
        let given = self.steps.iter().filter_map(|step| step.name_given().map(|(kind, name)| (kind, name.clone())));
        roles.chain(compared).chain(given).chain(self.inputs.names())
    }
}

/// Whether a sync webhook is not the first step. This also limits a definition to one sync webhook.
fn has_late_call(steps: &[StepDefinition]) -> bool {
    steps.iter().skip(1).any(|step| step.webhook().is_some_and(|webhook| webhook.when == When::Sync))
}
