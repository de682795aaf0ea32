//! The typed values of a run, and how records and webhooks show them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::input_type::Choice;
use crate::{executions::execution::RecordedInputs, localization::Language};

/// A value of an input.
#[derive(Clone)]
pub enum InputValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Date(NaiveDate),
    Choice(Choice),
    User { id: i32, name: String },
    Group { id: i32, name: String },
    Role { id: i32, name: String, rank: i32 },
    Secret(SecretString),
}

/// The values of a run by the names of their inputs, in the order of the definition; `None` for an input without a value.
#[derive(Clone, Default)]
pub struct InputValues(Vec<(String, Option<InputValue>)>);

impl InputValue {
    /// The value in records and webhooks; `None` for a secret.
    fn recorded(&self) -> Option<Value> {
        Some(match self {
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Boolean(value) => (*value).into(),
            Self::Date(date) => date.to_string().into(),
            Self::Choice(choice) => choice.value.as_str().into(),
            Self::User { id, name } | Self::Group { id, name } | Self::Role { id, name, .. } => {
                json!({"id": id, "name": name})
            }
            Self::Secret(_) => return None,
        })
    }

    /// The value as a template shows it, in a language if there is one. No template shows a secret.
    pub(super) fn shown(&self, language: Option<Language>) -> Value {
        match self {
            Self::Choice(Choice { label, .. }) => {
                language.map_or_else(|| label.english(), |language| label.text_in(language)).into()
            }
            Self::User { name, .. } | Self::Group { name, .. } | Self::Role { name, .. } => name.as_str().into(),
            other => other.recorded().unwrap_or_default(),
        }
    }

    /// The value as a text, for steps that take one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Choice(choice) => Some(&choice.value),
            Self::Group { name, .. } | Self::Role { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl InputValues {
    pub fn new(values: Vec<(String, Option<InputValue>)>) -> Self {
        Self(values)
    }

    /// The value of an input, if it has one.
    pub fn get(&self, name: &str) -> Option<&InputValue> {
        self.0.iter().find(|(known, _)| known == name)?.1.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, Option<&InputValue>)> {
        self.0.iter().map(|(name, value)| (name, value.as_ref()))
    }

    /// The rank of the highest role among the values.
    pub fn highest_rank(&self) -> Option<i32> {
        let rank = |value: &InputValue| if let InputValue::Role { rank, .. } = value { Some(*rank) } else { None };
        self.0.iter().filter_map(|(_, value)| value.as_ref().and_then(rank)).max()
    }

    /// The values without secrets, for the record; `None` without values.
    pub fn recorded(&self) -> Option<RecordedInputs> {
        let recorded = |(name, value): &(String, Option<InputValue>)| Some((name.clone(), value.as_ref()?.recorded()?));
        let values: BTreeMap<_, _> = self.0.iter().filter_map(recorded).collect();
        (!values.is_empty()).then_some(RecordedInputs(values))
    }

    /// A text that is the same for the same values, with secrets: only for a MAC.
    pub fn canonical(&self) -> String {
        let value = |value: &InputValue| match value {
            InputValue::Secret(secret) => Some(secret.expose_secret().into()),
            other => other.recorded(),
        };
        let values: BTreeMap<_, _> =
            self.0.iter().filter_map(|(name, given)| Some((name, given.as_ref().and_then(value)?))).collect();
        json!(values).to_string()
    }

    /// The values for a webhook, with the secrets of these names; `None` without values.
    pub fn sent(&self, secrets: &[&str]) -> Option<RecordedInputs> {
        let mut sent = self.recorded().unwrap_or_default();
        for name in secrets {
            if let Some(InputValue::Secret(secret)) = self.get(name) {
                sent.0.insert((*name).to_owned(), secret.expose_secret().into());
            }
        }
        (!sent.0.is_empty()).then_some(sent)
    }
}
