//! Parses upstream's encoded values in strings, such as `[F:4.43]` and `[D:05/31/2024 14:24:23]`
//! (docs/upstream.md §5.4).

use base64::{Engine, engine::general_purpose::STANDARD};
use icu_decimal::input::Decimal;
use jiff::civil::{Date, DateTime, Time};

/// Maximum length of a number, in characters.
const MAX_NUMBER: usize = 40;

/// Formats of dates: those of the invariant culture, and ISO 8601.
const MOMENTS: [&str; 4] = ["%m/%d/%Y %H:%M:%S%.f", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d"];

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoded {
    /// A whole number, or an array of whole numbers.
    Integers(Vec<i64>),
    /// A number or an amount of money, with all its digits.
    Number(Decimal),
    Date(Date),
    DateTime(DateTime),
    Time(Time),
    /// A time span, in seconds.
    Span(i64),
    /// Bytes in Base64.
    Bytes(String),
}

impl Encoded {
    /// Parses the text between the brackets.
    pub fn read(inner: &str) -> Option<Self> {
        let (marker, value) = inner.split_once(':')?;
        let value = value.trim();
        match marker {
            "I" => Some(Self::Integers(vec![value.parse().ok()?])),
            "A" => {
                let items = value.split(',').map(|item| item.trim().parse());
                items.collect::<Result<_, _>>().ok().map(Self::Integers)
            }
            "F" | "M" => number(value).map(Self::Number),
            "D" => moment(value).map(|moment| Self::Date(moment.date())),
            "DT" => moment(value).map(Self::DateTime),
            "T" => moment(value).map(|moment| Self::Time(moment.time())),
            "TS" => value.parse().ok().map(Self::Span),
            "B" => STANDARD.decode(value).is_ok().then(|| Self::Bytes(value.to_owned())),
            _ => None,
        }
    }
}

/// The values of a text as plain texts: `[A:3,4]` has two, `3` and `4`; dates are as in ISO 8601. A text that is not an
/// encoded number or date is its own value.
pub fn plain_values(text: &str) -> Vec<String> {
    let encoded = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(Encoded::read);
    match encoded {
        Some(Encoded::Integers(numbers)) => numbers.iter().map(ToString::to_string).collect(),
        Some(Encoded::Date(date)) => vec![date.to_string()],
        Some(Encoded::DateTime(time)) => vec![time.to_string()],
        _ => vec![text.to_owned()],
    }
}

fn number(value: &str) -> Option<Decimal> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    (is_plain && value.len() <= MAX_NUMBER).then(|| Decimal::try_from_str(value).ok()).flatten()
}

fn moment(value: &str) -> Option<DateTime> {
    let read = |form: &str| {
        let parts = jiff::fmt::strtime::parse(form, value).ok()?;
        let date = parts.to_date().ok().filter(|date| date.year() >= 1)?;
        Some(date.to_datetime(parts.to_time().unwrap_or(Time::midnight())))
    };
    MOMENTS.into_iter().find_map(read)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn dates_are_read_in_both_formats() {
        let day = date(2019, 6, 19);
        for text in ["D:06/19/2019", "D:06/19/2019 00:00:00.0000000", "D:2019-06-19", "D:2019-06-19T00:00:00"] {
            assert_eq!(Encoded::read(text), Some(Encoded::Date(day)), "{text}");
        }
        let moment = date(2024, 5, 31).at(14, 24, 23, 0);
        assert_eq!(Encoded::read("DT:05/31/2024 14:24:23"), Some(Encoded::DateTime(moment)));
        assert_eq!(Encoded::read("T:06/19/2019 14:35:56.00000"), Some(Encoded::Time(time(14, 35, 56, 0))));
    }

    #[test]
    fn other_values_are_read() {
        assert_eq!(Encoded::read("A:3,4,-5"), Some(Encoded::Integers(vec![3, 4, -5])));
        assert_eq!(Encoded::read("TS:500"), Some(Encoded::Span(500)));
        assert_eq!(Encoded::read("B:AQID"), Some(Encoded::Bytes("AQID".to_owned())));
    }

    #[test]
    fn a_text_has_plain_values() {
        let values = ["[I:4]", "[A:3,4]", "[D:01/02/2026]", "[DT:01/02/2026 03:04:05]", "[x]", "4"].map(plain_values);
        assert_eq!(values.concat(), ["4", "3", "4", "2026-01-02", "2026-01-02T03:04:05", "[x]", "4"]);
    }

    #[test]
    fn an_invalid_value_is_none() {
        for text in [
            "I:x",
            "I:",
            "A:1,,2",
            "F:1e30",
            "F:1,5",
            "F:.",
            "D:19/06/2019",
            "D:09.11.2017",
            "DT:2019",
            "T:later",
            "D:02/30/2019",
            "TS:1.5",
            "B:?",
            "Q:1",
            "I",
            "D:01/01/0000",
            "d:06/19/2019",
        ] {
            assert_eq!(Encoded::read(text), None, "{text}");
        }
        assert_eq!(Encoded::read(&format!("F:{}", "1".repeat(MAX_NUMBER + 1))), None);
    }
}
