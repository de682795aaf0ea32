//! What requests may take of a database that is a server.

use std::{str::FromStr, time::Duration};

use jiff::Span;

/// How many connections serve requests, and how long one of them may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: u32,
    pub patience: Patience,
}

/// How long a request waits for a connection or for an answer, before it is answered with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

impl FromStr for Patience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unfit = || format!("`{text}` is no time between 100ms and 1m, such as 900ms");
        let span: Span = text.parse().map_err(|_| unfit())?;
        let duration = Duration::try_from(span).map_err(|_| unfit())?;
        let is_fit = (Duration::from_millis(100)..=Duration::from_secs(60)).contains(&duration);
        is_fit.then_some(Self(duration)).ok_or_else(unfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_a_time_with_its_unit() {
        assert_eq!("900ms".parse(), Ok(Patience(Duration::from_millis(900))));
        for unfit in ["", "1", "50ms", "2m", "-1s", "1 month"] {
            assert!(unfit.parse::<Patience>().is_err(), "{unfit}");
        }
    }
}
