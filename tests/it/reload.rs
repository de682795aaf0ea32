//! Definitions are read again while the server serves.

use std::{fs, path::Path, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

use crate::harness::{ANNA, Server};

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(format!("{name}.yaml")), text).expect("a file");
}

fn definition(name: &str) -> String {
    format!("name: {name}\ndisplay_name: X\nallow_roles: [Administrator]\nsteps:\n  - message: {{text: X}}\n")
}

/// Waits until these are the commands, and gives up after ten seconds.
async fn becomes(server: &Server, expected: &[&str]) {
    for _ in 0..200 {
        if server.listed("admin", ANNA).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the commands are {:?}, not {expected:?}", server.listed("admin", ANNA).await);
}

#[tokio::test]
async fn a_changed_folder_is_taken_as_a_whole_or_not_at_all() {
    let server = Server::with_commands(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let hangup = signal(SignalKind::hangup()).expect("a signal");
    server.app.watch_commands(Some(folder.path().to_owned()), hangup);
    // A set with one wrong file changes nothing; the mended set is taken whole.
    write(folder.path(), "bad", "name: 1st");
    write(folder.path(), "one", &definition("one"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    becomes(&server, &[]).await;
    write(folder.path(), "bad", &definition("two"));
    becomes(&server, &["one", "two"]).await;
    fs::remove_file(folder.path().join("one.yaml")).expect("a removal");
    becomes(&server, &["two"]).await;
}
