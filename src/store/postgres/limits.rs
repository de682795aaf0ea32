//! Limits on the use of PostgreSQL by requests.

use std::{str::FromStr, time::Duration};

use jiff::Span;

/// Connections for requests, and the time limit of a request's database work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    pub connections: u32,
    pub query_timeout: QueryTimeout,
}

/// How long a request waits for a connection or a result before it fails with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryTimeout(pub Duration);

impl FromStr for QueryTimeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("`{text}` is not a duration between 100ms and 1m, such as 900ms");
        let span: Span = text.parse().map_err(|_| invalid())?;
        let duration = Duration::try_from(span).map_err(|_| invalid())?;
        let is_valid = (Duration::from_millis(100)..=Duration::from_secs(60)).contains(&duration);
        is_valid.then_some(Self(duration)).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_timeout_is_a_duration_with_a_unit() {
        assert_eq!("900ms".parse(), Ok(QueryTimeout(Duration::from_millis(900))));
        for unfit in ["", "1", "50ms", "2m", "-1s", "1 month"] {
            assert!(unfit.parse::<QueryTimeout>().is_err(), "{unfit}");
        }
    }
}
