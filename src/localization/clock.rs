//! Formats and parses times for a client, in its time zone and with or without an offset (docs/upstream.md §5.5).

use std::ops::Range;

use chrono::{DateTime, Utc};
use jiff::{
    Timestamp, civil,
    fmt::temporal::Pieces,
    tz::{Offset, TimeZone},
};

use super::{Period, UnknownZone, Zone};
use crate::clock;

/// The word in SO-TimeZone that asks for offsets in times.
const WITH_OFFSET: &str = "includeTZOffset";
/// Upstream's value for *never*: the first second of year 1.
const NEVER: civil::DateTime = civil::datetime(1, 1, 1, 0, 0, 0, 0);
/// A year with the current rules of all zones.
const MODERN_YEAR: i16 = 2025;

/// A client's time zone, and whether its times have an offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clock {
    zone: Zone,
    shows_offset: bool,
}

impl Clock {
    /// Parses a value of SO-TimeZone: a zone, `includeTZOffset`, or both. Without a zone, it uses `base`.
    ///
    /// # Errors
    /// The zone is unknown, or there are two.
    pub fn new(header: &str, base: &Zone) -> Result<Self, UnknownZone> {
        let (mut zone, mut shows_offset) = (None, false);
        for part in header.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if part.eq_ignore_ascii_case(WITH_OFFSET) {
                shows_offset = true;
            } else if zone.replace(part.parse()?).is_some() {
                return Err(UnknownZone::named(header));
            }
        }
        Ok(Self { zone: zone.unwrap_or_else(|| base.clone()), shows_offset })
    }

    /// The clock of a zone, without offsets.
    pub fn of(zone: Zone) -> Self {
        Self { zone, shows_offset: false }
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Formats a time without fractions of a second; `None` becomes *never*.
    pub fn write(&self, time: Option<DateTime<Utc>>) -> String {
        let rules = self.zone.rules();
        let time = time.map(|time| Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX));
        let (local, offset) = match time {
            Some(time) => (rules.to_datetime(time), rules.to_offset(time)),
            None => {
                let offset = standard_offset(rules);
                // West of Greenwich the shifted time would be before year 1; then it is not shifted.
                let shifted = || NEVER.checked_add(jiff::SignedDuration::from_secs(offset.seconds().into())).ok();
                let local = if self.shows_offset { shifted().filter(|local| local.year() >= 1) } else { None };
                (local.unwrap_or(NEVER), offset)
            }
        };
        let written = local.strftime("%Y-%m-%dT%H:%M:%S");
        if self.shows_offset { format!("{written}{}", self.suffix(offset)) } else { written.to_string() }
    }

    /// Formats a time as upstream encodes it in texts, whatever the culture: `[DT:11/23/2026 14:52:00.0000000]`
    /// (docs/upstream.md §5.4).
    pub fn encode(&self, time: DateTime<Utc>) -> String {
        let time = Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
        self.zone.rules().to_datetime(time).strftime("[DT:%m/%d/%Y %H:%M:%S.0000000]").to_string()
    }

    /// Parses a time with `Z` or an offset, or a local time of the client's zone.
    ///
    /// A local time that occurs twice means the first. A local time that is skipped is moved later by the skipped time.
    pub fn read(&self, text: &str) -> Option<DateTime<Utc>> {
        let time = match text.parse::<Timestamp>() {
            Ok(time) => time,
            Err(_) => {
                // A date without a time is accepted; a local time with an offset or a zone name is not.
                let pieces = Pieces::parse(text).ok()?;
                let has_more = pieces.offset().is_some() || pieces.time_zone_annotation().is_some();
                let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
                (!has_more).then(|| self.zone.rules().to_timestamp(local).unwrap_or(Timestamp::MAX))?
            }
        };
        // jiff has negative fractions before 1970, chrono does not.
        let nanoseconds = time.as_nanosecond();
        let fraction = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or_default();
        DateTime::from_timestamp(i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?, fraction)
    }

    /// The current day, from its beginning to the beginning of the next.
    pub fn today(&self) -> Range<DateTime<Utc>> {
        self.day(self.date())
    }

    /// The period `offset` periods after the current one, from its beginning to the beginning of the next.
    pub fn period(&self, period: Period, offset: i32) -> Range<DateTime<Utc>> {
        let days = period.around(self.date(), offset);
        self.start(days.start)..self.start(days.end)
    }

    /// The current date.
    fn date(&self) -> civil::Date {
        let now = Timestamp::from_second(clock::now().timestamp()).unwrap_or(Timestamp::MAX);
        self.zone.rules().to_datetime(now).date()
    }

    /// Parses a day such as `2009-1-1`, or a time, which means its day.
    pub fn read_day(&self, text: &str) -> Option<Range<DateTime<Utc>>> {
        let date = match civil::Date::strptime("%Y-%m-%d", text) {
            Ok(date) => date,
            Err(_) => {
                let time = Timestamp::from_second(self.read(text)?.timestamp()).ok()?;
                self.zone.rules().to_datetime(time).date()
            }
        };
        (date.year() >= 1).then(|| self.day(date))
    }

    /// The range of a day. The last day of the calendar is empty.
    fn day(&self, date: civil::Date) -> Range<DateTime<Utc>> {
        self.start(date)..self.start(date.tomorrow().unwrap_or(date))
    }

    /// The beginning of a day.
    fn start(&self, date: civil::Date) -> DateTime<Utc> {
        let time = self.zone.rules().to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
        DateTime::from_timestamp(time.as_second(), 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn suffix(&self, offset: Offset) -> String {
        if self.zone.is_utc() {
            return "Z".to_owned();
        }
        let minutes = offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// The offset of a zone in standard time.
pub fn standard_offset(rules: &TimeZone) -> Offset {
    let middles = [civil::date(MODERN_YEAR, 1, 15), civil::date(MODERN_YEAR, 7, 15)];
    let times = middles.map(|day| TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH));
    let [winter, summer] = times.map(|time| rules.to_offset_info(time));
    if winter.dst().is_dst() { summer.offset() } else { winter.offset() }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, TimeZone as _};
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().expect("a zone")
    }

    /// The clock of an installation in Norway.
    fn clock(wish: &str) -> Clock {
        Clock::new(wish, &zone("NO")).expect("a clock")
    }

    fn utc(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().expect("a time"))
    }

    #[test]
    fn the_examples_of_upstream_hold() {
        let noon = utc("2002-08-07T12:52:00Z");
        for (wish, expected) in [
            ("", "2002-08-07T14:52:00"),
            ("utc", "2002-08-07T12:52:00"),
            ("UTC,includeTZOffset", "2002-08-07T12:52:00Z"),
            ("no, includeTZOffset", "2002-08-07T14:52:00+02:00"),
        ] {
            assert_eq!(clock(wish).write(noon), expected, "{wish}");
        }
    }

    #[test]
    fn never_is_the_first_second_of_year_one() {
        for (wish, expected) in [
            ("", "0001-01-01T00:00:00"),
            ("US-NY", "0001-01-01T00:00:00"),
            ("UTC,includeTZOffset", "0001-01-01T00:00:00Z"),
            ("NO,includeTZOffset", "0001-01-01T01:00:00+01:00"),
            ("US-NY,includeTZOffset", "0001-01-01T00:00:00-05:00"),
            ("AU-ACT,includeTZOffset", "0001-01-01T10:00:00+10:00"),
        ] {
            assert_eq!(clock(wish).write(None), expected, "{wish}");
        }
    }

    #[test]
    fn the_offset_can_be_requested_without_a_zone() {
        let winter = utc("2026-01-07T12:00:00Z");
        for wish in ["includeTZOffset", "INCLUDETZOFFSET,no", " 261 , includetzoffset ", ",includeTZOffset,"] {
            assert_eq!(clock(wish).write(winter), "2026-01-07T13:00:00+01:00", "{wish}");
        }
        assert_eq!(clock("Europe/London,includeTZOffset").write(winter), "2026-01-07T12:00:00+00:00");
    }

    #[test]
    fn a_day_begins_and_ends_in_the_clients_zone() {
        for (text, from, to) in [
            ("2009-1-1", "2008-12-31T23:00:00Z", "2009-01-01T23:00:00Z"),
            ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            ("2026-07-01T23:30:00Z", "2026-07-01T22:00:00Z", "2026-07-02T22:00:00Z"),
            ("2026-07-01T12:00:00", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"),
        ] {
            let day = clock("").read_day(text);
            assert_eq!(day.map(|day| (Some(day.start), Some(day.end))), Some((utc(from), utc(to))), "{text}");
        }
        assert!(clock("").read_day("9999-12-31").is_some_and(|day| day.start.year() == 9999));
        assert!(clock("").today().contains(&clock::now()));
        for period in [Period::Week, Period::Month, Period::Quarter, Period::Half, Period::Year] {
            let (this, next) = (clock("").period(period, 0), clock("").period(period, 1));
            assert!(this.contains(&clock::now()) && this.end == next.start, "{period:?}");
        }
        for text in ["", "2026-13-01", "01.07.2026", "0000-01-01", "-0001-01-01"] {
            assert_eq!(clock("").read_day(text), None, "{text}");
        }
    }

    #[test]
    fn an_unknown_zone_and_two_zones_are_refused() {
        for wish in ["XX", "NO,DK", "includeTZOffsets", "NO;DK", "0", "-1"] {
            assert!(Clock::new(wish, &Zone::utc()).is_err(), "{wish}");
        }
    }

    #[test]
    fn a_time_without_a_suffix_is_in_the_clients_zone() {
        for (text, expected) in [
            ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"),
            ("2026-07-01T12:00:00.000Z", "2026-07-01T12:00:00Z"),
            ("2026-07-01T12:00:00-05:00", "2026-07-01T17:00:00Z"),
            ("2026-07-01T12:00:00", "2026-07-01T10:00:00Z"),
            ("2026-01-01", "2025-12-31T23:00:00Z"),
        ] {
            assert_eq!(clock("").read(text), utc(expected), "{text}");
        }
        for text in ["", "noon", "2026-13-01T00:00:00", "12:00", "2026-07-01T12:00:00[Europe/Oslo]"] {
            assert_eq!(clock("").read(text), None, "{text}");
        }
    }

    #[test]
    fn an_ambiguous_time_is_the_first_and_a_skipped_one_is_later() {
        let oslo = clock("NO,includeTZOffset");
        let twice = oslo.read("2026-10-25T02:30:00");
        assert_eq!(twice, utc("2026-10-25T00:30:00Z"));
        assert_eq!(oslo.write(twice), "2026-10-25T02:30:00+02:00");
        assert_eq!(oslo.write(utc("2026-10-25T01:30:00Z")), "2026-10-25T02:30:00+01:00");
        let skipped = oslo.read("2026-03-29T02:30:00");
        assert_eq!(oslo.write(skipped), "2026-03-29T03:30:00+02:00");
    }

    proptest! {
        #[test]
        fn any_header_and_any_time_parse_without_a_panic(wish in ".{0,30}", text in "[0-9TZ:+.-]{0,30}") {
            if let Ok(clock) = Clock::new(&wish, &Zone::utc()) {
                clock.read(&text);
            }
        }

        #[test]
        fn a_time_with_an_offset_parses_back_in_every_zone(
            seconds in -2_208_988_800i64..4_102_444_800, place in 0usize..250
        ) {
            let wish = format!("{},includeTZOffset", super::super::zone::entries()[place].code);
            let (clock, time) = (clock(&wish), Utc.timestamp_opt(seconds, 0).single());
            let read = clock.read(&clock.write(time)).expect("a time");
            // Before time zones, local times differed by seconds, which an offset cannot express.
            let (difference, limit) = ((read - time.expect("a time")).num_seconds(), if seconds < 100_000_000 { 60 } else { 1 });
            prop_assert!(difference.abs() < limit);
        }
    }
}
