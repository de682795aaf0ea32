//! Placeholders: no input makes any culture panic, and the result is limited in length.

#![no_main]

use kommando::localization::{Locale, LocalePreferences, Zone};
use libfuzzer_sys::fuzz_target;

const CULTURES: [&str; 8] = ["en-US", "nb-NO", "de-CH", "fr", "ja-JP", "vi", "zh-CN", "ru-RU"];

/// Limit for the growth of a text: more than the server's longest text divided by its shortest id.
const GROWTH: usize = 16;

fuzz_target!(|input: (u8, &str)| {
    let (culture, text) = (CULTURES[usize::from(input.0) % CULTURES.len()], input.1);
    let preferences =
        LocalePreferences { so_language: Some("en"), so_culture: Some(culture), ..LocalePreferences::default() };
    let locale = Locale::new(preferences, &Zone::utc()).expect("the default zone");
    let resolved = locale.resolve(text);
    assert!(resolved.matches('[').count() <= text.matches('[').count());
    assert!(resolved.len() <= GROWTH * text.len());
});
