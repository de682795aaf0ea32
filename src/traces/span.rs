//! A span of a trace.

#[cfg(not(feature = "otlp"))]
use super::no_span::NoSpan as OtlpSpan;
#[cfg(feature = "otlp")]
use super::otlp_span::OtlpSpan;
use super::{SpanKind, TraceContext};

/// A piece of work that belongs to a trace. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    context: Option<TraceContext>,
    /// `None` if spans are not sent.
    sent: Option<OtlpSpan>,
}

impl Span {
    /// Starts a span. Without a parent, it begins a trace if spans are sent, and is in no trace otherwise.
    pub fn start(kind: SpanKind, name: &'static str, parent: Option<TraceContext>) -> Self {
        let sent = OtlpSpan::start(kind, name, parent);
        let own = sent.as_ref().and_then(OtlpSpan::context);
        Self { context: own.or_else(|| parent.map(TraceContext::child)), sent }
    }

    /// The ids of the span, for what it causes.
    pub fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// Replaces the name.
    pub fn rename(&mut self, name: &str) {
        if let Some(sent) = &mut self.sent {
            sent.rename(name);
        }
    }

    /// Sets an attribute, if the span will be sent.
    pub fn set(&mut self, name: &'static str, value: impl ToString) {
        if let Some(sent) = self.sent.as_mut().filter(|sent| sent.is_recording()) {
            sent.set(name, value.to_string());
        }
    }

    /// Sets an attribute that is a number.
    pub fn set_number(&mut self, name: &'static str, value: i64) {
        if let Some(sent) = &mut self.sent {
            sent.set_number(name, value);
        }
    }

    /// Marks the work as failed.
    pub fn fail(&mut self, cause: impl ToString) {
        if let Some(sent) = &mut self.sent {
            sent.fail(cause.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_without_a_collector_is_a_child_of_its_parent() {
        let parent = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let context = Span::start(SpanKind::Internal, "work", parent).context();
        assert_eq!(context.map(|own| own.id), parent.map(|parent| parent.id));
        assert_ne!(context.map(|own| own.span), parent.map(|parent| parent.span));
        assert!(Span::start(SpanKind::Internal, "work", None).context().is_none());
    }
}
