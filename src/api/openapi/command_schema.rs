//! The schema of a command's inputs in the document.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::{
    clock,
    commands::{
        Definition,
        inputs::{Choice, DateLimit, DefaultValue, InputDefinition, InputType, TextLimits},
    },
    localization::{Locale, MultiLanguage},
};

/// The text of examples.
const TEXT: &str = "As discussed on Monday with the manager of the team.";

/// The secret of examples.
const SECRET: &str = "correct horse battery";

/// The schema of the object with all inputs, with texts in the language of the locale.
pub fn schema_of(definition: &Definition, locale: &Locale) -> Value {
    let properties: Map<String, Value> =
        definition.inputs.iter().map(|input| (input.name.clone(), property(input, locale))).collect();
    let required: Vec<_> =
        definition.inputs.iter().filter(|input| input.is_required).map(|input| input.name.as_str()).collect();
    let name = definition.name.as_str();
    let mut schema = json!({
        "type": "object",
        "description": format!("The inputs of the command `{name}`."),
        "properties": properties,
        "additionalProperties": false,
    });
    // An empty list is not allowed.
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(input: &InputDefinition, locale: &Locale) -> Value {
    let mut schema = match &input.input_type {
        InputType::Text(limits) => of_text(limits),
        InputType::Integer { min, max } => {
            let is_short = i32::try_from(*min).is_ok() && i32::try_from(*max).is_ok();
            let format = if is_short { "int32" } else { "int64" };
            let example = 1.clamp(*min, *max);
            json!({"type": "integer", "format": format, "minimum": min, "maximum": max, "example": example})
        }
        InputType::Boolean => json!({"type": "boolean", "example": true}),
        InputType::Date { not_before, not_after } => {
            let today = clock::now().date_naive();
            let (first, last) = (not_before.map(|limit| limit.date(today)), not_after.map(|limit| limit.date(today)));
            let usual = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap_or(today);
            let example = last.map_or(usual, |last| last.min(usual));
            let example = first.map_or(example, |first| first.max(example));
            json!({"type": "string", "format": "date", "example": example.to_string()})
        }
        InputType::Choice(choices) => {
            let values: Vec<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
            json!({"type": "string", "enum": values, "example": values.first()})
        }
        InputType::User | InputType::Group => json!({"type": "integer", "format": "int32", "example": 1}),
        InputType::Role => json!({"type": "integer", "format": "int32", "example": 2}),
        InputType::Email => {
            let max_length = input.input_type.max_length();
            json!({"type": "string", "format": "email", "maxLength": max_length, "example": "anna@example.com"})
        }
        InputType::Secret { min_length, max_length } => {
            let example = example(SECRET, *min_length, *max_length);
            json!({
                "type": "string", "format": "password", "writeOnly": true,
                "minLength": min_length, "maxLength": max_length, "example": example,
            })
        }
    };
    schema["description"] = description(input, locale).into();
    schema
}

/// The label, the help, and what the schema does not say. It has no `title`, which some generators take as the name of a
/// type, and no `default`, which makes a property required for some, and which others send instead of leaving it out.
fn description(input: &InputDefinition, locale: &Locale) -> String {
    let text = |text: &MultiLanguage| {
        let text = locale.resolve(&text.raw()).into_owned();
        if text.ends_with(['.', '!', '?']) { text } else { text + "." }
    };
    let label = input.label.as_ref().map(text);
    let help = input.help.as_ref().map(text);
    let default = match &input.default {
        Some(DefaultValue::Name(name)) => Some(format!("By default `{name}`.")),
        Some(DefaultValue::Date(limit)) => Some(format!("By default {}.", date(*limit))),
        Some(DefaultValue::Value(value)) => {
            Some(format!("By default `{}`.", value.as_str().unwrap_or(&value.to_string())))
        }
        None => None,
    };
    let parts = [label, help, explanation(input, locale), default];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn of_text(limits: &TextLimits) -> Value {
    let TextLimits { min_length, max_length, pattern, .. } = limits;
    let mut schema = json!({"type": "string", "minLength": min_length, "maxLength": max_length});
    match pattern {
        Some(pattern) => schema["pattern"] = pattern.anchored().into(),
        None => schema["example"] = example(TEXT, *min_length, *max_length).into(),
    }
    schema
}

/// What the schema of a type cannot say.
fn explanation(input: &InputDefinition, locale: &Locale) -> Option<String> {
    let sentence = match &input.input_type {
        InputType::Text(TextLimits { is_multiline: false, .. }) => "In one line.".to_owned(),
        InputType::Date { not_before, not_after } => {
            let limits = [("not before", not_before), ("not after", not_after)];
            let limits = limits.into_iter().filter_map(|(word, limit)| Some(format!("{word} {}", date((*limit)?))));
            let limits: Vec<_> = limits.collect();
            if limits.is_empty() {
                return None;
            }
            format!("A date {}.", limits.join(" and "))
        }
        InputType::Choice(choices) => {
            let label = |choice: &Choice| {
                let label = locale.resolve(&choice.label.raw()).into_owned();
                (label != choice.value).then(|| format!("`{}`: {label}", choice.value))
            };
            let labels: Vec<_> = choices.iter().filter_map(label).collect();
            if labels.is_empty() {
                return None;
            }
            labels.join("; ") + "."
        }
        InputType::User => "The id of an active user.".to_owned(),
        InputType::Group => "The id of a group.".to_owned(),
        InputType::Role => "The id of a role that does not outrank the caller's.".to_owned(),
        InputType::Secret { .. } => "It is neither stored nor shown.".to_owned(),
        InputType::Text(_) | InputType::Integer { .. } | InputType::Boolean | InputType::Email => return None,
    };
    Some(sentence)
}

/// A date in words that stay true.
fn date(limit: DateLimit) -> String {
    match limit {
        DateLimit::On(date) => date.to_string(),
        DateLimit::DaysFromToday(0) => "today (UTC)".to_owned(),
        DateLimit::DaysFromToday(days) if days < 0 => format!("{} days before today (UTC)", days.unsigned_abs()),
        DateLimit::DaysFromToday(days) => format!("{days} days after today (UTC)"),
    }
}

/// A text of a length that the limits allow.
fn example(text: &str, min_length: usize, max_length: usize) -> String {
    let length = text.chars().count().clamp(min_length, max_length);
    text.chars().cycle().take(length).collect()
}
