//! The context of the current request, available to all code that runs for it.

use std::{cell::Cell, future::Future};

use tokio::task_local;

use crate::traces::TraceContext;

task_local! {
    static CONTEXT: RequestContext;
}

/// The context of a request, for its log line and for the webhooks that it calls.
#[derive(Debug, Default)]
pub struct RequestContext {
    pub trace: Option<TraceContext>,
    caller: Cell<Option<i32>>,
}

impl RequestContext {
    pub fn new(trace: Option<TraceContext>) -> Self {
        Self { trace, ..Self::default() }
    }

    /// Runs a future with this context.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CONTEXT.scope(self, future)
    }
}

/// Sets the caller of the current request.
pub fn note_caller(id: i32) {
    let _ = CONTEXT.try_with(|context| context.caller.set(Some(id)));
}

/// The caller of the current request, once authenticated.
pub fn caller() -> Option<i32> {
    CONTEXT.try_with(|context| context.caller.get()).ok().flatten()
}

/// The trace of the current request.
pub fn trace() -> Option<TraceContext> {
    CONTEXT.try_with(|context| context.trace).ok().flatten()
}
