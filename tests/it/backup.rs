//! Backups and their verification on restore.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, Database};
use sha2::{Digest, Sha256};

use crate::command_line::{Line, Said};

const TAG: &[u8] = b"\nkommando backup 1; ";
const PROMOTE: &str = "CREATE TRIGGER promote AFTER INSERT ON executions BEGIN UPDATE users SET role_id = 1; END";

fn write_key(folder: &Path, key: &str) {
    let file = folder.join("kommando.db.audit-key");
    fs::write(&file, key).expect("a file");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("a mode");
}

/// A database with a user, and a backup of it.
fn with_backup() -> Line {
    let line = Line::new();
    write_key(line.folder.path(), &"k".repeat(64));
    let added = line.say_with(&["user", "add", "eva", "--password-stdin"], "correct horse battery\n");
    assert!(added.ok, "{}", added.err);
    let backup = line.say(&["backup", "right"]);
    assert!(backup.ok && backup.err.is_empty(), "{}", backup.err);
    line
}

/// Changes a backup and gives it a correct tag except for the MAC, which is the original one or missing.
fn forge(line: &Line, sql: &str, with_mac: bool) {
    let right = fs::read(line.folder.path().join("right")).expect("a file");
    let place = right.windows(TAG.len()).rposition(|window| window == TAG).expect("a tag");
    let forged = line.folder.path().join("forged");
    fs::write(&forged, &right[..place]).expect("a file");
    let db = rusqlite::Connection::open(&forged).expect("a database");
    db.execute_batch(&format!("PRAGMA journal_mode = DELETE; {sql}")).expect("a change");
    db.close().expect("an end");
    let mut content = fs::read(&forged).expect("a file");
    let tag = String::from_utf8(right[place..].to_vec()).expect("text");
    let parts: Vec<_> = tag.trim_end().split("; ").collect();
    let [head, program, schema, _, mac] = parts.as_slice() else { panic!("{tag}") };
    let sha256 = hex::encode(Sha256::digest(&content));
    let mac = if with_mac { format!("; {mac}") } else { String::new() };
    content.extend(format!("\n{}; {program}; {schema}; sha256 {sha256}{mac}\n", head.trim_start()).bytes());
    fs::write(forged, content).expect("a file");
}

/// Restores a file over the database; asserts that a refusal changes nothing.
fn restore(line: &Line, words: &[&str]) -> Said {
    let database = line.folder.path().join("kommando.db");
    let before = fs::read(&database).expect("a database");
    let got = line.say(&[&["restore", "--force"], words].concat());
    let is_same = fs::read(&database).expect("a database") == before;
    assert!(got.ok || is_same, "{words:?}: it was refused, but the database changed");
    got
}

#[test]
fn a_changed_backup_with_a_new_tag_is_refused() {
    let line = with_backup();
    assert!(restore(&line, &["right"]).ok);
    for (with_mac, told) in [(true, "the MAC of forged is wrong"), (false, "forged has no MAC")] {
        forge(&line, "UPDATE users SET name = 'mallory'", with_mac);
        let got = restore(&line, &["forged"]);
        assert!(!got.ok && got.err.contains(told) && got.err.contains("--unverified"), "{}", got.err);
    }
    assert!(restore(&line, &["forged", "--unverified"]).ok, "the flag restores it");
    assert!(line.say(&["user", "list"]).out.contains("mallory"));
}

#[test]
fn a_backup_is_restored_only_with_its_own_key() {
    let line = with_backup();
    write_key(line.folder.path(), &"x".repeat(64));
    let got = restore(&line, &["right"]);
    assert!(!got.ok && got.err.contains("made with another audit key"), "{}", got.err);
    fs::remove_file(line.folder.path().join("kommando.db.audit-key")).expect("a key");
    let got = restore(&line, &["right"]);
    assert!(!got.ok && got.err.contains("--unverified restores it without the key"), "{}", got.err);
    assert!(restore(&line, &["right", "--unverified"]).ok);
    let got = line.say(&["backup", "unsigned"]);
    assert!(got.ok && got.err.contains("the backup has no MAC"), "{}", got.err);
}

#[test]
fn foreign_schema_objects_are_refused_by_name() {
    let line = with_backup();
    for (sql, told) in [
        (PROMOTE, "trigger promote on executions is not part of kommando's schema"),
        ("CREATE VIEW more_rows AS SELECT * FROM users", "view more_rows is not part of kommando's schema"),
        ("CREATE TABLE more (id)", "table more is not part of kommando's schema"),
        ("CREATE UNIQUE INDEX more ON users (name)", "index more on users is not part of kommando's schema"),
        ("ALTER TABLE users ADD COLUMN more TEXT", "table users differs from kommando's schema"),
        ("DROP INDEX ix_executions_running", "index ix_executions_running on executions is missing"),
        (
            "DROP INDEX ix_executions_running; CREATE INDEX ix_executions_running ON executions (id)",
            "index ix_executions_running on executions differs from kommando's schema",
        ),
        ("DROP TABLE audit_entries", "table audit_entries is missing"),
        (
            "DELETE FROM seaql_migrations WHERE version = (SELECT max(version) FROM seaql_migrations)",
            "its migrations do not match the schema in its manifest",
        ),
        (
            "DELETE FROM seaql_migrations WHERE version = 'm0013_passwords'",
            "its migrations do not match the schema in its manifest",
        ),
    ] {
        forge(&line, sql, false);
        let got = restore(&line, &["forged", "--unverified"]);
        assert!(!got.ok && got.err.contains(told), "{sql}: {}", got.err);
    }
}

#[test]
fn checks_and_backup_report_a_foreign_trigger() {
    let line = with_backup();
    let database = line.folder.path().join("kommando.db");
    assert!(line.say(&["config", "check"]).ok);
    let db = rusqlite::Connection::open(database).expect("a database");
    db.execute_batch(PROMOTE).expect("a trigger");
    db.close().expect("an end");
    let told = "trigger promote on executions is not part of kommando's schema";
    for words in [&["config", "check"][..], &["audit", "verify"]] {
        let got = line.say(words);
        assert!(!got.ok && got.err.contains(told), "{words:?}: {}", got.err);
    }
    let got = line.say(&["backup", "with-trigger"]);
    assert!(got.ok && got.err.contains(told), "{}", got.err);
    let got = restore(&line, &["with-trigger"]);
    assert!(!got.ok && got.err.contains(told), "its MAC is valid, but its schema is not: {}", got.err);
}

#[tokio::test]
async fn backups_of_all_earlier_schemas_are_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: String| folder.path().join(name);
    let mac_of = |tag: &kommando::store::BackupManifest| tag.sha256.clone();
    for count in 1..=Migrator::migrations().len() {
        let (from, to) = (path(format!("{count}.db")), path(format!("{count}.restored.db")));
        let url = format!("sqlite://{}?mode=rwc", from.display());
        let db = Database::connect(ConnectOptions::new(&url)).await.expect("a database");
        Migrator::up(&db, u32::try_from(count).ok()).await.expect("a schema");
        db.close().await.expect("an end");
        let backup = path(format!("{count}.backup"));
        let make = kommando::store::back_up(&url, &backup, false, |tag| Some(mac_of(tag)), |_, _| {});
        let made = make.expect("a backup");
        let url = format!("sqlite://{}?mode=rwc", to.display());
        let restore = kommando::store::restore(&url, &backup, false, Some(&mac_of), |_, _| {});
        assert_eq!(restore.await.expect("a database"), made, "{count}");
        assert_eq!(made.schema, Migrator::migrations()[count - 1].name());
    }
}

/// If a new library version writes other SQL, every older backup would be refused: then compare the meaning of the
/// statements, not their text.
#[tokio::test]
async fn the_statements_of_released_migrations_do_not_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("k.db").display());
    let db = Database::connect(ConnectOptions::new(&url)).await.expect("a database");
    let released =
        Migrator::migrations().iter().position(|one| one.name() == "m0013_passwords").expect("a migration") + 1;
    Migrator::up(&db, u32::try_from(released).ok()).await.expect("a schema");
    db.close().await.expect("an end");
    let db = rusqlite::Connection::open(folder.path().join("k.db")).expect("a database");
    let read = "SELECT group_concat(sql, char(10)) FROM \
                (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY type, name)";
    let text: String = db.query_row(read, [], |row| row.get(0)).expect("statements");
    assert_eq!(
        hex::encode(Sha256::digest(&text)),
        "a7b238185c6b06fa33ddf35d4ee66ae68f1ab67ab04d597ef1f9b8521f9d29c7",
        "{text}"
    );
}

#[test]
#[ignore = "changes owners, which needs root: tests/all runs it"]
fn what_root_makes_belongs_to_the_owner_of_database_or_folder() {
    const OTHER_USER: u32 = 65534;
    let line = with_backup();
    let file = |name: &str| line.folder.path().join(name);
    let owner_and_mode = |name: &str| {
        let metadata = fs::metadata(file(name)).expect("a file");
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o777)
    };
    let right = (OTHER_USER, OTHER_USER, 0o600);
    chown(file("kommando.db"), Some(OTHER_USER), Some(OTHER_USER)).expect("an owner");
    assert!(line.say(&["restore", "right", "--force"]).ok);
    assert_eq!(owner_and_mode("kommando.db"), right, "the owner of the former database");
    fs::remove_file(file("kommando.db")).expect("no database");
    fs::remove_file(file("kommando.db.lock")).expect("no lock");
    chown(line.folder.path(), Some(OTHER_USER), Some(OTHER_USER)).expect("an owner");
    assert!(line.say(&["restore", "right"]).ok);
    assert_eq!(owner_and_mode("kommando.db"), right, "the owner of the folder");
    assert_eq!(owner_and_mode("kommando.db.lock"), right, "a server must be able to open the lock");
    for name in ["kommando.db", "kommando.db.audit-key", "kommando.db.lock"] {
        fs::remove_file(file(name)).expect("no file");
    }
    assert!(line.say_with(&["user", "add", "eva", "--password-stdin"], "correct horse battery\n").ok);
    for name in ["kommando.db", "kommando.db.audit-key"] {
        assert_eq!(owner_and_mode(name), right, "{name} of a new database");
    }
}
