//! The rules of a zone's clocks in one year, as upstream tells them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// When an offset is in force within a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub start: Turn,
    pub end: Turn,
    /// How many minutes the clocks are before UTC.
    pub offset_minutes: i32,
}

/// A day on which a rule begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub day: i8,
    pub month: i8,
    /// The day in words that hold for other years too: `0200 LAST-SUN-MAR`; empty for the bounds of the year.
    pub pattern: String,
}

/// The rules of standard time and of daylight-saving time; the latter only where there is such a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub standard: Rule,
    pub daylight_saving: Option<Rule>,
}

impl Rules {
    /// The rules of a year.
    pub fn of(zone: &TimeZone, year: i16) -> Self {
        let turns: Vec<_> = turns(zone, year);
        let into = |dst: bool| turns.iter().find(|(is_dst, ..)| *is_dst == dst);
        match (into(true), into(false)) {
            (Some((_, spring, summer_minutes)), Some((_, autumn, winter_minutes))) => Self {
                standard: rule(autumn, spring, *winter_minutes),
                daylight_saving: Some(rule(spring, autumn, *summer_minutes)),
            },
            _ => {
                let bound = |month, day| Turn { day, month, pattern: String::new() };
                let offset_minutes = super::clock::standard_offset(zone).seconds() / 60;
                Self {
                    standard: Rule { start: bound(1, 1), end: bound(12, 31), offset_minutes },
                    daylight_saving: None,
                }
            }
        }
    }
}

fn rule(start: &Turn, end: &Turn, offset_minutes: i32) -> Rule {
    Rule { start: start.clone(), end: end.clone(), offset_minutes }
}

/// Each change of the clocks in a year: whether it leads into daylight-saving time, when, and to which offset.
fn turns(zone: &TimeZone, year: i16) -> Vec<(bool, Turn, i32)> {
    let start = |year| TimeZone::UTC.to_timestamp(civil::date(year, 1, 1).at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN);
    let changes = zone.following(start(year)).take_while(|change| change.timestamp() < start(year + 1));
    let turn = |change: jiff::tz::TimeZoneTransition<'_>| {
        // The clocks are told in the time that they showed until then.
        let before = zone.to_offset(change.timestamp().checked_sub(jiff::SignedDuration::from_secs(1)).ok()?);
        let local = before.to_datetime(change.timestamp());
        let turn = Turn { day: local.day(), month: local.month(), pattern: pattern(local) };
        Some((change.dst().is_dst(), turn, change.offset().seconds() / 60))
    };
    changes.filter_map(turn).collect()
}

/// `0200 2ND-SUN-MAR`.
fn pattern(local: civil::DateTime) -> String {
    let is_last = local.day() + 7 > local.days_in_month();
    let nth =
        if is_last { "LAST" } else { ["1ST", "2ND", "3RD", "4TH"][usize::from(local.day().unsigned_abs() - 1) / 7] };
    let time = local.strftime("%H%M");
    let (weekday, month) = (local.strftime("%a").to_string(), local.strftime("%b").to_string());
    format!("{time} {nth}-{}-{}", weekday.to_uppercase(), month.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localization::Zone;

    fn rules(name: &str) -> Rules {
        Rules::of(name.parse::<Zone>().expect("a zone").rules(), 2026)
    }

    fn turn(day: i8, month: i8, pattern: &str) -> Turn {
        Turn { day, month, pattern: pattern.to_owned() }
    }

    #[test]
    fn a_zone_with_daylight_saving_time_tells_when_it_begins_and_ends() {
        let (spring, autumn) = (turn(29, 3, "0200 LAST-SUN-MAR"), turn(25, 10, "0300 LAST-SUN-OCT"));
        assert_eq!(rules("NO").standard, rule(&autumn, &spring, 60));
        assert_eq!(rules("NO").daylight_saving, Some(rule(&spring, &autumn, 120)));
        let (spring, autumn) = (turn(8, 3, "0200 2ND-SUN-MAR"), turn(1, 11, "0200 1ST-SUN-NOV"));
        assert_eq!(rules("US-NY").daylight_saving, Some(rule(&spring, &autumn, -240)));
        let (begins, ends) = (turn(4, 10, "0200 1ST-SUN-OCT"), turn(5, 4, "0300 1ST-SUN-APR"));
        assert_eq!(rules("AU-ACT").daylight_saving, Some(rule(&begins, &ends, 660)));
    }

    #[test]
    fn a_zone_without_daylight_saving_time_has_one_rule_for_the_whole_year() {
        for (name, minutes) in [("UTC", 0), ("BD", 360), ("US-HI", -600)] {
            let whole = Rule { start: turn(1, 1, ""), end: turn(31, 12, ""), offset_minutes: minutes };
            assert_eq!(rules(name), Rules { standard: whole, daylight_saving: None }, "{name}");
        }
    }

    #[test]
    fn every_place_has_rules() {
        for place in crate::localization::zone::places() {
            let Rules { standard, .. } = Rules::of(place.zone().rules(), 2026);
            assert!(standard.offset_minutes.abs() <= 14 * 60, "{place:?}");
        }
    }
}
