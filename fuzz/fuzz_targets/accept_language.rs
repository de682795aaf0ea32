//! Accept-Language and SO-Language: the preferred tag of any list is in the list, and sets a language.

#![no_main]

use kommando::localization::{Locale, LocalePreferences, Zone, preferred_tag};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let tag = preferred_tag(header);
    assert!(tag.is_none_or(|tag| header.contains(tag) && !["", "*", "x", "X", "-"].contains(&tag)));
    let preferences = LocalePreferences { accept_language: Some(header), ..LocalePreferences::default() };
    let locale = Locale::new(preferences, &Zone::utc()).expect("the default zone");
    assert_eq!(locale.language().is_some(), tag.is_some());
});
