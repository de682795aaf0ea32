//! Languages, and the language headers of clients.

/// SuperOffice's language codes with their ISO 639 codes or cultures (docs/upstream.md §5.2).
const LANGUAGES: [(&str, &str); 20] = [
    ("BR", "pt-BR"),
    ("CH", "de-CH"),
    ("CN", "zh"),
    ("CZ", "cs"),
    ("DA", "da"),
    ("FI", "fi"),
    ("FR", "fr"),
    ("GE", "de"),
    ("IT", "it"),
    ("JP", "ja"),
    ("KO", "ko"),
    ("NL", "nl"),
    ("NO", "nb"),
    ("PL", "pl"),
    ("RU", "ru"),
    ("SP", "es"),
    ("SW", "sv"),
    ("UK", "en-GB"),
    ("US", "en"),
    ("VI", "vi"),
];

/// Tags that switch translation off. HTTP clients send `*` by default; upstream's client sends the others.
const OFF: [&str; 4] = ["", "*", "x", "-"];

/// A language, named by SuperOffice's two-letter code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(&'static str);

impl Language {
    /// American English, the fallback.
    pub const US: Self = Self("US");
    /// Norwegian.
    pub const NO: Self = Self("NO");

    /// The language of an ISO code or culture, such as `nb` or `en-GB`.
    pub fn from_iso(iso: &str) -> Option<Self> {
        let known = |iso: &str| {
            let found = LANGUAGES.iter().find(|(_, known)| known.eq_ignore_ascii_case(iso));
            found.map(|(code, _)| Self(code))
        };
        let language = iso.split('-').next().unwrap_or_default();
        let is_norwegian = ["no", "nn"].iter().any(|code| language.eq_ignore_ascii_case(code));
        known(iso).or(is_norwegian.then_some(Self::NO)).or_else(|| known(language))
    }

    /// The language with SuperOffice's code, in upper case.
    pub fn from_code(code: &str) -> Option<Self> {
        LANGUAGES.iter().find(|(known, _)| *known == code).map(|(known, _)| Self(known))
    }

    /// SuperOffice's code.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// The ISO code; with a country for a regional variant.
    pub fn iso(self) -> &'static str {
        LANGUAGES.iter().find(|(code, _)| *code == self.0).map_or("en", |(_, iso)| iso)
    }

    /// The languages in which to look for a text, best first: this one, its base language, American English.
    pub fn nearest(self) -> [Self; 3] {
        let without_country = self.iso().split('-').next().and_then(Self::from_iso);
        [self, without_country.unwrap_or(Self::US), Self::US]
    }

    /// Every language.
    pub fn all() -> impl Iterator<Item = Self> {
        LANGUAGES.iter().map(|(code, _)| Self(code))
    }

    /// All known ISO codes, for messages.
    pub fn known_iso_codes() -> String {
        Self::all().map(Self::iso).collect::<Vec<_>>().join(", ")
    }
}

/// The preferred language tag of a header such as `sv, en;q=0.8`; `None` if the client wants no translation.
///
/// The list is read as RFC 9110 says. Malformed parts are skipped, and semicolons are accepted as separators, as in
/// upstream's documentation. A tag of an unknown language counts only if there is no known one.
pub fn preferred_tag(header: &str) -> Option<&str> {
    let (mut known, mut unknown): (Option<(&str, f32)>, Option<&str>) = (None, None);
    for (tag, quality) in header.split(',').flat_map(weighed) {
        let is_off = OFF.contains(&tag.to_ascii_lowercase().as_str());
        if is_off || Language::from_iso(tag).is_some() {
            if quality > known.map_or(0.0, |(_, best)| best) {
                known = Some((tag, quality));
            }
        } else if quality > 0.0 {
            unknown = unknown.or(Some(tag));
        }
    }
    let wanted = known.map(|(tag, _)| tag).or(unknown)?;
    (!OFF.iter().any(|off| off.eq_ignore_ascii_case(wanted))).then_some(wanted)
}

/// The tags of one list element, with their weight.
fn weighed(member: &str) -> impl Iterator<Item = (&str, f32)> {
    let parts = member.split(';').map(str::trim).filter(|part| !part.is_empty());
    let is_tag = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-*".contains(&byte));
    let quality = parts.clone().find_map(weight).map(|weight| quality(weight).unwrap_or(0.0));
    parts.filter(is_tag).map(move |tag| (tag, quality.unwrap_or(1.0)))
}

/// Parses a weight of RFC 9110, from 0 to 1.
pub fn quality(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality))
}

/// The weight in `q=0.8`.
fn weight(part: &str) -> Option<&str> {
    part.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn iso_codes_ignore_case() {
        assert_eq!(Language::from_iso("EN"), Some(Language::US));
        assert_eq!(Language::from_iso("nb"), Some(Language::NO));
        assert_eq!(Language::from_iso("nn-NO"), Some(Language::NO));
        assert_eq!(Language::from_iso("en-US"), Some(Language::US));
        assert_eq!(Language::from_iso("en-gb"), Some(Language("UK")));
        assert_eq!(Language::from_iso("xx"), None);
    }

    #[test]
    fn the_best_known_language_wins() {
        for (header, wanted) in [
            ("sv", Some("sv")),
            ("en;q=0.5, sv;q=0.8, xx", Some("sv")),
            ("en, sv", Some("en")),
            ("sv;q=0, en;q=0.1", Some("en")),
            (" nb-NO ;q=0.9 , *;q=0.1", Some("nb-NO")),
            ("xx", Some("xx")),
            ("en-us; en-gb", Some("en-us")),
            ("sv;q=x, da", Some("da")),
            (",,;q=1,sv;;", Some("sv")),
        ] {
            assert_eq!(preferred_tag(header), wanted, "{header}");
        }
    }

    #[test]
    fn star_x_dash_and_empty_switch_translation_off() {
        for header in ["", " ", "*", "x", "X", "-", "*, sv;q=0.5", "sv;q=0, *", ";", "???"] {
            assert_eq!(preferred_tag(header), None, "{header}");
        }
    }

    #[test]
    fn a_regional_variant_falls_back_to_its_language() {
        let [swiss, german, american] = Language("CH").nearest();
        assert_eq!([swiss.iso(), german.iso(), american.iso()], ["de-CH", "de", "en"]);
    }

    proptest! {
        #[test]
        fn the_result_is_one_element_of_the_list_or_none(header in r"([a-zA-Z*-]{0,5}|;|,|q=[0-9.]{0,3}| |.){0,12}") {
            if let Some(tag) = preferred_tag(&header) {
                prop_assert!(header.split([',', ';']).any(|member| member.trim() == tag));
                prop_assert!(!OFF.contains(&tag));
            }
        }

        #[test]
        fn the_known_language_with_the_highest_weight_wins(
            weights in prop::collection::btree_map(1u32..1000, 0usize..LANGUAGES.len(), 1..6), rotation in 0usize..6
        ) {
            let mut members: Vec<_> =
                weights.iter().map(|(weight, index)| format!("{};q=0.{weight:03}", LANGUAGES[*index].1)).collect();
            let length = members.len();
            members.rotate_left(rotation % length);
            let (_, heaviest) = weights.last_key_value().expect("a member");
            let header = members.join(", ");
            prop_assert_eq!(preferred_tag(&header), Some(LANGUAGES[*heaviest].1));
        }
    }
}
