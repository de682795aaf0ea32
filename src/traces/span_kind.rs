//! The kinds of spans.

/// What a span is in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// The answer to a request.
    Server,
    /// A part of the work.
    Internal,
    /// A call to another system.
    Client,
}
