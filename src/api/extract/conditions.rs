//! Conditional requests for users, by date (RFC 9110, sections 8.8.2 and 13.1.2 to 13.1.4). Users have no ETag.
//!
//! HTTP dates have whole seconds. Last-Modified is the change time rounded up to the next second, and is omitted until
//! that second is over. So two changes within one second never get the same known date.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use poem::http::HeaderValue;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromParameter, ParseResult, ToHeader, Type},
};

use super::parameters::inline_parameter;
use crate::{clock, error::quoted, users::Precondition};

/// The date of If-Modified-Since. An empty value means omitted.
#[derive(Clone, Copy, Debug)]
pub struct ModifiedSince(Option<DateTime<Utc>>);

/// The value of If-None-Match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoneMatch {
    /// `*`: matches every user.
    Any,
    /// A list of ETags: matches no user, since users have none.
    Tags,
    /// An empty value, which means omitted.
    Empty,
}

/// The date of If-Unmodified-Since. An empty value is an error, because the header protects against lost updates.
#[derive(Clone, Copy, Debug)]
pub struct UnmodifiedSince(DateTime<Utc>);

/// The header Last-Modified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastModified(DateTime<Utc>);

inline_parameter!(ModifiedSince, MetaSchema::new("string"));
inline_parameter!(NoneMatch, MetaSchema::new("string"));
inline_parameter!(UnmodifiedSince, MetaSchema::new("string"));
inline_parameter!(
    LastModified,
    MetaSchema { example: Some("Mon, 23 Nov 2026 18:35:15 GMT".into()), ..MetaSchema::new("string") }
);

/// Whether the client's copy is current (304). If-None-Match overrides If-Modified-Since.
pub fn is_current(none_match: Option<NoneMatch>, since: Option<ModifiedSince>, changed_at: DateTime<Utc>) -> bool {
    match none_match {
        Some(NoneMatch::Any) => true,
        Some(NoneMatch::Tags) => false,
        Some(NoneMatch::Empty) | None => {
            since.and_then(|since| since.0).is_some_and(|since| date_of(changed_at) <= since)
        }
    }
}

impl LastModified {
    /// The date for a change; `None` while that date is in the future.
    pub fn of(changed_at: DateTime<Utc>) -> Option<Self> {
        let date = date_of(changed_at);
        (date <= clock::now()).then_some(Self(date))
    }
}

/// The header has whole seconds, so `date_of` a change is later than the header exactly when the change is not
/// earlier than the header.
impl From<Option<UnmodifiedSince>> for Precondition {
    fn from(since: Option<UnmodifiedSince>) -> Self {
        Self { unmodified_since: since.map(|UnmodifiedSince(since)| since) }
    }
}

/// The time of a change, rounded up to the next full second.
fn date_of(changed_at: DateTime<Utc>) -> DateTime<Utc> {
    let second = TimeDelta::seconds(1);
    changed_at.duration_trunc(second).unwrap_or(changed_at) + second
}

fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let date = httpdate::parse_http_date(text.trim()).map(DateTime::from);
    date.map_err(|_| format!("{} is not a date such as Mon, 23 Nov 2026 18:35:15 GMT", quoted(text)))
}

impl ParseFromParameter for ModifiedSince {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        if value.is_empty() {
            return Ok(Self(None));
        }
        parse(value).map(|date| Self(Some(date))).map_err(ParseError::custom)
    }
}

impl ParseFromParameter for NoneMatch {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        match value.trim() {
            "" => Ok(Self::Empty),
            "*" => Ok(Self::Any),
            tags if are_etags(tags) => Ok(Self::Tags),
            _ => {
                let problem = format!("{} is neither `*` nor a list such as \"one\", \"two\"", quoted(value));
                Err(ParseError::custom(problem))
            }
        }
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(lines: I) -> ParseResult<Self> {
        let lines: Vec<_> = lines.into_iter().map(|line| line.as_ref().to_owned()).collect();
        Self::parse_from_parameter(&lines.join(","))
    }
}

/// Whether the text is a list of ETags (RFC 9110, section 8.8.3). Elements may be empty.
fn are_etags(mut list: &str) -> bool {
    loop {
        list = list.trim_start_matches([' ', '\t', ',']);
        if list.is_empty() {
            return true;
        }
        let tag = list.strip_prefix("W/").unwrap_or(list).strip_prefix('"');
        let Some((_, rest)) = tag.and_then(|tag| tag.split_once('"')) else { return false };
        list = rest.trim_start();
        if !list.is_empty() && !list.starts_with(',') {
            return false;
        }
    }
}

impl ParseFromParameter for UnmodifiedSince {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        parse(value).map(Self).map_err(ParseError::custom)
    }
}

impl ToHeader for LastModified {
    fn to_header(&self) -> Option<HeaderValue> {
        let seconds = Duration::from_secs(self.0.timestamp().try_into().ok()?);
        HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + seconds)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_change_counts_as_later_than_dates_before_the_next_second() {
        let changed = time("2026-11-23T18:35:14.198412Z");
        for (since, is_current) in [
            ("Mon, 23 Nov 2026 18:35:13 GMT", false),
            ("Mon, 23 Nov 2026 18:35:14 GMT", false),
            ("Mon, 23 Nov 2026 18:35:15 GMT", true),
            ("Monday, 23-Nov-26 18:35:15 GMT", true),
            ("Tue, 24 Nov 2026 00:00:00 GMT", true),
        ] {
            let modified = ModifiedSince::parse_from_parameter(since).expect("a date");
            assert_eq!(super::is_current(None, Some(modified), changed), is_current, "{since}");
            let unmodified = UnmodifiedSince::parse_from_parameter(since).ok();
            assert_eq!(Precondition::from(unmodified).check(changed).is_ok(), is_current, "{since}");
        }
        assert!(Precondition::default().check(changed).is_ok());
        assert!(!is_current(None, ModifiedSince::parse_from_parameter("").ok(), changed));
    }

    #[test]
    fn if_none_match_overrides_the_date() {
        let changed = time("2026-11-23T18:35:14.198412Z");
        for (lines, date, expected) in [
            (&["*"][..], "Mon, 23 Nov 2026 18:35:13 GMT", true),
            (&["\"one\""], "Tue, 24 Nov 2026 00:00:00 GMT", false),
            (&["W/\"a,b\" , \"\",", "\"two\""], "Tue, 24 Nov 2026 00:00:00 GMT", false),
            (&[""], "Tue, 24 Nov 2026 00:00:00 GMT", true),
        ] {
            let none_match = NoneMatch::parse_from_parameters(lines).expect("a condition");
            let since = ModifiedSince::parse_from_parameter(date).expect("a date");
            assert_eq!(is_current(Some(none_match), Some(since), changed), expected, "{lines:?}");
        }
        for wrong in ["one", "\"one", "\"one\" \"two\"", "w/\"one\"", "*, *"] {
            let error = NoneMatch::parse_from_parameter(wrong).expect_err("a refusal");
            assert!(error.message().contains("is neither `*` nor a list"), "{}", error.message());
        }
    }

    #[test]
    fn two_changes_within_one_second_never_share_a_known_date() {
        let changed = clock::now();
        assert_eq!(LastModified::of(changed), None, "another change may come within this second");
        let before = time("2026-11-23T18:35:14Z");
        let header = LastModified::of(before).and_then(|date| date.to_header());
        let expected = (clock::now() > before).then_some("Mon, 23 Nov 2026 18:35:15 GMT");
        assert_eq!(header.as_ref().and_then(|date| date.to_str().ok()), expected);
    }

    #[test]
    fn an_invalid_date_is_refused() {
        for text in ["yesterday", "2026-11-23T18:35:14Z", "0", " "] {
            let error = ModifiedSince::parse_from_parameter(text).expect_err("a refusal");
            assert!(error.message().contains("is not a date such as"), "{}", error.message());
        }
        assert!(UnmodifiedSince::parse_from_parameter("").is_err(), "it changes what is done");
    }
}
