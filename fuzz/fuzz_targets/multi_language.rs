//! Multi-language strings: plain text is unchanged, and the result is never longer than the input.

#![no_main]

use kommando::localization::{Locale, LocalePreferences, Zone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let preferences = LocalePreferences { so_language: Some("sv"), ..LocalePreferences::default() };
    let locale = Locale::new(preferences, &Zone::utc()).expect("the default zone");
    let resolved = locale.resolve(text);
    let is_plain = !text.contains(":\"") && !text.contains('[');
    assert!(!is_plain || resolved == text);
    assert!(text.contains('[') || resolved.len() <= text.len());
});
