//! Counts requests, their durations and their refusals.

use std::time::Duration;

use metrics::Counter;
use poem::http::StatusCode;

use crate::{
    error::Error,
    metrics::{
        CounterVec, HistogramVec, MetricsRegistry,
        definitions::{REFUSED, REQUEST_SECONDS, REQUESTS},
    },
};

/// The metrics of requests.
pub struct RequestMetrics {
    requests: CounterVec,
    seconds: HistogramVec,
    overloaded: Counter,
}

impl RequestMetrics {
    pub fn new(metrics: &MetricsRegistry) -> Self {
        Self {
            requests: CounterVec::new(metrics, REQUESTS),
            seconds: HistogramVec::new(metrics, REQUEST_SECONDS),
            overloaded: metrics.counter(&REFUSED, &["overload"]),
        }
    }

    /// Counts an answered request. `operation` is empty when no route matched.
    pub fn note(&self, operation: &str, status: StatusCode, took: Duration) {
        self.requests.count(operation, status.as_str());
        self.seconds.note(operation, took);
    }

    /// Counts a request that was refused because the server is overloaded. Other errors are not counted here.
    pub fn note_refused(&self, error: &Error) {
        if matches!(error, Error::Overloaded) {
            self.overloaded.increment(1);
        }
    }
}
