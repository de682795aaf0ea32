//! What is known of the request that is worked on, wherever that is.

use std::{cell::Cell, future::Future};

use tokio::task_local;

use super::Trace;

task_local! {
    static FACTS: Facts;
}

/// What is known of a request: for its line in the log, and for the calls that are made for it.
#[derive(Debug, Default)]
pub struct Facts {
    pub trace: Option<Trace>,
    caller: Cell<Option<i32>>,
}

impl Facts {
    pub fn new(trace: Option<Trace>) -> Self {
        Self { trace, ..Self::default() }
    }

    /// Makes these the facts of everything that the future does.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        FACTS.scope(self, future)
    }
}

/// Notes who calls.
pub fn note_caller(id: i32) {
    let _ = FACTS.try_with(|facts| facts.caller.set(Some(id)));
}

/// Who calls, once that is known.
pub fn caller() -> Option<i32> {
    FACTS.try_with(|facts| facts.caller.get()).ok().flatten()
}

/// The trace that the request belongs to.
pub fn trace() -> Option<Trace> {
    FACTS.try_with(|facts| facts.trace).ok().flatten()
}
