//! The inputs of commands: as operators see them, and in upstream's FieldProperties.

use poem_openapi::{Enum, Object, types::Example};
use serde_json::Value;

use super::rights::{FieldProperties, FieldProperty, FieldRight};
use crate::{
    clock,
    commands::inputs::{Choice, InputDefinition, InputDefinitions, InputType},
    localization::MultiLanguage,
};

/// An input of a command: a value that the caller gives with a run.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct CommandInput {
    /// The name of the input: the member of the request body.
    pub name: String,
    /// The type of the value.
    pub r#type: CommandInputType,
    /// The label of a form field.
    pub label: String,
    /// A sentence that helps to fill the field; empty for none.
    pub help: String,
    /// Whether a run needs the input.
    pub required: bool,
    /// The value of an input that is left out, as a text; null for none. A group or role has its name. The default of a
    /// date that counts from today is that of today, in UTC.
    #[oai(nullable)]
    pub default_value: Option<String>,
    /// The minimum length of a text, in characters; null for other types.
    #[oai(nullable)]
    pub min_length: Option<u32>,
    /// The maximum length of a text, in characters; null for other types.
    #[oai(nullable)]
    pub max_length: Option<u32>,
    /// A regular expression that the text matches from beginning to end; null for none.
    #[oai(nullable)]
    pub pattern: Option<String>,
    /// Whether a text may have several lines.
    pub multiline: bool,
    /// The smallest integer; null for other types.
    #[oai(nullable)]
    pub minimum: Option<i64>,
    /// The largest integer; null for other types.
    #[oai(nullable)]
    pub maximum: Option<i64>,
    /// The first date, such as `2026-12-31`; null for none. A limit that counts from today is that of today, in UTC.
    #[oai(nullable)]
    pub not_before: Option<String>,
    /// The last date; null for none.
    #[oai(nullable)]
    pub not_after: Option<String>,
    /// The values of a choice; empty for other types.
    pub values: Vec<CommandInputChoice>,
}

/// A value of a choice.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CommandInputChoice {
    /// The value to send.
    pub value: String,
    /// The text to show.
    pub label: String,
}

/// The type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum CommandInputType {
    Text,
    Integer,
    Boolean,
    /// A date such as `2026-12-31`.
    Date,
    /// One of `values`.
    Choice,
    /// The id of an active user that the caller may see. The name is accepted, too.
    User,
    /// The id of a group. The name is accepted, too.
    Group,
    /// The id of a role that does not outrank the caller's. The name is accepted, too.
    Role,
    /// An e-mail address.
    Email,
    /// A text that is neither stored nor shown.
    Secret,
}

impl From<&InputDefinition> for CommandInput {
    fn from(input: &InputDefinition) -> Self {
        let today = clock::now().date_naive();
        let InputDefinition { name, input_type, help, is_required, default, .. } = input;
        let mut model = Self {
            name: name.clone(),
            r#type: input_type.into(),
            label: input.title().raw(),
            help: help.as_ref().map(MultiLanguage::raw).unwrap_or_default(),
            required: *is_required,
            default_value: default.as_ref().map(|default| text(default.value(today))),
            min_length: None,
            max_length: None,
            pattern: None,
            multiline: false,
            minimum: None,
            maximum: None,
            not_before: None,
            not_after: None,
            values: Vec::new(),
        };
        let length = |length: usize| Some(u32::try_from(length).unwrap_or(u32::MAX));
        match input_type {
            InputType::Text(limits) => {
                model.min_length = length(limits.min_length);
                model.max_length = length(limits.max_length);
                model.pattern = limits.pattern.as_ref().map(|pattern| pattern.written().to_owned());
                model.multiline = limits.is_multiline;
            }
            InputType::Secret { min_length, max_length } => {
                model.min_length = length(*min_length);
                model.max_length = length(*max_length);
            }
            InputType::Integer { min, max } => (model.minimum, model.maximum) = (Some(*min), Some(*max)),
            InputType::Date { not_before, not_after } => {
                model.not_before = not_before.map(|limit| limit.date(today).to_string());
                model.not_after = not_after.map(|limit| limit.date(today).to_string());
            }
            InputType::Choice(choices) => {
                let choice =
                    |choice: &Choice| CommandInputChoice { value: choice.value.clone(), label: choice.label.raw() };
                model.values = choices.iter().map(choice).collect();
            }
            InputType::Email => model.max_length = input_type.max_length().and_then(length),
            InputType::Boolean | InputType::User | InputType::Group | InputType::Role => {}
        }
        model
    }
}

impl From<&InputType> for CommandInputType {
    fn from(input_type: &InputType) -> Self {
        match input_type {
            InputType::Text(_) => Self::Text,
            InputType::Integer { .. } => Self::Integer,
            InputType::Boolean => Self::Boolean,
            InputType::Date { .. } => Self::Date,
            InputType::Choice(_) => Self::Choice,
            InputType::User => Self::User,
            InputType::Group => Self::Group,
            InputType::Role => Self::Role,
            InputType::Email => Self::Email,
            InputType::Secret { .. } => Self::Secret,
        }
    }
}

fn text(value: Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What FieldProperties can say of each input: whether it is mandatory, its .NET type and its length.
pub fn field_properties(inputs: &InputDefinitions) -> FieldProperties {
    inputs.iter().map(|input| (input.name.clone(), field_property(input))).collect()
}

fn field_property(input: &InputDefinition) -> FieldProperty {
    let mask = if input.is_required { "Update, UIHintMandatory" } else { "Update" };
    let (field_type, bytes) = match &input.input_type {
        InputType::Integer { .. } => ("System.Int64", 8),
        InputType::Boolean => ("System.Boolean", 2),
        InputType::Date { .. } => ("System.DateTime", 16),
        InputType::User | InputType::Group | InputType::Role => ("System.Int32", 4),
        InputType::Text(_) | InputType::Choice(_) | InputType::Email | InputType::Secret { .. } => ("System.String", 0),
    };
    let length = input.input_type.max_length().unwrap_or(bytes);
    FieldProperty {
        field_right: Some(FieldRight { mask: mask.to_owned(), reason: String::new() }),
        field_type: Some(field_type.to_owned()),
        field_length: i32::try_from(length).unwrap_or(i32::MAX),
    }
}

impl Example for CommandInput {
    fn example() -> Self {
        Self {
            name: "reason".to_owned(),
            r#type: CommandInputType::Text,
            label: MultiLanguage::own("Reason", "Begrunnelse").raw(),
            help: String::new(),
            required: true,
            default_value: None,
            min_length: Some(10),
            max_length: Some(254),
            pattern: None,
            multiline: false,
            minimum: None,
            maximum: None,
            not_before: None,
            not_after: None,
            values: Vec::new(),
        }
    }
}
