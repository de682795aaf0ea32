//! A stored text that is made to be slow to read: reading it costs what its length costs, and others do not notice.

use std::{
    env,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{Process, address, ask::Ask, folder};

/// How many entries the text has: `TEXTS`, or some.
fn entries() -> usize {
    env::var("TEXTS").ok().and_then(|entries| entries.parse().ok()).unwrap_or(4000)
}

/// A code of no language, which was slow to read, and one of a language.
const HOSTILE: &str = "ZZ:\"\";";
const HARMLESS: &str = "US:\"\";";
/// More readers than the server has workers.
const READERS: usize = 4;
/// The most times as long as beside harmless texts.
const MOST: f64 = 10.0;

/// Writes the text into the database beside the server, as a version without limits did.
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

/// How long reading the text takes, and how long others wait for the server's health meanwhile.
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
fn a_hostile_text_costs_and_delays_no_more_than_a_harmless_one() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let measured = [HARMLESS, HOSTILE].map(|text| {
        store(folder.path(), &text.repeat(entries()));
        // The server hears of changes that others make within a second.
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
