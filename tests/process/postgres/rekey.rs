//! The key of the audit chain is changed while several servers write.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use kommando::executions::audit::{self, AuditKey};
use sea_orm::EntityTrait;
use serde_json::json;

use super::{Cluster, open, settle_chain};
use crate::{Process, address, ask::Ask, folder, kill::Stop};

const CLIENTS: usize = 6;
const PASSWORD: &str = "it's a secret";
/// The phases of the test. Without the key the servers refuse to write; before and after, no write may fail.
const BEFORE: usize = 0;
const WITHOUT_KEY: usize = 1;
const AFTER: usize = 2;

fn write_key(path: &Path, key: &str) {
    let partial = path.with_extension("partial");
    fs::write(&partial, key).expect("a file");
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::rename(partial, path).expect("a file");
}

fn key(letter: &str) -> String {
    letter.repeat(40)
}

/// Changes the key from that of one letter to that of another.
fn rekey(folder: &Path, cluster: &Cluster, former: &str, new: &str) {
    let file = folder.join("new.key");
    write_key(&file, &key(new));
    let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
    let former_file = folder.join("former.key");
    write_key(&former_file, &key(former));
    command.args(["audit", "rekey", "--new-key-file"]).arg(file).arg("--former-key-file").arg(former_file);
    let variables = cluster.variables().into_iter().filter(|(name, _)| *name != "KOMMANDO_AUDIT_KEY");
    // As on a machine with a server.
    let variables = variables.chain([("KOMMANDO_AUDIT_KEY_FILE", folder.join("audit.key").display().to_string())]);
    let end = command.envs(variables).output().expect("an end");
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/all runs it"]
async fn servers_go_on_with_another_key_and_refuse_to_write_without_it() {
    let (cluster, folder) = (Cluster::start(), folder());
    let file = folder.path().join("audit.key");
    write_key(&file, &key("a"));
    let variables = cluster.variables();
    let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
    let mut variables: Vec<_> = variables.filter(|(name, _)| *name != "KOMMANDO_AUDIT_KEY").collect();
    let place = file.display().to_string();
    variables.push(("KOMMANDO_AUDIT_KEY_FILE", &place));
    let mut servers: Vec<_> = (0..2).map(|_| Process::start(folder.path(), &["serve", "--demo"], &variables)).collect();
    let addresses: Vec<_> = servers.iter_mut().map(|server| address(&server.banner())).collect();
    let (done, failed, stop) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Stop::default());
    let phase = AtomicUsize::new(BEFORE);
    thread::scope(|scope| {
        let stop_at_the_end = stop.clone();
        for client in 0..CLIENTS {
            let (addresses, done, failed, stop, phase) = (&addresses, &done, &failed, &stop.0, &phase);
            scope.spawn(move || {
                for number in 0_usize.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // Each client changes its own user, by commands and without.
                    let user = 2 + client % 4;
                    let ask = match number % 2 {
                        0 => Ask::post(&format!("/api/v1/User/{user}/CustomCommand/hello")),
                        _ => Ask::new("PATCH", &format!("/api/v1/User/{user}"))
                            .json(json!({"Tooltip": format!("{client} {number}")})),
                    };
                    let sent_in = phase.load(Ordering::SeqCst);
                    let got = ask.by("admin", PASSWORD).send(&addresses[number % 2]);
                    match got.status {
                        200 => _ = done.fetch_add(1, Ordering::Relaxed),
                        _ if sent_in == WITHOUT_KEY || phase.load(Ordering::SeqCst) != sent_in => {}
                        _ => failed.lock().expect("a list").push(got.body),
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        // The servers find the new key in their file when they meet the change.
        write_key(&file, &key("b"));
        rekey(folder.path(), &cluster, "a", "b");
        let before = done.load(Ordering::Relaxed);
        let limit = Instant::now() + Duration::from_secs(20);
        while done.load(Ordering::Relaxed) < before + 2 * CLIENTS {
            assert!(Instant::now() < limit, "nothing was written with the new key");
            thread::sleep(Duration::from_millis(50));
        }
        // Now they do not find it, until it is there.
        phase.store(WITHOUT_KEY, Ordering::SeqCst);
        rekey(folder.path(), &cluster, "b", "c");
        let refused = Ask::post("/api/v1/User/2/CustomCommand/hello").by("admin", PASSWORD).send(&addresses[0]);
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert_eq!(Ask::get("/api/v1/User/2").by("admin", PASSWORD).send(&addresses[0]).status, 200, "reading goes on");
        write_key(&file, &key("c"));
        let limit = Instant::now() + Duration::from_secs(20);
        for address in &addresses {
            let write = || Ask::post("/api/v1/User/2/CustomCommand/hello").by("admin", PASSWORD).send(address).status;
            while write() != 200 {
                assert!(Instant::now() < limit, "a server did not take the new key");
                thread::sleep(Duration::from_millis(50));
            }
        }
        phase.store(AFTER, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(500));
        drop(stop_at_the_end);
    });
    let failed = failed.into_inner().expect("a list");
    assert!(failed.is_empty(), "{failed:?}");
    let store = open(&cluster).await;
    settle_chain(&store).await;
    let found = audit::verify(&store, &AuditKey::new(key("c").into()), None, |_| {}).await.expect("an answer");
    assert_eq!((found.broken, found.unlinked), (None, 0));
    let entries = audit::Entity::find().all(store.reader()).await.expect("entries").len();
    println!("{} requests written, {entries} entries", done.load(Ordering::Relaxed));
    assert_eq!(found.key_changes.len(), 2);
}
