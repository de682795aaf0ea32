//! The inputs as templates show them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    definition::{InputDefinition, InputDefinitions},
    value::{InputValue, InputValues},
};
use crate::localization::{Language, MultiLanguage};

/// Shown for an input without a value, as long as the caller has not given one.
const PLACEHOLDER: &str = "…";

/// The inputs as a template shows them.
#[derive(Clone, Copy)]
pub enum ShownInputs<'a> {
    /// The values of a run.
    Values(&'a InputValues),
    /// The defaults, and `…` for inputs without one: the list of commands shows a question before values are given.
    Placeholders(&'a InputDefinitions),
}

impl ShownInputs<'_> {
    /// The value of each input by its name, in the language of the template if it has one.
    pub fn in_language(self, language: Option<Language>) -> BTreeMap<String, Value> {
        match self {
            Self::Values(values) => {
                let shown = |value: Option<&InputValue>| value.map(|value| value.shown(language)).unwrap_or_default();
                values.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
            }
            Self::Placeholders(definitions) => {
                let shown =
                    |text: &MultiLanguage| language.map_or(text.english(), |language| text.text_in(language)).into();
                let placeholder = || Value::from(PLACEHOLDER);
                let of = |input: &InputDefinition| input.shown_default().map_or_else(placeholder, |text| shown(&text));
                definitions.iter().map(|input| (input.name.clone(), of(input))).collect()
            }
        }
    }
}
