//! The daylight-saving rules of a zone in one year, in upstream's format.

use jiff::{Timestamp, civil, tz::TimeZone};

/// The part of a year in which an offset applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DstRule {
    pub start: DstTransition,
    pub end: DstTransition,
    /// Offset from UTC, in minutes.
    pub offset_minutes: i32,
}

/// A day on which a rule begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DstTransition {
    pub day: i8,
    pub month: i8,
    /// The day as a pattern for any year, such as `0200 LAST-SUN-MAR`; empty for the first and last day of the year.
    pub pattern: String,
}

/// The rules of standard time and, if the zone has it, of daylight-saving time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DstRules {
    pub standard: DstRule,
    pub daylight_saving: Option<DstRule>,
}

impl DstRules {
    /// The rules of a year.
    pub fn of(zone: &TimeZone, year: i16) -> Self {
        let transitions: Vec<_> = transitions(zone, year);
        let into = |dst: bool| transitions.iter().find(|(is_dst, ..)| *is_dst == dst);
        match (into(true), into(false)) {
            (Some((_, spring, summer_minutes)), Some((_, autumn, winter_minutes))) => Self {
                standard: rule(autumn, spring, *winter_minutes),
                daylight_saving: Some(rule(spring, autumn, *summer_minutes)),
            },
            _ => {
                let bound = |month, day| DstTransition { day, month, pattern: String::new() };
                let offset_minutes = super::clock::standard_offset(zone).seconds() / 60;
                Self {
                    standard: DstRule { start: bound(1, 1), end: bound(12, 31), offset_minutes },
                    daylight_saving: None,
                }
            }
        }
    }
}

fn rule(start: &DstTransition, end: &DstTransition, offset_minutes: i32) -> DstRule {
    DstRule { start: start.clone(), end: end.clone(), offset_minutes }
}

/// The transitions of a year: whether each begins daylight-saving time, when it happens, and the new offset in minutes.
fn transitions(zone: &TimeZone, year: i16) -> Vec<(bool, DstTransition, i32)> {
    let start = |year| TimeZone::UTC.to_timestamp(civil::date(year, 1, 1).at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN);
    let changes = zone.following(start(year)).take_while(|change| change.timestamp() < start(year + 1));
    let transition = |change: jiff::tz::TimeZoneTransition<'_>| {
        // Upstream gives the local time before the transition.
        let before = zone.to_offset(change.timestamp().checked_sub(jiff::SignedDuration::from_secs(1)).ok()?);
        let local = before.to_datetime(change.timestamp());
        let transition = DstTransition { day: local.day(), month: local.month(), pattern: pattern(local) };
        Some((change.dst().is_dst(), transition, change.offset().seconds() / 60))
    };
    changes.filter_map(transition).collect()
}

/// The pattern of a day and time, such as `0200 2ND-SUN-MAR`.
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

    fn rules(name: &str) -> DstRules {
        DstRules::of(name.parse::<Zone>().expect("a zone").rules(), 2026)
    }

    fn transition(day: i8, month: i8, pattern: &str) -> DstTransition {
        DstTransition { day, month, pattern: pattern.to_owned() }
    }

    #[test]
    fn a_zone_with_daylight_saving_time_has_two_rules() {
        let (spring, autumn) = (transition(29, 3, "0200 LAST-SUN-MAR"), transition(25, 10, "0300 LAST-SUN-OCT"));
        assert_eq!(rules("NO").standard, rule(&autumn, &spring, 60));
        assert_eq!(rules("NO").daylight_saving, Some(rule(&spring, &autumn, 120)));
        let (spring, autumn) = (transition(8, 3, "0200 2ND-SUN-MAR"), transition(1, 11, "0200 1ST-SUN-NOV"));
        assert_eq!(rules("US-NY").daylight_saving, Some(rule(&spring, &autumn, -240)));
        let (begins, ends) = (transition(4, 10, "0200 1ST-SUN-OCT"), transition(5, 4, "0300 1ST-SUN-APR"));
        assert_eq!(rules("AU-ACT").daylight_saving, Some(rule(&begins, &ends, 660)));
    }

    #[test]
    fn a_zone_without_daylight_saving_time_has_one_rule() {
        for (name, minutes) in [("UTC", 0), ("BD", 360), ("US-HI", -600)] {
            let whole = DstRule { start: transition(1, 1, ""), end: transition(31, 12, ""), offset_minutes: minutes };
            assert_eq!(rules(name), DstRules { standard: whole, daylight_saving: None }, "{name}");
        }
    }

    #[test]
    fn every_place_has_rules() {
        for place in crate::localization::zone::entries() {
            let DstRules { standard, .. } = DstRules::of(place.zone().rules(), 2026);
            assert!(standard.offset_minutes.abs() <= 14 * 60, "{place:?}");
        }
    }
}
