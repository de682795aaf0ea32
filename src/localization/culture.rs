//! Formats numbers and dates within texts for a culture. Numbers and dates of JSON do not depend on the culture.

use std::cell::OnceCell;

use icu_datetime::{
    FixedCalendarDateTimeFormatter, NoCalendarFormatter,
    fieldsets::{T, YMD},
    input::{Date, Time},
    options::YearStyle,
};
use icu_decimal::{
    DecimalFormatter,
    input::Decimal,
    options::{DecimalFormatterOptions, GroupingStrategy},
};
use icu_locale_core::{LanguageIdentifier, Locale, langid};
use jiff::civil;

use super::{Language, encoded_value::Encoded};

/// Maximum length of a tag, in bytes; RFC 5646 requires 35. Of a longer tag, only the language is used.
const MAX_TAG: usize = 64;

/// A culture, such as `nb-NO`. A language without a country means its most common culture.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Culture(LanguageIdentifier);

/// Formats a date. A closure, because icu_datetime does not export the type of the calendar.
type DateFormatter = Box<dyn Fn(civil::Date) -> Option<String>>;

/// The formatters for the values of one string. Each is created at its first use.
pub struct Formatters<'a> {
    culture: &'a Culture,
    number: OnceCell<Option<DecimalFormatter>>,
    date: OnceCell<Option<DateFormatter>>,
    time: OnceCell<Option<NoCalendarFormatter<T>>>,
}

impl Culture {
    /// The culture of a tag; American English if the tag is unknown.
    pub fn new(tag: &str) -> Self {
        let read = |language: Language| if tag.len() > MAX_TAG { language.iso() } else { tag }.parse::<Locale>().ok();
        Self(Language::from_iso(tag).and_then(read).map_or(langid!("en-US"), |locale| locale.id))
    }

    /// The formatters for one string.
    pub fn formatters(&self) -> Formatters<'_> {
        Formatters { culture: self, number: OnceCell::new(), date: OnceCell::new(), time: OnceCell::new() }
    }
}

impl Formatters<'_> {
    /// Formats a value. `None` if it cannot be formatted.
    pub fn format(&self, value: &Encoded) -> Option<String> {
        match value {
            Encoded::Integers(numbers) => {
                let written: Option<Vec<_>> =
                    numbers.iter().map(|number| self.number(&Decimal::from(*number))).collect();
                written.map(|numbers| numbers.join(", "))
            }
            Encoded::Number(number) => self.number(number),
            Encoded::Date(date) => self.date(*date),
            Encoded::DateTime(moment) => Some(format!("{} {}", self.date(moment.date())?, self.time(moment.time())?)),
            Encoded::Time(time) => self.time(*time),
            Encoded::Span(seconds) => Some(span(*seconds)),
            Encoded::Bytes(base64) => Some(base64.clone()),
        }
    }

    // Upstream writes `1234,5` for Norwegian: no digit groups (docs/upstream.md §5.4).
    fn number(&self, number: &Decimal) -> Option<String> {
        let formatter = self.number.get_or_init(|| {
            let mut options = DecimalFormatterOptions::default();
            options.grouping_strategy = Some(GroupingStrategy::Never);
            DecimalFormatter::try_new((&self.culture.0).into(), options).ok()
        });
        Some(formatter.as_ref()?.format(number).to_string())
    }

    fn date(&self, date: civil::Date) -> Option<String> {
        let write = self.date.get_or_init(|| {
            let form = YMD::short().with_year_style(YearStyle::Full);
            let formatter = FixedCalendarDateTimeFormatter::try_new((&self.culture.0).into(), form).ok()?;
            Some(Box::new(move |date: civil::Date| {
                let (month, day) = (date.month().cast_unsigned(), date.day().cast_unsigned());
                let date = Date::try_new_gregorian(date.year().into(), month, day).ok()?;
                Some(plain_spaces(&formatter.format(&date).to_string()))
            }))
        });
        write.as_ref()?(date)
    }

    fn time(&self, time: civil::Time) -> Option<String> {
        let formatter = self.time.get_or_init(|| NoCalendarFormatter::try_new((&self.culture.0).into(), T::hm()).ok());
        let time = Time::try_new(time.hour().cast_unsigned(), time.minute().cast_unsigned(), 0, 0).ok()?;
        Some(plain_spaces(&formatter.as_ref()?.format(&time).to_string()))
    }
}

/// Replaces the no-break spaces of CLDR, such as the one before `PM`, by plain spaces, as upstream writes them.
fn plain_spaces(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// Formats a time span as days, hours, minutes and seconds, the same in every culture: `1.02:03:04`.
fn span(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    format!("{sign}{days}{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(culture: &str, encoded: &str) -> String {
        let value = Encoded::read(encoded).expect("a value");
        Culture::new(culture).formatters().format(&value).expect("a text")
    }

    #[test]
    fn every_kind_of_value_is_formatted_for_the_culture() {
        for (encoded, american, norwegian, german) in [
            ("I:1234", "1234", "1234", "1234"),
            ("A:3,4,5", "3, 4, 5", "3, 4, 5", "3, 4, 5"),
            ("F:1234.5", "1234.5", "1234,5", "1234,5"),
            ("M:1234.50", "1234.50", "1234,50", "1234,50"),
            ("D:03/28/2019 00:00:00.0000000", "3/28/2019", "28.03.2019", "28.03.2019"),
            ("T:06/19/2019 14:35:56.00000", "2:35 PM", "14:35", "14:35"),
            ("DT:05/31/2024 14:24:23", "5/31/2024 2:24 PM", "31.05.2024 14:24", "31.05.2024 14:24"),
            ("TS:500", "00:08:20", "00:08:20", "00:08:20"),
            ("TS:-93784", "-1.02:03:04", "-1.02:03:04", "-1.02:03:04"),
            ("B:AQID", "AQID", "AQID", "AQID"),
        ] {
            let all = ["en-US", "nb-NO", "de-DE"].map(|culture| written(culture, encoded));
            assert_eq!(all, [american, norwegian, german], "{encoded}");
        }
    }

    #[test]
    fn a_language_means_its_most_common_culture() {
        for (culture, date) in [
            ("nb", "28.03.2019"),
            ("no", "28.03.2019"),
            ("en", "3/28/2019"),
            ("en-GB", "28/03/2019"),
            ("sv", "2019-03-28"),
        ] {
            assert_eq!(written(culture, "D:2019-03-28"), date, "{culture}");
        }
    }

    #[test]
    fn an_unknown_culture_is_american() {
        for culture in ["xx-YY", "", "?", "tlh", "nb_NO!"] {
            assert_eq!(written(culture, "D:2019-03-28"), "3/28/2019", "{culture}");
        }
    }

    #[test]
    fn of_a_tag_that_is_too_long_only_the_language_is_used() {
        let long = format!("de-DE-{}", ["abcde"; 12].join("-"));
        assert!(long.len() > MAX_TAG);
        assert_eq!(
            (Culture::new(&long), written(&long, "D:2019-03-28")),
            (Culture::new("de"), "28.03.2019".to_owned())
        );
    }

    #[test]
    fn extensions_of_a_tag_change_neither_calendar_nor_digits() {
        assert_eq!(written("en-US-u-ca-buddhist-nu-deva", "D:2019-03-28"), "3/28/2019");
    }
}
