//! Reloading definitions and webhook targets.

use std::{fs, path::Path, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

use crate::harness::{ANNA, Server};

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(format!("{name}.yaml")), text).expect("a file");
}

fn definition(name: &str) -> String {
    format!("name: {name}\ndisplay_name: X\nallow_roles: [Administrator]\nsteps:\n  - message: {{text: X}}\n")
}

/// Waits up to ten seconds until these are the commands.
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
async fn a_changed_folder_is_loaded_completely_or_not_at_all() {
    let server = Server::with_commands(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let hangup = signal(SignalKind::hangup()).expect("a signal");
    server.app.watch_commands(Some(folder.path().to_owned()), None, hangup);
    // A folder with one wrong file changes nothing; the corrected folder is loaded completely.
    write(folder.path(), "bad", "name: 1st");
    write(folder.path(), "one", &definition("one"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    becomes(&server, &[]).await;
    write(folder.path(), "bad", &definition("two"));
    becomes(&server, &["one", "two"]).await;
    fs::remove_file(folder.path().join("one.yaml")).expect("a removal");
    becomes(&server, &["two"]).await;
}

/// Waits until the watching task has started.
async fn is_watched() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Waits up to ten seconds until the last reload has failed, or has not.
async fn reloaded(server: &Server, fails: bool) -> serde_json::Value {
    for _ in 0..200 {
        let failed = server.get("/_ext/commands").by("admin").send().await.body["failedReload"].take();
        if failed.is_null() != fails {
            return failed;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("expected a failed reload: {fails}");
}

#[tokio::test]
async fn administrators_see_why_a_reload_failed() {
    let server = Server::with_commands(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let hangup = signal(SignalKind::hangup()).expect("a signal");
    assert!(reloaded(&server, false).await.is_null());
    server.app.watch_commands(Some(folder.path().to_owned()), None, hangup);
    is_watched().await;
    write(folder.path(), "bad", &definition("bad").replace("message", "mesage"));
    let failed = reloaded(&server, true).await;
    let error = failed["errors"][0].as_str().expect("an error");
    assert!(error.ends_with("bad.yaml:5:5: `mesage` is unknown here; did you mean `message`?"), "{failed}");
    assert!(failed["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{failed}");
    let others = server.get("/_ext/commands").by("anna").send().await;
    assert!(others.body["failedReload"].is_null(), "only administrators may see paths of the server: {}", others.text);
    write(folder.path(), "bad", &definition("good"));
    becomes(&server, &["good"]).await;
    assert!(reloaded(&server, false).await.is_null());
}

#[tokio::test]
async fn webhook_targets_are_read_again_with_the_definitions() {
    let folder = tempfile::tempdir().expect("a folder");
    let (definitions, targets) = (folder.path().join("commands.d"), folder.path().join("targets.yaml"));
    fs::create_dir(&definitions).expect("a folder");
    fs::write(folder.path().join("secret"), "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    let secret = folder.path().join("secret").display().to_string();
    let target = |name: &str| format!("{name}: {{url: 'https://example.com/', secrets: [{{file: {secret}}}]}}\n");
    fs::write(&targets, target("old")).expect("a file");
    let words = ["--targets", &targets.display().to_string()];
    let server = Server::with_commands_and_settings(&[], &words).await;
    let hangup = signal(SignalKind::hangup()).expect("a signal");
    server.app.watch_commands(Some(definitions.clone()), Some(targets.clone()), hangup);
    is_watched().await;
    write(
        &definitions,
        "tell",
        &definition("tell").replace("message: {text: X}", "webhook: {target: hr, when: after_commit}"),
    );
    let failed = reloaded(&server, true).await;
    assert!(failed["errors"][0].as_str().expect("an error").contains("there is no target `hr`"), "{failed}");
    // Like editors: replace the file by a new one.
    for (name, fails) in [("hr", false), ("other", true), ("hr", false)] {
        fs::write(folder.path().join("new"), target(name)).expect("a file");
        fs::rename(folder.path().join("new"), &targets).expect("a file in place");
        reloaded(&server, fails).await;
    }
    becomes(&server, &["tell"]).await;
    let ran = server.execute("admin", ANNA, "tell", None).await;
    assert_eq!(ran.status, poem::http::StatusCode::OK, "{}", ran.text);
    fs::write(&targets, "hr: {url: nowhere, secrets: []}").expect("a file");
    let failed = reloaded(&server, true).await;
    assert!(failed["errors"][0].as_str().expect("an error").contains("target hr: `url` is not a URL"), "{failed}");
    becomes(&server, &["tell"]).await;
    // A removed file is read when it is back.
    fs::write(&targets, target("hr")).expect("a file");
    reloaded(&server, false).await;
    fs::remove_file(&targets).expect("a removal");
    reloaded(&server, true).await;
    fs::write(&targets, target("hr")).expect("a file");
    reloaded(&server, false).await;
}
