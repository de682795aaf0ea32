//! The types of inputs with their limits, and what they take.

use chrono::{Days, NaiveDate};
use secrecy::SecretString;
use serde_json::Value;

use super::pattern::Pattern;
use crate::localization::MultiLanguage;

/// Maximum length of any text, in characters.
pub const MAX_LENGTH: usize = 10_000;
/// Maximum length of a text of one line, unless the definition says otherwise.
pub const LINE_LENGTH: usize = 254;
/// Maximum length of a text of several lines, unless the definition says otherwise.
pub const MULTILINE_LENGTH: usize = 2_000;
/// Maximum length of an e-mail address, in characters.
pub const EMAIL_LENGTH: usize = 254;
/// Values of a choice that an error lists.
const SHOWN_CHOICES: usize = 10;
/// The largest integer that every client can read exactly: 2^53 − 1.
pub const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// The type of an input.
#[derive(Clone, Debug)]
pub enum InputType {
    Text(TextLimits),
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Date {
        not_before: Option<DateLimit>,
        not_after: Option<DateLimit>,
    },
    /// One of these values.
    Choice(Vec<Choice>),
    /// An active user that the caller may see.
    User,
    /// A group that is not deleted.
    Group,
    /// A role that does not outrank the caller's.
    Role,
    Email,
    /// A text that is neither stored nor shown.
    Secret {
        min_length: usize,
        max_length: usize,
    },
}

/// The limits of a text, in characters.
#[derive(Clone, Debug)]
pub struct TextLimits {
    pub min_length: usize,
    pub max_length: usize,
    pub pattern: Option<Pattern>,
    pub is_multiline: bool,
}

/// A value of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: MultiLanguage,
}

/// A limit of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateLimit {
    On(NaiveDate),
    /// Negative for days before today. Today is that of UTC.
    DaysFromToday(i32),
}

impl DateLimit {
    /// Whether this limit is after another one of its kind; `None` if one is a date and the other depends on the day.
    pub fn is_after(self, other: Self) -> Option<bool> {
        match (self, other) {
            (Self::On(one), Self::On(other)) => Some(one > other),
            (Self::DaysFromToday(one), Self::DaysFromToday(other)) => Some(one > other),
            _ => None,
        }
    }

    /// The date, if today is this day.
    pub fn date(self, today: NaiveDate) -> NaiveDate {
        match self {
            Self::On(date) => date,
            Self::DaysFromToday(days) => {
                let distance = Days::new(days.unsigned_abs().into());
                let date = if days < 0 { today.checked_sub_days(distance) } else { today.checked_add_days(distance) };
                date.unwrap_or(today)
            }
        }
    }
}

/// A value of the right form. Users, groups and roles are not looked up yet.
pub enum Parsed {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Date(NaiveDate),
    Choice(Choice),
    Id(i32),
    Name(String),
    Secret(SecretString),
}

impl InputType {
    /// The name in a definition.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::Date { .. } => "date",
            Self::Choice(_) => "choice",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Email => "email",
            Self::Secret { .. } => "secret",
        }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    /// The longest text that the type takes, in characters; `None` if it takes no text.
    pub fn max_length(&self) -> Option<usize> {
        match self {
            Self::Text(limits) => Some(limits.max_length),
            Self::Email => Some(EMAIL_LENGTH),
            Self::Secret { max_length, .. } => Some(*max_length),
            Self::Choice(choices) => choices.iter().map(|choice| choice.value.chars().count()).max(),
            _ => None,
        }
    }

    /// Reads a value as JSON, or as the text of one. `None` if the type does not take it.
    pub fn parse(&self, value: &Value, today: NaiveDate) -> Option<Parsed> {
        match self {
            Self::Text(limits) => limits.take(value.as_str()?).map(Parsed::Text),
            Self::Integer { min, max } => {
                let number = integer(value).filter(|number| (*min..=*max).contains(number));
                number.map(Parsed::Integer)
            }
            Self::Boolean => boolean(value).map(Parsed::Boolean),
            Self::Date { not_before, not_after } => {
                let date = date(value.as_str()?)?;
                let is_late_enough = not_before.is_none_or(|limit| limit.date(today) <= date);
                let is_early_enough = not_after.is_none_or(|limit| date <= limit.date(today));
                (is_late_enough && is_early_enough).then_some(Parsed::Date(date))
            }
            Self::Choice(choices) => {
                let text = value.as_str()?;
                choices.iter().find(|choice| choice.value == text).cloned().map(Parsed::Choice)
            }
            Self::User | Self::Group | Self::Role => match (integer(value), value.as_str()) {
                (Some(id), _) => i32::try_from(id).ok().map(Parsed::Id),
                (None, Some(name)) if !name.trim().is_empty() && name.chars().nth(LINE_LENGTH).is_none() => {
                    Some(Parsed::Name(name.trim().to_owned()))
                }
                _ => None,
            },
            Self::Email => value.as_str().filter(|text| is_email(text)).map(|text| Parsed::Text(text.to_owned())),
            Self::Secret { min_length, max_length } => {
                let text = value.as_str().filter(|text| is_line(text))?;
                let is_fitting = (*min_length..=*max_length).contains(&text.chars().count());
                is_fitting.then(|| Parsed::Secret(text.into()))
            }
        }
    }

    /// What the type takes, as the end of a sentence that begins with the name of the input.
    pub fn takes(&self, today: NaiveDate) -> String {
        match self {
            Self::Text(limits) => limits.takes(),
            Self::Integer { min, max } => format!("takes an integer from {min} to {max}"),
            Self::Boolean => "takes true or false".to_owned(),
            Self::Date { not_before, not_after } => {
                let limits = [("not before", not_before), ("not after", not_after)];
                let limits = limits.into_iter().filter_map(|(word, limit)| limit.map(|limit| (word, limit)));
                let limits = limits.map(|(word, limit)| format!(", {word} {}", limit.date(today)));
                format!("takes a date as YYYY-MM-DD{}", limits.collect::<String>())
            }
            Self::Choice(choices) => {
                let shown = choices.iter().take(SHOWN_CHOICES).map(|choice| choice.value.as_str()).collect::<Vec<_>>();
                let more = choices.len().saturating_sub(SHOWN_CHOICES);
                let more = if more > 0 { format!(", or {more} others") } else { String::new() };
                format!("takes one of {}{more}", shown.join(", "))
            }
            Self::User => "takes the id or name of an active user that you may see".to_owned(),
            Self::Group => "takes the id or name of a group".to_owned(),
            Self::Role => "takes the id or name of a role".to_owned(),
            Self::Email => format!("takes an e-mail address with at most {EMAIL_LENGTH} characters"),
            Self::Secret { min_length, max_length } => {
                format!("takes a text with {min_length} to {max_length} characters")
            }
        }
    }
}

impl TextLimits {
    fn take(&self, text: &str) -> Option<String> {
        let is_control = |character: char| character.is_control() && !"\t\r\n".contains(character);
        let is_readable = || if self.is_multiline { !text.contains(is_control) } else { is_line(text) };
        let matches = || self.pattern.as_ref().is_none_or(|pattern| pattern.matches(text));
        // The length first, because it limits the work of the others.
        let is_fitting =
            text.len() <= 4 * self.max_length && (self.min_length..=self.max_length).contains(&text.chars().count());
        (is_fitting && is_readable() && matches()).then(|| text.to_owned())
    }

    fn takes(&self) -> String {
        let Self { min_length, max_length, pattern, is_multiline } = self;
        let line = if *is_multiline { "" } else { " in one line" };
        let pattern = pattern.as_ref().map(|pattern| format!(" that matches `{}`", pattern.written()));
        format!("takes a text{line} with {min_length} to {max_length} characters{}", pattern.unwrap_or_default())
    }
}

/// A text without control characters and line breaks.
fn is_line(text: &str) -> bool {
    !text.contains(|character: char| character.is_control() || "\u{2028}\u{2029}".contains(character))
}

fn is_email(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && !part.contains(['@', '\u{feff}']) && !part.contains(char::is_whitespace);
    let is_address = text.split_once('@').is_some_and(|(local, domain)| is_part(local) && is_part(domain));
    is_address && is_line(text) && text.chars().nth(EMAIL_LENGTH).is_none()
}

/// An integer, or the digits of one.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        }
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A date in the form `2026-12-31`.
pub fn date(text: &str) -> Option<NaiveDate> {
    let is_form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_form)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn takes(input_type: &InputType, value: Value) -> bool {
        input_type.parse(&value, date("2026-11-29").expect("a date")).is_some()
    }

    #[test]
    fn a_type_takes_its_values_as_json_and_as_text() {
        let text =
            |is_multiline| InputType::Text(TextLimits { min_length: 1, max_length: 3, pattern: None, is_multiline });
        let from_today = InputType::Date { not_before: Some(DateLimit::DaysFromToday(0)), not_after: None };
        let choice = Choice { value: "a".to_owned(), label: MultiLanguage::Plain("A".to_owned()) };
        for (input_type, taken, refused) in [
            (
                text(false),
                vec![json!("æøå")],
                vec![json!(""), json!("abcd"), json!("a\nb"), json!(1), json!("\u{2028}")],
            ),
            (text(true), vec![json!("a\nb")], vec![json!("a\u{0}b")]),
            (
                InputType::Integer { min: -5, max: 5 },
                vec![json!(5), json!("-5")],
                vec![json!(6), json!(1.5), json!("+1"), json!(" 1"), json!(""), json!(true)],
            ),
            (InputType::Boolean, vec![json!(true), json!("False")], vec![json!("yes"), json!(1)]),
            (
                from_today,
                vec![json!("2026-11-29"), json!("2028-02-29")],
                vec![json!("2026-11-28"), json!("2027-02-29"), json!("2026-1-1"), json!("29.11.2026"), json!(20261129)],
            ),
            (InputType::Choice(vec![choice]), vec![json!("a")], vec![json!("A"), json!("b"), json!(["a"])]),
            (InputType::Group, vec![json!(3), json!("3"), json!("Sales")], vec![json!(" "), json!(3_000_000_000_i64)]),
            (
                InputType::Email,
                vec![json!("anna@example.com")],
                vec![
                    json!("anna"),
                    json!("a@b@c"),
                    json!("@b"),
                    json!("a b@c"),
                    json!(format!("{}@b", "a".repeat(253))),
                ],
            ),
            (InputType::Secret { min_length: 4, max_length: 8 }, vec![json!("1234")], vec![json!("123"), json!(1234)]),
        ] {
            for value in taken {
                assert!(takes(&input_type, value.clone()), "{input_type:?} {value}");
            }
            for value in refused {
                assert!(!takes(&input_type, value.clone()), "{input_type:?} {value}");
            }
        }
    }
}
