//! How single values travel.

use chrono::{DateTime, Utc};

/// A point in time as upstream writes it to a client who names no time zone: in the base zone, which is UTC, without
/// suffix and fraction (contract §5.5). Never is the first second of year 1.
pub fn date_time(time: Option<DateTime<Utc>>) -> String {
    match time {
        Some(time) => time.format("%Y-%m-%dT%H:%M:%S").to_string(),
        None => "0001-01-01T00:00:00".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_the_first_second_of_year_one() {
        assert_eq!(date_time(None), "0001-01-01T00:00:00");
        assert_eq!(date_time(Some(DateTime::UNIX_EPOCH)), "1970-01-01T00:00:00");
    }
}
