//! What stands in brackets: no culture is put off by any of it, and no text grows out of measure.

#![no_main]

use kommando::localization::{Locale, Wishes, Zone};
use libfuzzer_sys::fuzz_target;

const CULTURES: [&str; 8] = ["en-US", "nb-NO", "de-CH", "fr", "ja-JP", "vi", "zh-CN", "ru-RU"];

/// More than the longest of the server's own texts, for each of the shortest ids.
const GROWTH: usize = 16;

fuzz_target!(|input: (u8, &str)| {
    let (culture, text) = (CULTURES[usize::from(input.0) % CULTURES.len()], input.1);
    let wishes = Wishes { so_language: Some("en"), so_culture: Some(culture), ..Wishes::default() };
    let locale = Locale::new(wishes, &Zone::utc()).expect("no zone is asked for");
    let resolved = locale.resolve(text);
    assert!(resolved.matches('[').count() <= text.matches('[').count());
    assert!(resolved.len() <= GROWTH * text.len());
});
