//! The traces that requests belong to, and their spans. With the feature `otlp`, the server can send the spans to a
//! collector; without it, a span only has ids, for the log and for the webhooks.

#[cfg(feature = "otlp")]
mod sent_span;
mod span;
mod span_kind;
mod trace_context;
#[cfg(not(feature = "otlp"))]
mod unsent_span;

#[cfg(feature = "otlp")]
pub use sent_span::send_with;
pub use span::Span;
pub use span_kind::SpanKind;
pub use trace_context::TraceContext;
