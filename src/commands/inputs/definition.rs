//! The inputs of a definition.

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    input_type::{Choice, DateLimit, InputType},
    value::{InputValue, InputValues},
};
use crate::localization::MultiLanguage;

/// An input of a command.
#[derive(Clone, Debug)]
pub struct InputDefinition {
    /// A letter, then letters, digits and `_`.
    pub name: String,
    pub input_type: InputType,
    /// What a form shows beside the field.
    pub label: Option<MultiLanguage>,
    /// A sentence that helps to fill the field.
    pub help: Option<MultiLanguage>,
    pub is_required: bool,
    pub default: Option<DefaultValue>,
}

/// The value of an input that the caller leaves out.
#[derive(Clone, Debug)]
pub enum DefaultValue {
    /// As JSON.
    Value(Value),
    /// The name of a group or role, even if it consists of digits.
    Name(String),
    Date(DateLimit),
}

/// The inputs of a command, in the order of its definition. No two names differ in case only.
#[derive(Clone, Debug, Default)]
pub struct InputDefinitions(Vec<InputDefinition>);

impl DefaultValue {
    /// The value as JSON.
    pub fn value(&self, today: NaiveDate) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Name(name) => name.as_str().into(),
            Self::Date(limit) => limit.date(today).to_string().into(),
        }
    }
}

impl InputDefinition {
    /// The label, or the name.
    pub fn title(&self) -> MultiLanguage {
        self.label.clone().unwrap_or_else(|| MultiLanguage::Plain(self.name.clone()))
    }

    /// The texts for clients: label, help, and labels of choices.
    pub fn texts(&self) -> impl Iterator<Item = &MultiLanguage> {
        let choices: &[Choice] = if let InputType::Choice(choices) = &self.input_type { choices } else { &[] };
        self.label.iter().chain(&self.help).chain(choices.iter().map(|choice| &choice.label))
    }

    /// The default as a template shows it; `None` if there is none, and for dates, most of which depend on the day.
    pub(super) fn shown_default(&self) -> Option<MultiLanguage> {
        let value = match self.default.as_ref()? {
            DefaultValue::Value(value) => value,
            DefaultValue::Name(name) => return Some(MultiLanguage::Plain(name.clone())),
            DefaultValue::Date(_) => return None,
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let label =
            |choices: &[Choice]| choices.iter().find(|choice| choice.value == text).map(|choice| choice.label.clone());
        Some(match &self.input_type {
            InputType::Choice(choices) => label(choices).unwrap_or(MultiLanguage::Plain(text)),
            _ => MultiLanguage::Plain(text),
        })
    }
}

impl InputType {
    fn sample(&self, high: bool) -> InputValue {
        match self {
            Self::Text(_) | Self::Email => InputValue::Text("text".to_owned()),
            Self::Integer { min, max } => InputValue::Integer(if high { *max } else { *min }),
            Self::Boolean => InputValue::Boolean(high),
            Self::Date { .. } => InputValue::Date(NaiveDate::default()),
            Self::Choice(choices) => match if high { choices.last() } else { choices.first() } {
                Some(choice) => InputValue::Choice(choice.clone()),
                None => InputValue::Text(String::new()),
            },
            Self::User => InputValue::User { id: 2, name: "Anna Lindqvist".to_owned() },
            Self::Group => InputValue::Group { id: 1, name: "Head office".to_owned() },
            Self::Role => InputValue::Role { id: 2, name: "Employee".to_owned(), rank: 20 },
            Self::Secret { .. } => InputValue::Secret("secret".into()),
        }
    }
}

impl InputDefinitions {
    pub(super) fn new(inputs: Vec<InputDefinition>) -> Self {
        Self(inputs)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &InputDefinition> {
        self.0.iter()
    }

    /// Sets of values to try templates on: the lowest and the highest value of each type, each once with all inputs and
    /// once without those that a run may leave out.
    pub fn samples(&self) -> [InputValues; 4] {
        [(true, true), (true, false), (false, true), (false, false)].map(|(all, high)| {
            let has_value = |input: &InputDefinition| all || input.is_required || input.default.is_some();
            let sample = |input: &InputDefinition| has_value(input).then(|| input.input_type.sample(high));
            InputValues::new(self.0.iter().map(|input| (input.name.clone(), sample(input))).collect())
        })
    }

    /// The input with exactly this name.
    pub fn find(&self, name: &str) -> Option<&InputDefinition> {
        self.0.iter().find(|input| input.name == name)
    }
}
