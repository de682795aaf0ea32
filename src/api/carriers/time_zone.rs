//! `TimeZoneData`: a place, and the rules of its clocks (contract §5.5).

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};

use crate::localization::{Rule, Rules, zone::Place};

/// A place that SO-TimeZone can name, with the rules of its clocks this year.
#[derive(Clone, Debug, Object)]
#[oai(example)]
pub struct TimeZoneData {
    /// Its id, by which SO-TimeZone may name it; 0 where upstream's is not known.
    #[oai(rename = "TZLocationID")]
    pub tz_location_id: i32,
    /// The country, and its part where the country has several zones: `Norway`, `United States - Alaska`.
    #[oai(rename = "Name")]
    pub name: String,
    /// Its code, by which SO-TimeZone may name it: `NO`, `US-AK`.
    #[oai(rename = "TZLocationCode")]
    pub tz_location_code: String,
    /// The city that its time zone is named after.
    #[oai(rename = "TZLocationCities")]
    pub tz_location_cities: String,
    /// The number of the country in ISO 3166-1; 0 for none.
    #[oai(rename = "IsoNumber")]
    pub iso_number: i32,
    /// The rule of standard time, by the beginning of the year it is for.
    #[oai(rename = "TimeZoneSTDRules")]
    pub time_zone_std_rules: BTreeMap<String, TimeZoneRule>,
    /// The rule of daylight-saving time, by the beginning of the year it is for; empty where there is no such time.
    #[oai(rename = "TimeZoneDSTRules")]
    pub time_zone_dst_rules: BTreeMap<String, TimeZoneRule>,
}

/// When an offset is in force.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct TimeZoneRule {
    /// The day of the month on which it begins.
    pub start_day: i32,
    /// The month in which it begins.
    pub start_month: i32,
    /// The day of the month on which it ends.
    pub end_day: i32,
    /// The month in which it ends.
    pub end_month: i32,
    /// How many minutes the clocks are before UTC.
    #[oai(rename = "TZOffset")]
    pub tz_offset: i32,
    /// When it begins, in words: `0200 LAST-SUN-MAR`; empty where it holds all year.
    pub start_rule_pattern: String,
    /// When it ends, in words.
    pub end_rule_pattern: String,
}

impl TimeZoneData {
    /// A place, with its rules of a year.
    pub fn new(place: &Place, year: i16) -> Self {
        let Rules { standard, daylight_saving } = Rules::of(place.zone().rules(), year);
        let by_year = |rule: Rule| (format!("{year:04}-01-01T00:00:00"), rule.into());
        Self {
            tz_location_id: place.id,
            name: place.name.clone(),
            tz_location_code: place.code.to_owned(),
            tz_location_cities: place.city(),
            iso_number: place.country_number,
            time_zone_std_rules: BTreeMap::from([by_year(standard)]),
            time_zone_dst_rules: daylight_saving.into_iter().map(by_year).collect(),
        }
    }
}

impl From<Rule> for TimeZoneRule {
    fn from(rule: Rule) -> Self {
        Self {
            start_day: rule.start.day.into(),
            start_month: rule.start.month.into(),
            end_day: rule.end.day.into(),
            end_month: rule.end.month.into(),
            tz_offset: rule.offset_minutes,
            start_rule_pattern: rule.start.pattern,
            end_rule_pattern: rule.end.pattern,
        }
    }
}

impl Example for TimeZoneData {
    fn example() -> Self {
        let rule = |(start_day, start_month), (end_day, end_month), tz_offset, start: &str, end: &str| {
            let rule = TimeZoneRule {
                start_day,
                start_month,
                end_day,
                end_month,
                tz_offset,
                start_rule_pattern: start.to_owned(),
                end_rule_pattern: end.to_owned(),
            };
            BTreeMap::from([("2026-01-01T00:00:00".to_owned(), rule)])
        };
        let (spring, autumn) = ("0200 LAST-SUN-MAR", "0300 LAST-SUN-OCT");
        Self {
            tz_location_id: 261,
            name: "Norway".to_owned(),
            tz_location_code: "NO".to_owned(),
            tz_location_cities: "Oslo".to_owned(),
            iso_number: 578,
            time_zone_std_rules: rule((25, 10), (29, 3), 60, autumn, spring),
            time_zone_dst_rules: rule((29, 3), (25, 10), 120, spring, autumn),
        }
    }
}
