//! How single values travel.

use std::borrow::Cow;

use chrono::{Datelike, Utc};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

use crate::localization::{Clock, Zone};

tokio::task_local! {
    // Writing a carrier takes no arguments, and whoever reads it stands outside of it: the clock is lent for that while.
    static CLOCK: Clock;
}

/// A point in time in a carrier, or never. It is written by the reader's clock (contract §5.5).
///
/// Upstream writes when something was created or updated in UTC, whoever reads it: that is [`UtcDateTime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Option<chrono::DateTime<Utc>>);

/// What `work` comes to, with all dates that are read or written on the way by this clock.
pub fn with_the_clock<F: Future>(clock: Clock, work: F) -> impl Future<Output = F::Output> {
    CLOCK.scope(clock, work)
}

/// The clock by which dates are read and written now, for work that goes on elsewhere.
pub fn current_clock() -> Clock {
    with_clock(Clock::clone)
}

/// What `work` makes of a carrier, with its dates by this clock.
pub fn by_the_clock<T>(clock: &Clock, work: impl FnOnce() -> T) -> T {
    CLOCK.sync_scope(clock.clone(), work)
}

/// Outside of a request, such as in the document's examples, the clock is that of an installation as it comes.
fn with_clock<T>(work: impl Fn(&Clock) -> T) -> T {
    CLOCK.try_with(&work).unwrap_or_else(|_| work(&Clock::of(Zone::utc())))
}

impl Type for DateTime {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        // Without the format `date-time`, which must have a suffix.
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for DateTime {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(with_clock(|clock| clock.write(self.0))))
    }
}

/// Read as it is written. Null, nothing and any time of year 1 are never.
impl ParseFromJSON for DateTime {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let unfit = |value: &Value| ParseError::custom(format!("{value} is no date such as \"2026-11-23T14:52:00\""));
        match value {
            None | Some(Value::Null) => Ok(Self(None)),
            Some(Value::String(text)) if text.is_empty() => Ok(Self(None)),
            Some(Value::String(text)) => {
                let read = with_clock(|clock| clock.read(&text)).ok_or_else(|| unfit(&Value::String(text)))?;
                Ok(Self(Some(read).filter(|time| time.year() > 1)))
            }
            Some(other) => Err(unfit(&other)),
        }
    }
}

/// When something was created or updated, or never: in UTC, whoever reads it (contract §5.5).
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
        DateTime::schema_ref()
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
        by_the_clock(&Clock::of(Zone::utc()), || DateTime::parse_from_json(value))
            .map(|DateTime(time)| Self(time))
            .map_err(ParseError::propagate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_and_read_by_the_clock_it_is_given() {
        let oslo = Clock::new("NO,includeTZOffset", &Zone::utc()).expect("a clock");
        let noon = DateTime("2026-07-01T12:00:00Z".parse().ok());
        for (date, by_default, in_oslo) in [
            (noon, "2026-07-01T12:00:00", "2026-07-01T14:00:00+02:00"),
            (DateTime(None), "0001-01-01T00:00:00", "0001-01-01T01:00:00+01:00"),
        ] {
            assert_eq!(date.to_json(), Some(by_default.into()));
            assert_eq!(DateTime::parse_from_json(Some(by_default.into())).ok(), Some(date));
            by_the_clock(&oslo, || {
                assert_eq!(date.to_json(), Some(in_oslo.into()));
                assert_eq!(DateTime::parse_from_json(Some(in_oslo.into())).ok(), Some(date));
            });
        }
        assert_eq!(DateTime::parse_from_json(None).ok(), Some(DateTime(None)));
        assert!(DateTime::parse_from_json(Some(7.into())).is_err());
        assert!(DateTime::parse_from_json(Some("soon".into())).is_err());
    }
}
