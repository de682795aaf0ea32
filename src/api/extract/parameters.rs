//! Types of path, query and header parameters, with errors that name the value and what is accepted. The validators of
//! poem-openapi would answer `verification failed. maximum(1000, exclusive: false)`.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use poem::http::HeaderValue;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromParameter, ParseResult, ToHeader, ToJSON, Type},
};
use sea_orm::ActiveEnum;
use serde_json::Value;
use uuid::Uuid;

use crate::{api::models::enum_names, error::quoted, executions::execution::Outcome, users::ticket::TicketPosition};

const MAX_KEY_LENGTH: usize = 255;

/// A 32-bit integer, such as the id of a user, group or role.
#[derive(Clone, Copy, Debug)]
pub struct Int32(pub i32);

/// A number of rows.
#[derive(Clone, Copy, Debug)]
pub struct RowCount(pub u32);

/// `true` or `false`, in any case.
#[derive(Clone, Copy, Debug)]
pub struct Boolean(pub bool);

/// The value of Idempotency-Key.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(pub String);

/// The value of X-Confirmation: the token of a question.
#[derive(Clone, Debug)]
pub struct ConfirmationHeader(pub String);

/// The id of an execution.
#[derive(Clone, Copy, Debug)]
pub struct ExecutionId(pub Uuid);

/// The id of a ticket.
#[derive(Clone, Debug)]
pub struct TicketId(pub String);

/// The cursor of a page of executions: the id of the last execution on the page before.
#[derive(Clone, Copy, Debug)]
pub struct Cursor(pub Uuid);

/// The cursor of a page of webhooks: the id of the last webhook on the page before.
#[derive(Clone, Debug)]
pub struct WebhookCursor(pub String);

/// The cursor of a page of tickets: the creation time and hash of the last ticket on the page before.
#[derive(Clone, Debug)]
pub struct TicketCursor(pub TicketPosition);

/// The maximum number of items on a page.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub u32);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

const MAX_LIMIT: u32 = 1000;

impl Limit {
    /// The number of rows to fetch. The additional row shows whether there is a next page.
    pub fn plus_one(self) -> u64 {
        u64::from(self.0) + 1
    }

    /// Splits the rows found for [`Self::plus_one`] into the page and whether there is a next page.
    pub fn page_of<T>(self, mut found: Vec<T>) -> (Vec<T>, bool) {
        let has_more = found.len() > self.0 as usize;
        found.truncate(self.0 as usize);
        (found, has_more)
    }
}

/// Implements [`Type`] for a parameter with an inline schema.
macro_rules! inline_parameter {
    ($type:ty, $schema:expr) => {
        impl Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

pub(in crate::api) use inline_parameter;

/// The response header X-Command-Outcome: the outcome of an execution, for programs.
#[derive(Clone, Copy, Debug)]
pub struct CommandOutcome(pub Outcome);

/// The outcomes of a 200 response. Other outcomes are errors.
const OUTCOMES: [Outcome; 4] = [Outcome::Asked, Outcome::Declined, Outcome::Succeeded, Outcome::Failed];

inline_parameter!(
    CommandOutcome,
    MetaSchema {
        enum_items: OUTCOMES.map(|outcome| outcome.to_value().into()).to_vec(),
        example: Some(Outcome::Succeeded.to_value().into()),
        ..MetaSchema::new("string")
    }
);
inline_parameter!(Int32, MetaSchema::new_with_format("integer", "int32"));
inline_parameter!(RowCount, MetaSchema::new_with_format("integer", "uint32"));
inline_parameter!(Boolean, MetaSchema::new("boolean"));
inline_parameter!(ExecutionId, MetaSchema::new_with_format("string", "uuid"));
inline_parameter!(WebhookCursor, MetaSchema::new("string"));
inline_parameter!(TicketId, MetaSchema { pattern: Some("^[0-9a-f]{64}$".to_owned()), ..MetaSchema::new("string") });
inline_parameter!(
    ConfirmationHeader,
    MetaSchema { pattern: Some("^[0-9a-f]{64}$".to_owned()), ..MetaSchema::new("string") }
);
inline_parameter!(Cursor, MetaSchema::new("string"));
inline_parameter!(TicketCursor, MetaSchema::new("string"));
inline_parameter!(
    Limit,
    MetaSchema {
        default: Some(Limit::default().0.into()),
        minimum: Some(1.0),
        maximum: Some(f64::from(MAX_LIMIT)),
        ..MetaSchema::new_with_format("integer", "int32")
    }
);
inline_parameter!(
    IdempotencyKey,
    MetaSchema { min_length: Some(1), max_length: Some(MAX_KEY_LENGTH), ..MetaSchema::new("string") }
);

impl ToJSON for Int32 {
    fn to_json(&self) -> Option<Value> {
        self.0.to_json()
    }
}

impl ToJSON for ExecutionId {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.to_string().into())
    }
}

impl ToJSON for TicketId {
    fn to_json(&self) -> Option<Value> {
        self.0.to_json()
    }
}

impl ToHeader for CommandOutcome {
    fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0.to_value()).ok()
    }
}

impl ParseFromParameter for Int32 {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        parse_int32(value).map(Self).map_err(ParseError::custom)
    }
}

impl ParseFromParameter for RowCount {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let problem = || ParseError::custom(format!("{} is not an integer from 0 to {}", quoted(value), u32::MAX));
        value.parse().map(Self).map_err(|_| problem())
    }
}

/// Parses a 32-bit integer in decimal digits.
///
/// # Errors
/// The text is not such an integer; the error says so.
pub fn parse_int32(value: &str) -> Result<i32, String> {
    let digits = value.strip_prefix('-').unwrap_or(value).bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or_else(|| format!("{} is not a 32-bit integer", quoted(value)))
}

/// Parses `true` or `false`, in any case.
pub fn parse_bool(value: &str) -> Option<bool> {
    let known = [("true", true), ("false", false)].into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    known.map(|(_, value)| value)
}

impl ParseFromParameter for IdempotencyKey {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let is_valid = (1..=MAX_KEY_LENGTH).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
        let invalid = || ParseError::custom(format!("it takes 1 to {MAX_KEY_LENGTH} visible ASCII characters"));
        is_valid.then(|| Self(value.to_owned())).ok_or_else(invalid)
    }
}

impl ParseFromParameter for ExecutionId {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        value.parse().map(Self).map_err(|_| ParseError::custom(format!("{} is not a UUID", quoted(value))))
    }
}

impl ParseFromParameter for WebhookCursor {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let is_id = |(execution, step): (&str, &str)| execution.parse::<Uuid>().is_ok() && step.parse::<u16>().is_ok();
        let invalid = || ParseError::custom(format!("{} is not a nextCursor of an earlier page", quoted(value)));
        value.split_once('_').is_some_and(is_id).then(|| Self(value.to_owned())).ok_or_else(invalid)
    }
}

impl ParseFromParameter for TicketId {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let invalid = || ParseError::custom("it takes 64 hexadecimal digits");
        is_hash(value).then(|| Self(value.to_owned())).ok_or_else(invalid)
    }
}

impl ParseFromParameter for ConfirmationHeader {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let invalid = || ParseError::custom("it takes the 64 hexadecimal digits that came with a question");
        is_hash(value).then(|| Self(value.to_owned())).ok_or_else(invalid)
    }
}

fn is_hash(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl ParseFromParameter for Cursor {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let id = URL_SAFE_NO_PAD.decode(value).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
        let invalid = || ParseError::custom(format!("{} is not a nextCursor of an earlier page", quoted(value)));
        id.map(Self).ok_or_else(invalid)
    }
}

/// The text is the base64url of 40 bytes: eight bytes with the time in nanoseconds, then the hash.
impl TicketCursor {
    pub fn encode(&self) -> String {
        let TicketPosition { created_at, hash } = &self.0;
        let mut bytes = created_at.timestamp_nanos_opt().unwrap_or_default().to_be_bytes().to_vec();
        bytes.extend(hex::decode(hash).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, hash) = bytes.split_first_chunk()?;
        let created_at = DateTime::from_timestamp_nanos(i64::from_be_bytes(*time));
        (hash.len() == 32).then(|| Self(TicketPosition { created_at, hash: hex::encode(hash) }))
    }
}

impl ParseFromParameter for TicketCursor {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let invalid = || ParseError::custom(format!("{} is not a nextCursor of an earlier page", quoted(value)));
        Self::decode(value).ok_or_else(invalid)
    }
}

impl ParseFromParameter for Boolean {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        parse_bool(value).map(Self).ok_or_else(|| ParseError::custom("it must be true or false"))
    }
}

impl ParseFromParameter for Limit {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.map(Self).ok_or_else(|| ParseError::custom(format!("{} is not between 1 and {MAX_LIMIT}", quoted(value))))
    }
}

/// An enum parameter. Like upstream, it accepts the names in any case, and the numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaseInsensitive<T>(pub T);

impl<T: Type> Type for CaseInsensitive<T> {
    const IS_REQUIRED: bool = T::IS_REQUIRED;

    type RawValueType = T::RawValueType;
    type RawElementValueType = T::RawElementValueType;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.0.as_raw_value()
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        self.0.raw_element_iter()
    }
}

impl<T: ToJSON> ToJSON for CaseInsensitive<T> {
    fn to_json(&self) -> Option<Value> {
        self.0.to_json()
    }
}

impl<T: ParseFromParameter> ParseFromParameter for CaseInsensitive<T> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let schema = T::schema_ref();
        let unknown = || format!("{} is not one of {}", quoted(value), enum_names::listed(&schema));
        T::parse_from_parameter(value)
            .or_else(|error| match enum_names::from_text(&schema, value) {
                Some(name) => T::parse_from_parameter(&name),
                None => Err(error),
            })
            .map(Self)
            .map_err(|_| ParseError::custom(unknown()))
    }
}
