//! Parses and writes `traceparent` headers of [W3C Trace Context](https://www.w3.org/TR/trace-context/).

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
};

/// The ids of a trace and of a span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub id: TraceId,
    pub span: SpanId,
    pub(super) flags: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(NonZeroU128);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(NonZeroU64);

impl TraceContext {
    /// Parses a `traceparent`. Returns `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('-')?;
        let (id, rest) = rest.split_once('-')?;
        let (span, rest) = rest.split_once('-')?;
        // Later versions may have more fields after the flags.
        let (flags, has_more) = match rest.split_once('-') {
            None => (rest, false),
            Some((flags, _)) => (flags, true),
        };
        let version = hex(version, 2)?;
        if version == 0xff || (version == 0 && has_more) {
            return None;
        }
        let (span, flags) = (u64::try_from(hex(span, 16)?).ok()?, u8::try_from(hex(flags, 2)?).ok()?);
        Self::of(hex(id, 32)?, span, flags)
    }

    /// The context of these ids and flags. `None` if an id is 0.
    pub(super) fn of(id: u128, span: u64, flags: u8) -> Option<Self> {
        Some(Self { id: TraceId(NonZeroU128::new(id)?), span: SpanId(NonZeroU64::new(span)?), flags })
    }

    /// A new span in the same trace.
    pub fn child(self) -> Self {
        let span = SpanId(NonZeroU64::new(rand::random()).unwrap_or(NonZeroU64::MIN));
        // Only the flag `sampled` is passed on; others are unknown here.
        Self { span, flags: self.flags & 1, ..self }
    }
}

/// Parses a number with this many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == digits && is_hex { u128::from_str_radix(text, 16).ok() } else { None }
}

impl From<TraceId> for u128 {
    fn from(TraceId(id): TraceId) -> Self {
        id.get()
    }
}

impl From<SpanId> for u64 {
    fn from(SpanId(id): SpanId) -> Self {
        id.get()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Writes a `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.id, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let trace = TraceContext::parse(EXAMPLE).expect("a trace");
        assert_eq!(trace.to_string(), EXAMPLE);
        let child = TraceContext::parse(&trace.child().to_string()).expect("a trace");
        assert_eq!((child.id, child.flags), (trace.id, 1));
        assert_ne!(child.span, trace.span);
    }

    #[test]
    fn a_later_version_may_have_more_fields() {
        assert!(TraceContext::parse(&EXAMPLE.replacen("00", "cc", 1)).is_some());
        assert!(TraceContext::parse(&format!("{}-more", EXAMPLE.replacen("00", "cc", 1))).is_some());
        assert!(TraceContext::parse(&format!("{EXAMPLE}-more")).is_none());
    }

    #[test]
    fn an_invalid_traceparent_is_ignored() {
        let wrong = [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ];
        for text in wrong {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }
}
