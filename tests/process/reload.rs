//! Reloading definitions under load.

use std::{
    collections::HashSet,
    env, fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use kommando::{commands::Catalog, executions::execution, store::Store};
use sea_orm::EntityTrait;

use crate::{Process, address, folder, send};

const CLIENTS: usize = 8;

/// How often the definitions change; the variable `RELOADS` sets it.
fn reloads() -> u32 {
    env::var("RELOADS").ok().and_then(|reloads| reloads.parse().ok()).unwrap_or(10)
}

/// Replaces the definition atomically, and returns its hash when it is valid.
fn write(folder: &Path, number: u32, is_right: bool) -> Option<String> {
    let steps = if is_right { "steps:\n  - message: {text: Hi}\n" } else { "steps: []\n" };
    let text = format!("name: greet\ndisplay_name: Greet {number}\nallow_roles: [Administrator]\n{steps}");
    let aside = folder.join("greet.yaml.new");
    fs::write(&aside, text).expect("a file");
    fs::rename(aside, folder.join("greet.yaml")).expect("a file in place");
    let catalog = Catalog::from_folder(folder).ok()?;
    catalog.find("greet").map(|entry| entry.hash.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_definitions_under_load_fails_no_request() {
    let folder = folder();
    let definitions = folder.path().join("definitions");
    fs::create_dir(&definitions).expect("a folder");
    let mut right = HashSet::from([write(&definitions, 0, true).expect("a right definition")]);
    let words = ["serve", "--demo", "--commands", "definitions"];
    let mut process = Process::start(folder.path(), &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")]);
    let address = address(&process.banner());
    process.logs("listening");

    let (stop, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    let head = "POST /api/v1/User/2/CustomCommand/greet HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = send(&address, head).expect("an answer");
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 1..=reloads() {
            let before = answered.load(Ordering::Relaxed);
            let is_right = number % 2 == 0;
            right.extend(write(&definitions, number, is_right));
            process.signal("HUP");
            process.forget_log();
            process.logs(if is_right { "reloaded the definitions" } else { "the old ones stay in force" });
            // Some requests run before the next change.
            while answered.load(Ordering::Relaxed) < before + 5 && !stop.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    drop(process);

    let url = format!("sqlite://{}", folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    let executions = execution::Entity::find().all(store.reader()).await.expect("an answer");
    let seen: HashSet<_> = executions.iter().map(|one| one.definition_hash.clone()).collect();
    println!("{} reloads, {} requests, {} definitions seen", reloads(), executions.len(), seen.len());
    assert!(executions.len() >= answered.load(Ordering::Relaxed) as usize);
    assert!(seen.is_subset(&right), "an invalid definition ran");
    assert!(seen.len() > 1, "no change was seen");
}
