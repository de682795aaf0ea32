//! A span that is sent to the collector when it ends.

use std::sync::OnceLock;

use opentelemetry::{
    Context, KeyValue,
    trace::{self, Span as _, SpanContext, Status, TraceContextExt, TraceFlags, TraceState, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::{SpanKind, TraceContext};

/// The longest text of an attribute, in bytes. Clients choose some of them.
const MAX_TEXT: usize = 1024;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends the spans that start from now on. A second tracer of one process is ignored.
pub fn send_with(tracer: SdkTracer) {
    let _ = TRACER.set(tracer);
}

/// Boxed, because futures hold it and it is large.
#[derive(Debug)]
pub struct OtlpSpan(Box<Span>);

impl OtlpSpan {
    /// Starts a span, if spans are sent. Its ids are those of the SDK, which also decides whether it is sampled.
    pub fn start(kind: SpanKind, name: &'static str, parent: Option<TraceContext>) -> Option<Self> {
        let tracer = TRACER.get()?;
        let is_remote = kind == SpanKind::Server;
        let context = parent.map(|parent| Context::new().with_remote_span_context(span_context(parent, is_remote)));
        let builder = tracer.span_builder(name).with_kind(match kind {
            SpanKind::Server => trace::SpanKind::Server,
            SpanKind::Internal => trace::SpanKind::Internal,
            SpanKind::Client => trace::SpanKind::Client,
        });
        Some(Self(Box::new(builder.start_with_context(tracer, &context.unwrap_or_default()))))
    }

    /// Whether the span will be sent.
    pub fn is_recording(&self) -> bool {
        self.0.is_recording()
    }

    /// `None` after the tracer was shut down.
    pub fn context(&self) -> Option<TraceContext> {
        let Self(span) = self;
        let own = span.span_context();
        let (id, span) = (own.trace_id().to_bytes(), own.span_id().to_bytes());
        TraceContext::of(u128::from_be_bytes(id), u64::from_be_bytes(span), own.trace_flags().to_u8())
    }

    pub fn rename(&mut self, name: &str) {
        self.0.update_name(name.to_owned());
    }

    pub fn set(&mut self, name: &'static str, value: String) {
        let end = value.floor_char_boundary(MAX_TEXT);
        self.0.set_attribute(KeyValue::new(name, value[..end].to_owned()));
    }

    pub fn set_number(&mut self, name: &'static str, value: i64) {
        self.0.set_attribute(KeyValue::new(name, value));
    }

    pub fn fail(&mut self, cause: String) {
        self.0.set_status(Status::error(cause));
    }
}

fn span_context(parent: TraceContext, is_remote: bool) -> SpanContext {
    let (id, span) = (u128::from(parent.id).into(), u64::from(parent.span).into());
    SpanContext::new(id, span, TraceFlags::new(parent.flags & TraceFlags::SAMPLED.to_u8()), is_remote, TraceState::NONE)
}
