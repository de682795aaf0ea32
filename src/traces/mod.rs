//! The traces that requests belong to, and their spans. With the feature `otlp`, the server can send the spans to a
//! collector; without it, a span only has ids, for the log and for the webhooks.

#[cfg(not(feature = "otlp"))]
mod no_span;
#[cfg(feature = "otlp")]
mod otlp_span;
mod span;
mod span_kind;
mod trace_context;

#[cfg(feature = "otlp")]
pub use otlp_span::send_with;
pub use span::Span;
pub use span_kind::SpanKind;
pub use trace_context::TraceContext;
