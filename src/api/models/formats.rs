//! Times and ids in responses outside upstream's API. Their schemas have a format, so that generated clients use proper
//! types instead of strings.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

/// A point in time in UTC (RFC 3339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rfc3339(pub String);

/// A UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UuidString(pub String);

impl From<DateTime<Utc>> for Rfc3339 {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl From<uuid::Uuid> for UuidString {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

macro_rules! text {
    ($type:ident, $format:literal) => {
        impl Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                concat!("string_", $format).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", $format)))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                Some(Value::String(self.0.clone()))
            }
        }

        impl ParseFromJSON for $type {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                String::parse_from_json(value).map(Self).map_err(ParseError::propagate)
            }
        }
    };
}

text!(Rfc3339, "date-time");
text!(UuidString, "uuid");
