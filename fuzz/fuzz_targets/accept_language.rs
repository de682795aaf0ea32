//! Accept-Language and SO-Language: whatever the list, the tag is one of it, and stands for a language or for none.

#![no_main]

use kommando::localization::{Locale, Wishes, Zone, preferred_tag};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let tag = preferred_tag(header);
    assert!(tag.is_none_or(|tag| header.contains(tag) && !["", "*", "x", "X", "-"].contains(&tag)));
    let wishes = Wishes { accept_language: Some(header), ..Wishes::default() };
    let locale = Locale::new(wishes, &Zone::utc()).expect("no zone is asked for");
    assert_eq!(locale.language().is_some(), tag.is_some());
});
