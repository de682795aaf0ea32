//! A stored text that is built to be slow to resolve costs no more than a normal one.

use std::{
    env,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{Process, address, ask::Ask, folder};

/// The number of entries of the text; the variable `TEXTS` sets it.
fn entries() -> usize {
    env::var("TEXTS").ok().and_then(|entries| entries.parse().ok()).unwrap_or(4000)
}

/// An entry with an unknown language code, which used to be slow, and one with a known code.
const HOSTILE: &str = "ZZ:\"\";";
const HARMLESS: &str = "US:\"\";";
/// More readers than the server has worker threads.
const READERS: usize = 4;
/// The limit of the ratio between the times with hostile and harmless texts.
const MOST: f64 = 10.0;

/// Writes the text directly into the database, like a version without length limits.
fn store(folder: &Path, text: &str) {
    let database = rusqlite::Connection::open(folder.join("kommando.db")).expect("the database");
    database.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    let fields = serde_json::json!({ "x": text }).to_string();
    let changed = database.execute("UPDATE users SET custom_fields = ? WHERE id = 1", [fields]).expect("a change");
    assert_eq!(changed, 1);
}

fn read(address: &str) -> Duration {
    let ask = Ask::get("/api/v1/User/1").by("admin", "it's a secret").header("Accept-Language", "en");
    let started = Instant::now();
    ask.send(address).done();
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// The median times of reading the text, and of a health request meanwhile.
fn measure(address: &str) -> [f64; 2] {
    let is_over = AtomicBool::new(false);
    let read_on = || {
        let mut times = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            times.push(read(address));
        }
        times
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read_on)).collect();
        let health = |_| {
            let started = Instant::now();
            Ask::get("/health/live").send(address).done();
            started.elapsed()
        };
        let health = (0..50).map(health).collect();
        is_over.store(true, Ordering::Relaxed);
        let times = readers.into_iter().flat_map(|reader| reader.join().expect("times")).collect();
        [median(times), median(health)]
    })
}

#[test]
fn a_hostile_text_costs_no_more_than_a_harmless_one() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let measured = [HARMLESS, HOSTILE].map(|text| {
        store(folder.path(), &text.repeat(entries()));
        // The server sees the change of another process within a second.
        thread::sleep(Duration::from_secs(1));
        read(&address);
        measure(&address)
    });
    let [[harmless_read, harmless_health], [read, health]] = measured;
    println!("reading: {harmless_read:.4} s harmless, {read:.4} s hostile");
    println!("health beside it: {harmless_health:.4} s, {health:.4} s");
    assert!(read <= MOST * harmless_read, "{read} s to read, {harmless_read} s where it is harmless");
    assert!(health <= MOST * harmless_health, "{health} s for health, {harmless_health} s beside harmless readers");
}
