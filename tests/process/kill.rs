//! What is left when the server is killed: everything that was acknowledged, once.

use std::{
    collections::HashSet,
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use kommando::{
    app::audit_key,
    records::{
        audit, execution,
        idempotency::{self, Scope},
    },
    store::Store,
};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{Process, address, folder, send};

const CLIENTS: usize = 16;
const ADMIN: i32 = 1;
const BJORN: i32 = 3;
/// Commands and the answers with which they leave a record under their key.
const COMMANDS: [(&str, &str); 5] =
    [("hello", "Yes"), ("about", "Ok"), ("set-away", "Yes"), ("reset-password", "Ok"), ("deactivate", "No")];

/// How often the server is killed: `KILLS`, or a few times.
fn kills() -> u32 {
    env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5)
}

/// Sends one request until it is answered for good, over kills and restarts; false when told to stop before.
fn run_once(server: &Mutex<String>, stop: &AtomicBool, command: &str, answer: &str, key: &str) -> bool {
    let head = format!(
        "POST /api/v1/User/{BJORN}/CustomCommand/{command}?actionResult={answer} HTTP/1.1\r\n\
         Authorization: Basic YWRtaW46aXQncw==\r\nIdempotency-Key: {key}"
    );
    while !stop.load(Ordering::Relaxed) {
        let address = server.lock().expect("an address").clone();
        match send(&address, &head) {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => return true,
            Ok(answer) if answer.starts_with("HTTP/1.1 409") || answer.starts_with("HTTP/1.1 503") => {}
            Ok(answer) if !answer.is_empty() => panic!("{command} under {key}: {answer}"),
            _ => thread::sleep(Duration::from_millis(5)),
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_happens_twice() {
    let folder = folder();
    let mut process = Some(Process::demo(folder.path()));
    let server = Mutex::new(address(&process.as_mut().expect("a server").banner()));
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(HashSet::new()));
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, stop, acknowledged) = (&server, &stop, &acknowledged);
            scope.spawn(move || {
                for (request, (command, answer)) in COMMANDS.iter().cycle().enumerate() {
                    let key = format!("{client}-{request}");
                    if !run_once(server, stop, command, answer, &key) {
                        return;
                    }
                    acknowledged.lock().expect("a set").insert((*command, key));
                }
            });
        }
        for kill in 0..kills() {
            // From in the middle of the start to in full swing.
            thread::sleep(Duration::from_millis(u64::from(kill * 97 % 500)));
            drop(process.take()); // that kills it
            let started = process.insert(Process::demo(folder.path()));
            *server.lock().expect("an address") = address(&started.banner());
        }
        thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
    });
    drop(process);

    let url = format!("sqlite://{}", folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    let acknowledged = acknowledged.into_inner().expect("a set");
    let mut lost = 0;
    for (command, key) in &acknowledged {
        let scope = Scope::new(ADMIN, BJORN, command, key);
        let found = idempotency::find(store.reader(), &scope).await.expect("an answer");
        lost += u32::from(found.is_none());
    }
    let keys = idempotency::Entity::find().count(store.reader()).await.expect("a count");
    let executions = execution::Entity::find().count(store.reader()).await.expect("a count");
    let audit_key = audit_key::load(&url).expect("a key");
    let chain = audit::verify(store.reader(), &audit_key, None, |_| {}).await.expect("an answer");
    println!(
        "{} kills, {} acknowledged, {lost} lost, {executions} executions under {keys} keys, chain of {}",
        kills(),
        acknowledged.len(),
        chain.head.position
    );
    assert!(!acknowledged.is_empty());
    assert_eq!(lost, 0, "acknowledged and lost");
    assert_eq!(executions, keys, "happened twice");
    assert_eq!((chain.broken, chain.unlinked), (None, 0));
    assert_eq!(u64::try_from(chain.head.position).expect("a place"), executions, "without an audit entry");
}
