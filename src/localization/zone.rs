//! Time zones and their entries as upstream names them (docs/upstream.md §5.5): countries with one zone, and the
//! states, provinces and territories of three countries with several zones. The rules come from the tz database.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::LazyLock,
};

use jiff::{civil, tz::TimeZone};

/// Tables of the tz database: the zones of each country, and the names of countries.
const ZONES: &str = include_str!("../../localization/zone.tab");
const COUNTRIES: &str = include_str!("../../localization/iso3166.tab");
const NUMBERS: &str = include_str!("../../localization/iso3166-numbers.tab");
const SUBDIVISIONS: &str = include_str!("../../localization/subdivisions.tab");

/// The known ids of upstream's entries. Upstream does not publish a full list (docs/upstream.md §5.5).
const IDS: [(&str, i32); 10] = [
    ("UTC", 1),
    ("AU-ACT", 36),
    ("BD", 50),
    ("CA-QC", 114),
    ("DK", 140),
    ("FR", 156),
    ("NO", 261),
    ("US-CA", 425),
    ("US-HI", 433),
    ("US-NY", 460),
];

const UTC: &str = "UTC";
/// Other names of UTC in the tz database.
const LINKS_OF_UTC: [&str; 6] = ["Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "Universal", "Zulu"];
/// The offsets in this year decide whether the zones of a country are the same.
const SAMPLE_YEAR: i16 = 2025;

/// A country or part of a country that a client can name, with its time zone.
#[derive(Debug)]
pub struct ZoneEntry {
    /// Upstream's id; 0 if it is unknown.
    pub id: i32,
    /// The code, such as `NO` or `US-NY`.
    pub code: &'static str,
    /// The name, such as `Norway` or `United States - New York`.
    pub name: String,
    /// The country's number in ISO 3166-1.
    pub country_number: i32,
    /// The zone's name in the tz database.
    iana: &'static str,
}

impl ZoneEntry {
    /// The city that the zone is named after.
    pub fn city(&self) -> String {
        self.iana.rsplit('/').next().unwrap_or_default().replace('_', " ")
    }

    pub fn zone(&self) -> Zone {
        Zone { name: self.code.to_owned(), rules: TimeZone::get(self.iana).unwrap_or(TimeZone::UTC) }
    }
}

/// All entries, sorted by code.
pub fn entries() -> &'static [ZoneEntry] {
    static ENTRIES: LazyLock<Vec<ZoneEntry>> = LazyLock::new(|| {
        let mut entries: Vec<_> = countries().into_iter().chain(subdivisions()).collect();
        entries.push(ZoneEntry { id: id(UTC), code: UTC, name: UTC.to_owned(), country_number: 0, iana: UTC });
        entries.sort_by_key(|entry| entry.code);
        entries
    });
    &ENTRIES
}

fn countries() -> Vec<ZoneEntry> {
    let mut zones: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows(ZONES) {
        zones.entry(row[0]).or_default().push(row[2]);
    }
    let only = zones.into_iter().filter_map(|(code, zones)| Some((code, same_time(&zones)?)));
    let entry = |(code, iana): (&'static str, &'static str)| ZoneEntry {
        id: id(code),
        code,
        name: country(code).to_owned(),
        country_number: number(code),
        iana,
    };
    only.map(entry).collect()
}

/// The first of the zones, if all have the same offsets today, as the two of Germany.
fn same_time(zones: &[&'static str]) -> Option<&'static str> {
    let days = (1..=12).flat_map(|month| [1, 15].map(|day| civil::date(SAMPLE_YEAR, month, day).at(12, 0, 0, 0)));
    let times: Vec<_> = days.filter_map(|day| TimeZone::UTC.to_timestamp(day).ok()).collect();
    let offsets = |zone: &str| {
        let rules = TimeZone::get(zone).ok()?;
        Some(times.iter().map(|time| rules.to_offset(*time)).collect::<Vec<_>>())
    };
    let first = offsets(zones.first()?)?;
    zones.iter().all(|zone| offsets(zone).as_ref() == Some(&first)).then(|| zones[0])
}

fn subdivisions() -> impl Iterator<Item = ZoneEntry> {
    rows(SUBDIVISIONS).map(|row| {
        let country_code = row[0].split('-').next().unwrap_or_default();
        ZoneEntry {
            id: id(row[0]),
            code: row[0],
            name: format!("{} - {}", country(country_code), row[2]),
            country_number: number(country_code),
            iana: row[1],
        }
    })
}

/// The rows of a tab-separated table. Missing columns are empty.
fn rows(table: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| {
        let mut columns = line.split('\t');
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    })
}

fn country(code: &str) -> &'static str {
    rows(COUNTRIES).find(|row| row[0] == code).map_or("", |row| row[1])
}

fn number(code: &str) -> i32 {
    rows(NUMBERS).find(|row| row[0] == code).and_then(|row| row[1].parse().ok()).unwrap_or_default()
}

fn id(code: &str) -> i32 {
    IDS.iter().find(|(known, _)| *known == code).map_or(0, |(_, id)| *id)
}

/// A time zone with its name for clients. Zones with the same name have the same rules.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// There is no time zone with this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{0}`; use a code such as NO or US-NY, or a name such as Europe/Oslo")]
pub struct UnknownZone(pub String);

impl UnknownZone {
    /// Maximum number of characters of the name in the message.
    const SHOWN: usize = 60;

    pub fn named(name: &str) -> Self {
        match name.char_indices().nth(Self::SHOWN) {
            None => Self(name.to_owned()),
            Some((end, _)) => Self(format!("{}…", &name[..end])),
        }
    }
}

impl Zone {
    pub fn utc() -> Self {
        Self { name: UTC.to_owned(), rules: TimeZone::UTC }
    }

    /// The code of its entry, or its name in the tz database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules of the tz database.
    pub fn rules(&self) -> &TimeZone {
        &self.rules
    }

    pub fn is_utc(&self) -> bool {
        self.rules == TimeZone::UTC
    }
}

/// Parses a code, an id, or a name of the tz database, ignoring case. Upstream does not accept names of the tz
/// database.
impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        if LINKS_OF_UTC.iter().chain([&UTC]).any(|utc| utc.eq_ignore_ascii_case(name)) {
            return Ok(Self::utc());
        }
        // Only names of the tz database have a slash. With them, the entries need not be built.
        let entry = if name.contains('/') { None } else { by_code(name).or_else(|| by_id(name)) };
        if let Some(entry) = entry {
            return Ok(entry.zone());
        }
        let rules = TimeZone::get(name).ok().filter(|rules| !rules.is_unknown());
        let known = rules.and_then(|rules| Some(Self { name: rules.iana_name()?.to_owned(), rules }));
        known.ok_or_else(|| UnknownZone::named(name))
    }
}

fn by_code(code: &str) -> Option<&'static ZoneEntry> {
    let code = code.to_ascii_uppercase();
    let found = entries().binary_search_by(|entry| entry.code.cmp(&code)).ok()?;
    entries().get(found)
}

fn by_id(id: &str) -> Option<&'static ZoneEntry> {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let id: i32 = id.parse().ok().filter(|id| is_id && *id != 0)?;
    entries().iter().find(|entry| entry.id == id)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iana(name: &str) -> Option<String> {
        let zone: Zone = name.parse().ok()?;
        Some(zone.rules.iana_name().unwrap_or("UTC").to_owned())
    }

    #[test]
    fn the_known_ids_name_their_entries() {
        for (code, id) in IDS {
            let (by_code, by_id): (Zone, Zone) =
                (code.parse().expect("a zone"), id.to_string().parse().expect("a zone"));
            assert_eq!(by_code, by_id);
            assert_eq!(by_id.name(), code);
        }
    }

    #[test]
    fn codes_and_names_ignore_case() {
        for (name, expected) in [
            ("no", "Europe/Oslo"),
            ("utc", "UTC"),
            ("us-ny", "America/New_York"),
            ("CA-QC", "America/Toronto"),
            ("AU-ACT", "Australia/Sydney"),
            ("europe/oslo", "Europe/Oslo"),
            ("461", ""),
            ("0", ""),
            ("US", ""), // has several
            ("Etc/Unknown", ""),
            ("", ""),
            ("+261", ""),
        ] {
            assert_eq!(iana(name).unwrap_or_default(), expected, "{name}");
        }
    }

    #[test]
    fn every_entry_has_a_zone_of_the_tz_database_and_a_country() {
        assert!(entries().len() > 250);
        assert!(entries().is_sorted_by(|one, other| one.code < other.code), "codes are unique");
        for entry in entries() {
            assert!(TimeZone::get(entry.iana).is_ok(), "{}", entry.iana);
            assert!(!entry.name.is_empty() && (entry.country_number > 0 || entry.code == UTC), "{entry:?}");
        }
    }

    #[test]
    fn ids_follow_the_order_of_codes_as_upstreams_do() {
        let ids: Vec<_> = entries().iter().map(|entry| entry.id).filter(|id| *id > 1).collect();
        assert!(ids.is_sorted() && ids.len() == IDS.len() - 1);
    }
}
