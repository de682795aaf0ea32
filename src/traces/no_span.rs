//! Stands for a span that is sent, in a program that sends none.

use super::{SpanKind, TraceContext};

/// Has no values.
#[derive(Debug)]
pub enum NoSpan {}

impl NoSpan {
    pub fn start(_: SpanKind, _: &'static str, _: Option<TraceContext>) -> Option<Self> {
        None
    }

    pub fn is_recording(&self) -> bool {
        match *self {}
    }

    pub fn context(&self) -> Option<TraceContext> {
        match *self {}
    }

    pub fn rename(&mut self, _: &str) {
        match *self {}
    }

    pub fn set(&mut self, _: &'static str, _: String) {
        match *self {}
    }

    pub fn set_number(&mut self, _: &'static str, _: i64) {
        match *self {}
    }

    pub fn fail(&mut self, _: String) {
        match *self {}
    }
}
