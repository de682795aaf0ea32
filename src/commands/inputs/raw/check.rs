//! Checks the inputs of a definition: limits that belong to the type and leave values, and defaults within them.

use serde_json::Value;

use super::{
    super::{
        definition::{DefaultValue, InputDefinition, InputDefinitions},
        input_type::{
            Choice, DateLimit, InputType, LINE_LENGTH, MAX_INTEGER, MAX_LENGTH, MULTILINE_LENGTH, TextLimits, date,
        },
        pattern::Pattern,
    },
    InputName, MAX_CHOICES, MAX_INPUTS, RawChoices, RawInput, RawInputs, RawValue, TypeName,
};
use crate::{
    clock,
    commands::document::{DefinitionProblem, Located, Position},
};

/// A part of an input, or its first problem.
type Checked<T> = Result<T, DefinitionProblem>;

fn problem<T>(at: Option<Position>, text: impl Into<String>) -> Checked<T> {
    Err(DefinitionProblem { at, text: text.into() })
}

impl RawInputs {
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
