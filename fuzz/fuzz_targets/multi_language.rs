//! Strings in several languages: what is not understood stays, and what is understood makes nothing up.

#![no_main]

use kommando::localization::{Locale, Wishes, Zone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let wishes = Wishes { so_language: Some("sv"), ..Wishes::default() };
    let locale = Locale::new(wishes, &Zone::utc()).expect("no zone is asked for");
    let resolved = locale.resolve(text);
    let is_plain = !text.contains(":\"") && !text.contains('[');
    assert!(!is_plain || resolved == text);
    assert!(text.contains('[') || resolved.len() <= text.len());
});
