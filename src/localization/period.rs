//! Calendar periods: the week, month, quarter, half or year of a day, and the periods before and after.

use std::ops::Range;

use jiff::{Span, civil::Date};

/// A period of the calendar. A week begins on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Week,
    Month,
    Quarter,
    Half,
    Year,
}

impl Period {
    /// The period `offset` periods after the one of `day`: its first day, and the first day after it. Both are limited
    /// to the calendar.
    pub fn around(self, day: Date, offset: i32) -> Range<Date> {
        let (first, length) = match self {
            Self::Week => {
                let since_monday = day.weekday().to_monday_zero_offset();
                (day.saturating_sub(Span::new().days(since_monday)), Span::new().days(7))
            }
            Self::Month => (first_of(day, 1), Span::new().months(1)),
            Self::Quarter => (first_of(day, 3), Span::new().months(3)),
            Self::Half => (first_of(day, 6), Span::new().months(6)),
            Self::Year => (first_of(day, 12), Span::new().months(12)),
        };
        let start = (0..offset.unsigned_abs()).fold(first, |start, _| match offset < 0 {
            true => start.saturating_sub(length),
            false => start.saturating_add(length),
        });
        start..start.saturating_add(length)
    }
}

/// The first day of the period of `months` months that contains the day.
fn first_of(day: Date, months: i8) -> Date {
    let since = (day.month() - 1) % months;
    day.first_of_month().saturating_sub(Span::new().months(since))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_period_has_its_calendar_length() {
        let (sunday, leap_day) = (date(2026, 3, 1), date(2028, 2, 29));
        for (period, day, offset, from, to) in [
            (Period::Week, sunday, 0, date(2026, 2, 23), date(2026, 3, 2)),
            (Period::Week, sunday, -1, date(2026, 2, 16), date(2026, 2, 23)),
            (Period::Week, date(2026, 3, 2), 1, date(2026, 3, 9), date(2026, 3, 16)),
            (Period::Month, leap_day, 0, date(2028, 2, 1), date(2028, 3, 1)),
            (Period::Month, date(2026, 12, 31), 1, date(2027, 1, 1), date(2027, 2, 1)),
            (Period::Month, date(2026, 1, 31), -1, date(2025, 12, 1), date(2026, 1, 1)),
            (Period::Quarter, leap_day, 0, date(2028, 1, 1), date(2028, 4, 1)),
            (Period::Quarter, leap_day, -1, date(2027, 10, 1), date(2028, 1, 1)),
            (Period::Quarter, date(2026, 11, 30), 1, date(2027, 1, 1), date(2027, 4, 1)),
            (Period::Half, date(2026, 6, 30), 0, date(2026, 1, 1), date(2026, 7, 1)),
            (Period::Half, date(2026, 7, 1), 0, date(2026, 7, 1), date(2027, 1, 1)),
            (Period::Year, leap_day, 0, date(2028, 1, 1), date(2029, 1, 1)),
        ] {
            assert_eq!(period.around(day, offset), from..to, "{period:?} of {day}, {offset}");
        }
    }

    #[test]
    fn a_period_at_the_end_of_the_calendar_stays_within_it() {
        let last = Period::Year.around(Date::MAX, 0);
        assert_eq!((last.start, last.end), (date(9999, 1, 1), Date::MAX));
        assert_eq!(Period::Week.around(Date::MIN, -1).start, Date::MIN);
    }
}
