//! `TimeZoneData`: a location with the rules of its time zone (docs/upstream.md §5.5).

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};

use crate::localization::{DstRule, DstRules, zone::ZoneEntry};

/// A location that SO-TimeZone can name, with the rules of its time zone for this year.
#[derive(Clone, Debug, Object)]
#[oai(example)]
pub struct TimeZoneData {
    /// The id, which SO-TimeZone accepts; 0 when upstream's id is not known.
    #[oai(rename = "TZLocationID")]
    pub tz_location_id: i32,
    /// The country, with the region if the country has several time zones: `Norway`, `United States - Alaska`.
    #[oai(rename = "Name")]
    pub name: String,
    /// The code, which SO-TimeZone accepts: `NO`, `US-AK`.
    #[oai(rename = "TZLocationCode")]
    pub tz_location_code: String,
    /// The city that the time zone is named after.
    #[oai(rename = "TZLocationCities")]
    pub tz_location_cities: String,
    /// The ISO 3166-1 number of the country; 0 for none.
    #[oai(rename = "IsoNumber")]
    pub iso_number: i32,
    /// The rule of standard time. The key is the start of its year.
    #[oai(rename = "TimeZoneSTDRules")]
    pub time_zone_std_rules: BTreeMap<String, TimeZoneRule>,
    /// The rule of daylight-saving time. The key is the start of its year. Empty without daylight-saving time.
    #[oai(rename = "TimeZoneDSTRules")]
    pub time_zone_dst_rules: BTreeMap<String, TimeZoneRule>,
}

/// The period of a UTC offset.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct TimeZoneRule {
    /// The day of the month on which the period starts.
    pub start_day: i32,
    /// The month in which the period starts.
    pub start_month: i32,
    /// The day of the month on which the period ends.
    pub end_day: i32,
    /// The month in which the period ends.
    pub end_month: i32,
    /// The offset from UTC in minutes; positive east of Greenwich.
    #[oai(rename = "TZOffset")]
    pub tz_offset: i32,
    /// The rule for the start, such as `0200 LAST-SUN-MAR`; empty when the offset applies all year.
    pub start_rule_pattern: String,
    /// The rule for the end, such as `0300 LAST-SUN-OCT`; empty when the offset applies all year.
    pub end_rule_pattern: String,
}

impl TimeZoneData {
    /// A location with its rules for `year`.
    pub fn new(location: &ZoneEntry, year: i16) -> Self {
        let DstRules { standard, daylight_saving } = DstRules::of(location.zone().rules(), year);
        let by_year = |rule: DstRule| (format!("{year:04}-01-01T00:00:00"), rule.into());
        Self {
            tz_location_id: location.id,
            name: location.name.clone(),
            tz_location_code: location.code.to_owned(),
            tz_location_cities: location.city(),
            iso_number: location.country_number,
            time_zone_std_rules: BTreeMap::from([by_year(standard)]),
            time_zone_dst_rules: daylight_saving.into_iter().map(by_year).collect(),
        }
    }
}

impl From<DstRule> for TimeZoneRule {
    fn from(rule: DstRule) -> Self {
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
