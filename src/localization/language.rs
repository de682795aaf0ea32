//! Languages, and how a client asks for them.

/// SuperOffice's own language codes with the ISO 639 codes (and cultures) they stand for (contract §5.2).
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

/// What switches translation off: `*` is what browsers send by themselves; the vendor's client sends the others.
const OFF: [&str; 4] = ["", "*", "x", "-"];

/// A language, named by SuperOffice's two-letter code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(&'static str);

impl Language {
    /// American English: what is shown where nothing else fits.
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

    /// The language of SuperOffice's code, which is in capitals.
    pub fn from_code(code: &str) -> Option<Self> {
        LANGUAGES.iter().find(|(known, _)| *known == code).map(|(known, _)| Self(known))
    }

    /// SuperOffice's code.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// The ISO code, with a country where the language is one country's.
    pub fn iso(self) -> &'static str {
        LANGUAGES.iter().find(|(code, _)| *code == self.0).map_or("en", |(_, iso)| iso)
    }

    /// The languages in which to look for a text, best first: this one, the one it is a variety of, American English.
    pub fn nearest(self) -> [Self; 3] {
        let without_country = self.iso().split('-').next().and_then(Self::from_iso);
        [self, without_country.unwrap_or(Self::US), Self::US]
    }

    /// Every language.
    pub fn all() -> impl Iterator<Item = Self> {
        LANGUAGES.iter().map(|(code, _)| Self(code))
    }

    /// Every ISO code that `from_iso` knows, for messages.
    pub fn known_iso_codes() -> String {
        Self::all().map(Self::iso).collect::<Vec<_>>().join(", ")
    }
}

/// The language tag that a client wants most, of a header such as `sv, en;q=0.8`; `None` when it wants no translation.
///
/// A list is read as RFC 9110 has it. What is malformed is passed over, and semicolons may stand for commas, as the
/// vendor's documentation has them. Tags of languages that nobody here knows count only where no other does.
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

/// The tags of one member of a list, each with the weight that stands behind it.
fn weighed(member: &str) -> impl Iterator<Item = (&str, f32)> {
    let parts = member.split(';').map(str::trim).filter(|part| !part.is_empty());
    let is_tag = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-*".contains(&byte));
    let quality = parts.clone().find_map(weight).map(|weight| quality(weight).unwrap_or(0.0));
    parts.filter(is_tag).map(move |tag| (tag, quality.unwrap_or(1.0)))
}

/// A weight of RFC 9110, from 0 to 1.
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
    fn languages_are_known_by_iso_code_without_regard_to_case() {
        assert_eq!(Language::from_iso("EN"), Some(Language::US));
        assert_eq!(Language::from_iso("nb"), Some(Language::NO));
        assert_eq!(Language::from_iso("nn-NO"), Some(Language::NO));
        assert_eq!(Language::from_iso("en-US"), Some(Language::US));
        assert_eq!(Language::from_iso("en-gb"), Some(Language("UK")));
        assert_eq!(Language::from_iso("xx"), None);
    }

    #[test]
    fn the_best_language_that_is_known_wins() {
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
    fn a_star_an_x_a_dash_and_nothing_switch_translation_off() {
        for header in ["", " ", "*", "x", "X", "-", "*, sv;q=0.5", "sv;q=0, *", ";", "???"] {
            assert_eq!(preferred_tag(header), None, "{header}");
        }
    }

    #[test]
    fn a_variety_of_a_language_leans_on_the_language_itself() {
        let [swiss, german, american] = Language("CH").nearest();
        assert_eq!([swiss.iso(), german.iso(), american.iso()], ["de-CH", "de", "en"]);
    }

    proptest! {
        #[test]
        fn of_any_list_one_member_is_taken_or_none(header in r"([a-zA-Z*-]{0,5}|;|,|q=[0-9.]{0,3}| |.){0,12}") {
            if let Some(tag) = preferred_tag(&header) {
                prop_assert!(header.split([',', ';']).any(|member| member.trim() == tag));
                prop_assert!(!OFF.contains(&tag));
            }
        }

        #[test]
        fn the_heaviest_of_known_languages_is_taken_wherever_it_stands(
            weights in prop::collection::btree_map(1u32..1000, 0usize..LANGUAGES.len(), 1..6), turn in 0usize..6
        ) {
            let mut members: Vec<_> =
                weights.iter().map(|(weight, index)| format!("{};q=0.{weight:03}", LANGUAGES[*index].1)).collect();
            let length = members.len();
            members.rotate_left(turn % length);
            let (_, heaviest) = weights.last_key_value().expect("a member");
            let header = members.join(", ");
            prop_assert_eq!(preferred_tag(&header), Some(LANGUAGES[*heaviest].1));
        }
    }
}
