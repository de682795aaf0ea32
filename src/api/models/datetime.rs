//! Dates in bodies. They are written and read in the time zone of the request.

use std::borrow::Cow;

use chrono::{Datelike, Utc};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

use crate::localization::{Clock, Zone};

tokio::task_local! {
    // `ToJSON` and `ParseFromJSON` have no context argument, so the clock of the request is passed as a task-local.
    static CLOCK: Clock;
}

/// A point in time, or never. It is written in the time zone of the request (docs/upstream.md §5.5).
///
/// Creation and update times are always in UTC: see [`UtcDateTime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalDateTime(pub Option<chrono::DateTime<Utc>>);

/// Runs `work` with this clock for all dates that it reads or writes.
pub fn with_the_clock<F: Future>(clock: Clock, work: F) -> impl Future<Output = F::Output> {
    CLOCK.scope(clock, work)
}

/// The current clock, to be kept for work on another task.
pub fn current_clock() -> Clock {
    with_clock(Clock::clone)
}

/// The synchronous form of [`with_the_clock`].
pub fn by_the_clock<T>(clock: &Clock, work: impl FnOnce() -> T) -> T {
    CLOCK.sync_scope(clock.clone(), work)
}

/// Outside of a request, such as for the document's examples, the clock is UTC.
fn with_clock<T>(work: impl Fn(&Clock) -> T) -> T {
    CLOCK.try_with(&work).unwrap_or_else(|_| work(&Clock::of(Zone::utc())))
}

impl Type for LocalDateTime {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        // Not the format `date-time`, which requires a UTC offset.
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for LocalDateTime {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(with_clock(|clock| clock.write(self.0))))
    }
}

/// Null, an empty string and any time in year 1 mean never.
impl ParseFromJSON for LocalDateTime {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let invalid =
            |value: &Value| ParseError::custom(format!("{value} is not a date such as \"2026-11-23T14:52:00\""));
        match value {
            None | Some(Value::Null) => Ok(Self(None)),
            Some(Value::String(text)) if text.is_empty() => Ok(Self(None)),
            Some(Value::String(text)) => {
                let time = with_clock(|clock| clock.read(&text)).ok_or_else(|| invalid(&Value::String(text)))?;
                Ok(Self(Some(time).filter(|time| time.year() > 1)))
            }
            Some(other) => Err(invalid(&other)),
        }
    }
}

/// A creation or update time, or never. It is always in UTC, as in upstream's API (docs/upstream.md §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcDateTime(pub Option<chrono::DateTime<Utc>>);

impl Type for UtcDateTime {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "UtcDateTime".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        LocalDateTime::schema_ref()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for UtcDateTime {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(format!("{}Z", Clock::of(Zone::utc()).write(self.0))))
    }
}

impl ParseFromJSON for UtcDateTime {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        by_the_clock(&Clock::of(Zone::utc()), || LocalDateTime::parse_from_json(value))
            .map(|LocalDateTime(time)| Self(time))
            .map_err(ParseError::propagate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_and_read_by_the_current_clock() {
        let oslo = Clock::new("NO,includeTZOffset", &Zone::utc()).expect("a clock");
        let noon = LocalDateTime("2026-07-01T12:00:00Z".parse().ok());
        for (date, by_default, in_oslo) in [
            (noon, "2026-07-01T12:00:00", "2026-07-01T14:00:00+02:00"),
            (LocalDateTime(None), "0001-01-01T00:00:00", "0001-01-01T01:00:00+01:00"),
        ] {
            assert_eq!(date.to_json(), Some(by_default.into()));
            assert_eq!(LocalDateTime::parse_from_json(Some(by_default.into())).ok(), Some(date));
            by_the_clock(&oslo, || {
                assert_eq!(date.to_json(), Some(in_oslo.into()));
                assert_eq!(LocalDateTime::parse_from_json(Some(in_oslo.into())).ok(), Some(date));
            });
        }
        assert_eq!(LocalDateTime::parse_from_json(None).ok(), Some(LocalDateTime(None)));
        assert!(LocalDateTime::parse_from_json(Some(7.into())).is_err());
        assert!(LocalDateTime::parse_from_json(Some("soon".into())).is_err());
    }
}
