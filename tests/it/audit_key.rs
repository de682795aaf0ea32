//! Which keys the audit chain accepts.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use kommando::{
    executions::audit::{self, AuditKey, MIN_KEY_LENGTH},
    store::Store,
};

use crate::command_line::{Line, said};

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn key(length: usize) -> String {
    "k".repeat(length)
}

/// A migrated database without a key.
fn migrated() -> (Line, PathBuf) {
    let line = Line::new();
    assert!(line.say(&["migrate", "up"]).ok);
    let file = line.folder.path().join("kommando.db.audit-key");
    (line, file)
}

/// Starts like a server: opens the database and loads the key. The error is the reason for a refusal.
fn start(line: &Line) -> Result<(), String> {
    let got = line.say(&["commands", "run", "hello", "--user", "eva", "--as", "eva"]);
    if got.err.contains("there is no user eva") { Ok(()) } else { Err(got.err) }
}

#[test]
fn a_new_chain_needs_a_key_of_32_bytes() {
    for (length, is_taken) in [(1, false), (MIN_KEY_LENGTH - 1, false), (MIN_KEY_LENGTH, true)] {
        let (line, file) = migrated();
        write(&file, &key(length), 0o600);
        let end = start(&line);
        assert_eq!(end.is_ok(), is_taken, "{length}: {end:?}");
        let told = end.err().unwrap_or_default();
        assert!(is_taken || told.contains("`openssl rand -hex 32` makes one"), "{told}");
    }
}

#[tokio::test]
async fn an_existing_chain_keeps_its_short_key() {
    let (line, file) = migrated();
    write(&file, "short", 0o600);
    let url = format!("sqlite://{}", line.folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    audit::begin(store.writer(), &AuditKey::new("short".into()), 0).await.expect("a chain");
    store.close().await.expect("an end");
    assert_eq!(start(&line), Ok(()));
    let checked = line.say(&["config", "check"]);
    assert!(checked.ok && checked.out.contains("has only 5 bytes"), "{} {}", checked.out, checked.err);
    write(&file, &key(64), 0o600);
    assert!(start(&line).expect_err("a refusal").contains("is not the key of the audit chain"));
    let checked = line.say(&["config", "check"]);
    assert!(checked.err.contains("is not the key of the audit chain"), "{}", checked.err);
}

#[test]
fn no_key_is_generated_for_an_existing_chain() {
    let (line, file) = migrated();
    assert_eq!(start(&line), Ok(()));
    fs::remove_file(&file).expect("a key");
    let checked = line.say(&["config", "check"]);
    for told in [start(&line).expect_err("a refusal"), checked.err] {
        assert!(told.contains("restore it from its backup"), "{told}");
    }
    assert!(!file.exists(), "no key is generated");
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let (line, file) = migrated();
    for (mode, is_taken) in
        [(0o600, true), (0o400, true), (0o440, true), (0o644, false), (0o604, false), (0o660, false)]
    {
        write(&file, &key(64), mode);
        let own = line.say(&["audit", "verify"]);
        let checked = line.say(&["config", "check"]);
        let named = line.command(&["audit", "verify"]).env("KOMMANDO_AUDIT_KEY_FILE", &file).output().expect("an end");
        for got in [own, checked, said(named)] {
            assert_eq!(got.ok, is_taken, "{mode:o}: {}", got.err);
            assert!(is_taken || got.err.contains("chmod 600") && got.err.contains("defaultMode"), "{}", got.err);
        }
        fs::remove_file(&file).expect("a file");
    }
}

#[test]
fn server_and_config_check_refuse_empty_and_short_keys() {
    let (line, file) = migrated();
    for (text, remedy) in
        [("", "is empty; restore"), ("\n", "is empty; restore"), ("short", "has 5 bytes, but needs at least 32")]
    {
        write(&file, text, 0o600);
        for words in [&["serve", "--demo"][..], &["config", "check"]] {
            let got = line.say(words);
            assert!(!got.ok && got.err.contains(remedy), "{text:?} {words:?}: {}", got.err);
        }
    }
    fs::remove_file(&file).expect("a file");
    for words in [&["serve", "--demo"][..], &["config", "check"]] {
        let got = said(line.command(words).env("KOMMANDO_AUDIT_KEY", key(31)).output().expect("an end"));
        assert!(!got.ok && got.err.contains("has 31 bytes, but needs at least 32"), "{words:?}: {}", got.err);
    }
}
