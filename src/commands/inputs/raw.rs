//! Reads the inputs of a definition from its file.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{
    definition::{DefaultValue, InputDefinition, InputDefinitions},
    input_type::{
        Choice, DateLimit, InputType, LINE_LENGTH, MAX_INTEGER, MAX_LENGTH, MULTILINE_LENGTH, TextLimits, date,
    },
    pattern::Pattern,
};
use crate::{
    clock,
    commands::{
        document::{DefinitionProblem, Located, Position},
        predicate::NameKind,
    },
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

/// A part of an input, or its first problem.
type Checked<T> = Result<T, DefinitionProblem>;

fn problem<T>(at: Option<Position>, text: impl Into<String>) -> Checked<T> {
    Err(DefinitionProblem { at, text: text.into() })
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

    /// Checks each input.
    ///
    /// # Errors
    /// The first problem of each input.
    pub fn check(self) -> Result<InputDefinitions, Vec<DefinitionProblem>> {
        let Self(raw) = self;
        let (mut inputs, mut problems) = (Vec::<InputDefinition>::new(), Vec::new());
        if let Some((_, one)) = raw.get(MAX_INPUTS) {
            let text = format!("a command has at most {MAX_INPUTS} inputs");
            return Err(vec![DefinitionProblem { at: one.at, text }]);
        }
        for (InputName(name), Located { value, at }) in raw {
            // Generators of clients make one identifier of such names.
            if let Some(known) = inputs.iter().find(|known| folded(&known.name) == folded(&name)) {
                let text = format!("the inputs `{}` and `{name}` differ in case and `_` only; rename one", known.name);
                problems.push(DefinitionProblem { at, text });
                continue;
            }
            match value.check(name, at) {
                Ok(input) => inputs.push(input),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(InputDefinitions::new(inputs)) } else { Err(problems) }
    }
}

impl RawInput {
    fn check(self, name: String, at: Option<Position>) -> Checked<InputDefinition> {
        self.check_limits()?;
        let input_type = self.input_type(at)?;
        let default = self.default.as_ref().map(|default| self.check_default(&input_type, default)).transpose()?;
        if default.is_some() && self.required == Some(true) {
            return problem(at, "an input with a `default` is never missing: remove `required` or `default`");
        }
        let is_required = self.required.unwrap_or(default.is_none());
        Ok(InputDefinition { name, input_type, label: self.label, help: self.help, is_required, default })
    }

    /// Checks that the type takes every limit that is given.
    fn check_limits(&self) -> Checked<()> {
        fn at<T>(limit: &Option<Located<T>>) -> Option<Option<Position>> {
            limit.as_ref().map(|limit| limit.at)
        }
        let given = [
            ("min_length", at(&self.min_length)),
            ("max_length", at(&self.max_length)),
            ("pattern", at(&self.pattern)),
            ("multiline", at(&self.multiline)),
            ("min", at(&self.min)),
            ("max", at(&self.max)),
            ("not_before", at(&self.not_before)),
            ("not_after", at(&self.not_after)),
            ("values", at(&self.values)),
        ];
        let (word, limits) = (self.r#type.word(), self.r#type.limits());
        let foreign = given.into_iter().find(|(name, at)| at.is_some() && !limits.contains(name));
        match foreign {
            None => Ok(()),
            Some((name, at)) => {
                let taken = if limits.is_empty() { "no limits".to_owned() } else { limits.join(", ") };
                problem(at.flatten(), format!("`{name}` is no limit of the type {word}, which takes {taken}"))
            }
        }
    }

    fn input_type(&self, at: Option<Position>) -> Checked<InputType> {
        Ok(match self.r#type {
            TypeName::Text => {
                let is_multiline = self.multiline.as_ref().is_some_and(|multiline| multiline.value);
                let longest = if is_multiline { MULTILINE_LENGTH } else { LINE_LENGTH };
                let (min_length, max_length) = self.lengths(longest)?;
                let pattern = match &self.pattern {
                    Some(pattern) if is_multiline => {
                        return problem(
                            pattern.at,
                            "`pattern` is for a text of one line: remove `multiline` or `pattern`",
                        );
                    }
                    Some(Located { value, at }) => match Pattern::new(value) {
                        Ok(pattern) => Some(pattern),
                        Err(error) => return problem(*at, error),
                    },
                    None => None,
                };
                InputType::Text(TextLimits { min_length, max_length, pattern, is_multiline })
            }
            TypeName::Secret => {
                let (min_length, max_length) = self.lengths(LINE_LENGTH)?;
                InputType::Secret { min_length, max_length }
            }
            TypeName::Integer => {
                let value = |limit: &Option<Located<i64>>, other| limit.as_ref().map_or(other, |limit| limit.value);
                let (min, max) = (value(&self.min, -MAX_INTEGER), value(&self.max, MAX_INTEGER));
                let limit = self.max.as_ref().or(self.min.as_ref()).and_then(|limit| limit.at);
                if min < -MAX_INTEGER || max > MAX_INTEGER {
                    return problem(limit, format!("`min` and `max` are at most {MAX_INTEGER}, with either sign"));
                }
                if min > max {
                    return problem(limit, format!("`min` {min} is greater than `max` {max}"));
                }
                InputType::Integer { min, max }
            }
            TypeName::Boolean => InputType::Boolean,
            TypeName::Date => {
                let limit = |name, limit: &Option<Located<RawValue>>| {
                    limit.as_ref().map(|limit| date_limit(name, limit)).transpose()
                };
                let not_before = limit("not_before", &self.not_before)?;
                let not_after = limit("not_after", &self.not_after)?;
                let at = self.not_after.as_ref().or(self.not_before.as_ref()).and_then(|limit| limit.at);
                if not_before.zip(not_after).is_some_and(|(first, last)| first.is_after(last) == Some(true)) {
                    return problem(at, "`not_before` is later than `not_after`");
                }
                // Otherwise the definition would be valid on one day and not on the next.
                let default = limit("default", &self.default)?;
                let all = [not_before, not_after, default].into_iter().flatten();
                let (days, dates): (Vec<_>, Vec<_>) =
                    all.partition(|limit| matches!(limit, DateLimit::DaysFromToday(_)));
                if !days.is_empty() && !dates.is_empty() {
                    let text = "write `not_before`, `not_after` and `default` all as dates, or all as days from today";
                    return problem(at, text);
                }
                InputType::Date { not_before, not_after }
            }
            TypeName::Choice => match &self.values {
                None => return problem(at, "an input of the type choice needs `values`: `values: [one, another]`"),
                Some(Located { value: RawChoices(choices), at }) => {
                    check_choices(choices).or_else(|text| problem(*at, text))?;
                    InputType::Choice(choices.clone())
                }
            },
            TypeName::User => InputType::User,
            TypeName::Group => InputType::Group,
            TypeName::Role => InputType::Role,
            TypeName::Email => InputType::Email,
        })
    }

    fn lengths(&self, longest: usize) -> Checked<(usize, usize)> {
        let length = |limit: &Option<Located<u32>>, other| limit.as_ref().map_or(other, |limit| limit.value as usize);
        let min = length(&self.min_length, 1);
        let max = length(&self.max_length, longest);
        let at = self.max_length.as_ref().or(self.min_length.as_ref()).and_then(|limit| limit.at);
        match () {
            () if max > MAX_LENGTH => problem(at, format!("a text has at most {MAX_LENGTH} characters")),
            () if max == 0 => problem(at, "`max_length` must be at least 1"),
            () if min > max => problem(at, format!("`min_length` {min} is greater than `max_length` {max}")),
            () => Ok((min, max)),
        }
    }

    fn check_default(&self, input_type: &InputType, default: &Located<RawValue>) -> Checked<DefaultValue> {
        let word = self.r#type.word();
        let value = match (input_type, &default.value) {
            (InputType::User | InputType::Secret { .. }, _) => {
                return problem(default.at, format!("an input of the type {word} takes no default"));
            }
            (InputType::Date { .. }, RawValue::Text(_) | RawValue::Int(_)) => {
                let limit = date_limit("default", default)?;
                let today = clock::now().date_naive();
                // With limits of the same kind, the result is the same every day.
                return match input_type.parse(&limit.date(today).to_string().into(), today) {
                    Some(_) => Ok(DefaultValue::Date(limit)),
                    None => problem(default.at, "the `default` is not between `not_before` and `not_after`"),
                };
            }
            (InputType::Group | InputType::Role, RawValue::Text(name)) => return Ok(DefaultValue::Name(name.clone())),
            (InputType::Group | InputType::Role, _) => {
                return problem(default.at, format!("the default of a {word} is its name"));
            }
            (InputType::Integer { .. }, RawValue::Text(_)) => {
                return problem(default.at, "the `default` is a number: remove its quotes");
            }
            (InputType::Boolean, RawValue::Text(_)) => {
                return problem(default.at, "the `default` is true or false, without quotes");
            }
            (InputType::Choice(_), RawValue::Bool(_) | RawValue::Int(_)) => {
                return problem(
                    default.at,
                    "put quotes around this `default`: numbers, and words such as `no` and `yes`",
                );
            }
            (_, RawValue::Bool(value)) => Value::from(*value),
            (_, RawValue::Int(number)) => Value::from(*number),
            (_, RawValue::Text(text)) => Value::from(text.as_str()),
        };
        let today = clock::now().date_naive();
        match input_type.parse(&value, today) {
            Some(_) => Ok(DefaultValue::Value(value)),
            None => {
                problem(default.at, format!("the input {}, and its default is another value", input_type.takes(today)))
            }
        }
    }
}

fn date_limit(name: &str, limit: &Located<RawValue>) -> Checked<DateLimit> {
    let read = match &limit.value {
        RawValue::Text(text) => date(text).map(DateLimit::On),
        RawValue::Int(days) => {
            i32::try_from(*days).ok().filter(|days| days.abs() < 40_000).map(DateLimit::DaysFromToday)
        }
        RawValue::Bool(_) => None,
    };
    match read {
        Some(limit) => Ok(limit),
        None => problem(limit.at, format!("`{name}` is a date such as 2026-12-31, or a number of days from today")),
    }
}

/// A name without what generators of clients ignore or replace in names.
fn folded(name: &str) -> String {
    name.to_lowercase().replace(['_', '-', ' '], "")
}

fn check_choices(choices: &[Choice]) -> Result<(), String> {
    if choices.is_empty() || choices.len() > MAX_CHOICES {
        return Err(format!("`values` has 1 to {MAX_CHOICES} values"));
    }
    for (index, Choice { value, .. }) in choices.iter().enumerate() {
        if value.trim().is_empty() || value.chars().any(char::is_control) || value.chars().count() > LINE_LENGTH {
            return Err(format!("a value of a choice is a text with 1 to {LINE_LENGTH} characters in one line"));
        }
        if choices[..index].iter().any(|known| known.value == *value) {
            return Err(format!("`values` has {value} twice"));
        }
        if let Some(known) = choices[..index].iter().find(|known| folded(&known.value) == folded(value)) {
            return Err(format!("the values {} and {value} are too alike; rename one", known.value));
        }
    }
    Ok(())
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
