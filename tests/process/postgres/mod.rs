//! Failures of PostgreSQL, and several servers on one database. These tests are ignored unless tests/all runs them.

mod balancer;
mod cluster;
mod crash;
mod dump;
mod faults;
mod forget;
mod rekey;
mod replicas;

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use kommando::{executions::audit, store::Store};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use self::cluster::Cluster;
use crate::{Process, folder};

/// The credentials of the demo's administrator.
const CREDENTIALS: &str = "Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";

/// The limit for recovering the runs and deliveries of a dead server: other servers take them over after their lease.
const LEASE: Duration = Duration::from_secs(60);

/// Starts a demo server on the cluster, with the folder's commands if there are any, and these settings.
fn start(folder: &Path, cluster: &Cluster, settings: &[(&str, &str)]) -> Process {
    let mut words = vec!["serve", "--demo"];
    if folder.join("commands.d").exists() {
        words.extend(["--commands", "commands.d", "--targets", "targets.yaml"]);
    }
    let variables = cluster.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let variables = [&variables, settings].concat();
    Process::start(folder, &words, &variables)
}

async fn open(cluster: &Cluster) -> Store {
    Store::open(&cluster.url()).await.expect("a database")
}

/// Creates a trigger that counts the effects of commands.
fn count_effects(cluster: &Cluster) {
    cluster.say_to_kommando(
        "SET ROLE app; CREATE TABLE effects (kind text); \
         CREATE FUNCTION count_effect() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO effects VALUES (TG_TABLE_NAME); RETURN NULL; END $$; \
         CREATE TRIGGER count_changes AFTER UPDATE OF tooltip ON users FOR EACH ROW \
         WHEN (NEW.tooltip = 'counted') EXECUTE FUNCTION count_effect(); \
         CREATE TRIGGER count_resets AFTER UPDATE OF secret ON credentials FOR EACH ROW \
         EXECUTE FUNCTION count_effect()",
    );
}

/// Waits until every entry of the chain is linked.
async fn settle_chain(store: &Store) {
    let limit = Instant::now() + Duration::from_secs(10);
    let unlinked = audit::Entity::find().filter(audit::Column::Position.is_null());
    while unlinked.clone().count(store.reader()).await.expect("an answer") > 0 {
        assert!(Instant::now() < limit, "entries are not linked after 10 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
#[ignore = "needs PostgreSQL: tests/all runs it"]
fn a_stopping_server_logs_no_database_error() {
    let cluster = Cluster::start();
    let (folder, variables) = (folder(), cluster.variables());
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.push(("KOMMANDO_LOG", "info"));
    let mut server = Process::start(folder.path(), &["serve", "--demo"], &variables);
    server.banner();
    // Give it time to listen for notifications.
    thread::sleep(Duration::from_millis(500));
    server.signal("TERM");
    let log = server.log();
    assert!(log.contains("\"stopped\""), "{log}");
    let is_store_warning = |line: &str| line.contains("kommando::store") && line.contains("\"WARN\"");
    assert!(!log.lines().any(is_store_warning), "{log}");
}

#[test]
#[ignore = "needs PostgreSQL: tests/all runs it"]
fn pending_migrations_stop_the_start_and_are_reported() {
    let cluster = Cluster::start();
    let folder = folder();
    let say = |words: &[&str], migrate: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        command.args(words).current_dir(folder.path()).envs(cluster.variables()).env("KOMMANDO_MIGRATE", migrate);
        let output = command.env("KOMMANDO_LISTEN", "127.0.0.1:0").output().expect("an end");
        let texts = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(texts).expect("text"))
    };
    for words in [["config", "check"].as_slice(), &["serve"]] {
        let (ok, told) = say(words, "false");
        assert!(
            !ok && told.contains("migrations are pending. `kommando migrate up` applies them"),
            "{words:?}: {told}"
        );
    }
    let (ok, told) = say(&["config", "check"], "true");
    assert!(ok && told.contains("the start creates the tables"), "{told}");
    let (ok, told) = say(&["migrate", "up"], "false");
    assert!(ok, "{told}");
    let (ok, told) = say(&["config", "check"], "false");
    assert!(ok && told.contains("its schema is up to date"), "{told}");
    let (ok, told) = say(&["migrate", "down", "--yes"], "false");
    assert!(ok, "{told}");
    let (ok, told) = say(&["config", "check"], "false");
    assert!(!ok && told.contains("1 migrations are pending"), "{told}");
}
