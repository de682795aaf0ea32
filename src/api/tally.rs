//! What is counted of requests.

use std::time::Duration;

use metrics::Counter;
use poem::http::StatusCode;

use crate::{
    error::Error,
    watch::{
        Counters, Meters, Seconds,
        families::{REFUSED, REQUEST_SECONDS, REQUESTS},
    },
};

/// Counts requests.
pub struct Tally {
    requests: Counters,
    seconds: Seconds,
    overloaded: Counter,
}

impl Tally {
    pub fn new(meters: &Meters) -> Self {
        Self {
            requests: Counters::new(meters, REQUESTS),
            seconds: Seconds::new(meters, REQUEST_SECONDS),
            overloaded: meters.counter(&REFUSED, &["overload"]),
        }
    }

    /// A request was answered; the operation is empty where nothing is at its path.
    pub fn note(&self, operation: &str, status: StatusCode, took: Duration) {
        self.requests.count(operation, status.as_str());
        self.seconds.note(operation, took);
    }

    /// A request found no room, if that is what the error says.
    pub fn note_refused(&self, error: &Error) {
        if matches!(error, Error::Overloaded) {
            self.overloaded.increment(1);
        }
    }
}
