//! Reads the inputs of a definition from its file.

mod check;

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::input_type::Choice;
use crate::{
    commands::{document::Located, predicate::NameKind},
    localization::MultiLanguage,
};

/// Maximum number of inputs of a command.
const MAX_INPUTS: usize = 30;
/// Maximum number of values of a choice.
const MAX_CHOICES: usize = 200;
const MAX_INPUT_NAME: usize = 64;

/// The inputs as written in the file, in their order.
#[derive(Debug, Default)]
pub struct RawInputs(Vec<(InputName, Located<RawInput>)>);

/// The name of an input: a letter, then letters, digits and `_`, at most 64 characters.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct InputName(String);

/// An input: a value that the caller gives with a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawInput {
    r#type: TypeName,
    /// The label of its field in a form. Without one, forms show the name.
    label: Option<MultiLanguage>,
    /// A sentence that helps to fill the field.
    help: Option<MultiLanguage>,
    /// Whether a run needs a value. By default, it does unless the input has a default.
    required: Option<bool>,
    /// The value of an input that is left out. For a date also a number of days from today. For a group or role, its
    /// name. Users and secrets have no default.
    #[schemars(with = "Option<RawValue>")]
    default: Option<Located<RawValue>>,
    /// Minimum number of characters of a text or secret; 1 by default.
    #[schemars(with = "Option<u32>")]
    min_length: Option<Located<u32>>,
    /// Maximum number of characters of a text or secret, at most 10000; by default 254, and 2000 for several lines.
    #[schemars(with = "Option<u32>")]
    max_length: Option<Located<u32>>,
    /// A pattern that the whole text must match: characters, `.`, classes such as `[A-Z]`, groups, `|` and repetitions.
    #[schemars(with = "Option<String>")]
    pattern: Option<Located<String>>,
    /// Whether a text may have several lines.
    #[schemars(with = "Option<bool>")]
    multiline: Option<Located<bool>>,
    /// The smallest integer.
    #[schemars(with = "Option<i64>")]
    min: Option<Located<i64>>,
    /// The largest integer.
    #[schemars(with = "Option<i64>")]
    max: Option<Located<i64>>,
    /// The first date: `2026-12-31`, or a number of days from today.
    #[schemars(with = "Option<RawValue>")]
    not_before: Option<Located<RawValue>>,
    /// The last date: `2026-12-31`, or a number of days from today.
    #[schemars(with = "Option<RawValue>")]
    not_after: Option<Located<RawValue>>,
    /// The values of a choice: a list, or a map from values to labels.
    #[schemars(with = "Option<RawChoices>")]
    values: Option<Located<RawChoices>>,
}

/// The type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TypeName {
    /// A text of one line or several.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A date.
    Date,
    /// One of some values.
    Choice,
    /// An active user.
    User,
    /// A group.
    Group,
    /// A role, not above that of the caller.
    Role,
    /// An e-mail address.
    Email,
    /// A text that is not stored or shown anywhere.
    Secret,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text, a whole number, or true or false")]
enum RawValue {
    Bool(bool),
    Int(i64),
    Text(String),
}

/// The values of a choice with their labels.
#[derive(Debug)]
struct RawChoices(Vec<Choice>);

impl TryFrom<String> for InputName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let starts_with_letter = name.starts_with(|first: char| first.is_ascii_alphabetic());
        let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if starts_with_letter && name.len() <= MAX_INPUT_NAME && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(format!("`{name}` is not a name of an input: it is a letter, then letters, digits or `_`, 64 at most"))
        }
    }
}

impl TypeName {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Choice => "choice",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Email => "email",
            Self::Secret => "secret",
        }
    }

    /// The limits that the type takes.
    fn limits(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["min_length", "max_length", "pattern", "multiline"],
            Self::Secret => &["min_length", "max_length"],
            Self::Integer => &["min", "max"],
            Self::Date => &["not_before", "not_after"],
            Self::Choice => &["values"],
            Self::Boolean | Self::User | Self::Group | Self::Role | Self::Email => &[],
        }
    }
}

impl RawInputs {
    /// The defaults that name roles and groups.
    pub fn names(&self) -> impl Iterator<Item = (NameKind, Located<String>)> {
        self.0.iter().filter_map(|(_, Located { value: input, .. })| {
            let kind = match input.r#type {
                TypeName::Role => NameKind::Role,
                TypeName::Group => NameKind::Group,
                _ => return None,
            };
            let default = input.default.as_ref()?;
            let RawValue::Text(name) = &default.value else { return None };
            Some((kind, Located { value: name.clone(), at: default.at }))
        })
    }
}

impl<'de> Deserialize<'de> for RawInputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inputs;

        impl<'de> Visitor<'de> for Inputs {
            type Value = RawInputs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of inputs such as {reason: {type: text}}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawInputs, A::Error> {
                let mut inputs = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    inputs.push(entry);
                }
                Ok(RawInputs(inputs))
            }
        }

        deserializer.deserialize_map(Inputs)
    }
}

impl<'de> Deserialize<'de> for RawChoices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choices;

        impl<'de> Visitor<'de> for Choices {
            type Value = RawChoices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list such as [full, part], or a map such as {full: Full time, part: Part time}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawChoices, A::Error> {
                let mut choices = Vec::new();
                while let Some(value) = list.next_element::<String>()? {
                    choices.push(Choice { label: MultiLanguage::Plain(value.clone()), value });
                }
                Ok(RawChoices(choices))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawChoices, A::Error> {
                let mut choices = Vec::new();
                while let Some((value, label)) = map.next_entry()? {
                    choices.push(Choice { value, label });
                }
                Ok(RawChoices(choices))
            }
        }

        deserializer.deserialize_any(Choices)
    }
}

impl JsonSchema for RawInputs {
    fn schema_name() -> Cow<'static, str> {
        "Inputs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let input = generator.subschema_for::<RawInput>();
        let name = format!("^[A-Za-z][A-Za-z0-9_]{{0,{}}}$", MAX_INPUT_NAME - 1);
        json_schema!({
            "type": "object",
            "maxProperties": MAX_INPUTS,
            "propertyNames": {"pattern": name},
            "additionalProperties": input,
        })
    }
}

impl JsonSchema for RawChoices {
    fn schema_name() -> Cow<'static, str> {
        "Choices".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let label = generator.subschema_for::<MultiLanguage>();
        json_schema!({
            "description": "The values of a choice: a list, or a map from values to labels.",
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_CHOICES},
                {"type": "object", "additionalProperties": label, "minProperties": 1, "maxProperties": MAX_CHOICES}
            ]
        })
    }
}
