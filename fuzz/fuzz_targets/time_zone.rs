//! SO-TimeZone: a time that is written with an offset parses back in any zone.

#![no_main]

use chrono::DateTime;
use kommando::localization::{Clock, Zone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, i32)| {
    let (wish, date, seconds) = input;
    let Ok(clock) = Clock::new(wish, &Zone::utc()) else { return };
    if let Some(read) = clock.read(date) {
        clock.write(Some(read));
    }
    let wish = format!("{},includeTZOffset", clock.zone());
    let with_offset = Clock::new(&wish, &Zone::utc()).expect("its own name");
    let time = DateTime::from_timestamp(seconds.into(), 0);
    let written = with_offset.write(time);
    let read = Clock::of(Zone::utc()).read(&written).expect("a date that was written");
    // Until 1972, some local times differed by seconds, which an offset cannot express.
    assert!((read - time.expect("a time")).num_seconds().abs() < 60, "{written}");
});
