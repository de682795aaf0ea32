//! PostgreSQL in trouble, and several servers on one database, each a process of its own.

mod balancer;
mod cluster;
mod crash;
mod faults;
mod forget;
mod replicas;

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use kommando::{records::audit, store::Store};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use self::cluster::Cluster;
use crate::{Process, folder};

/// Those of the demo's administrator.
const CREDENTIALS: &str = "Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";

/// What a server had in hand when it died is taken up when its lease is over, since others may be alive.
const LEASE: Duration = Duration::from_secs(60);

/// A server of the demo on the cluster's database, with the commands of the folder if they are there, and these settings.
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

/// Has the database itself count the changes that commands make.
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
fn the_end_of_a_server_is_no_trouble_of_its_database() {
    let Some(cluster) = Cluster::start() else { return };
    let (folder, variables) = (folder(), cluster.variables());
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.push(("KOMMANDO_LOG", "info"));
    let mut server = Process::start(folder.path(), &["serve", "--demo"], &variables);
    server.banner();
    // It listens to what others change, by then.
    thread::sleep(Duration::from_millis(500));
    server.signal("TERM");
    let log = server.log();
    assert!(log.contains("\"stopped\""), "{log}");
    assert!(!log.contains("is not heard"), "{log}");
}

#[test]
fn an_old_schema_that_keeps_a_server_from_starting_is_found() {
    let Some(cluster) = Cluster::start() else { return };
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
    assert!(ok && told.contains("the start makes the tables"), "{told}");
    let (ok, told) = say(&["migrate", "up"], "false");
    assert!(ok, "{told}");
    let (ok, told) = say(&["config", "check"], "false");
    assert!(ok && told.contains("its schema is up to date"), "{told}");
    let (ok, told) = say(&["migrate", "down", "--yes"], "false");
    assert!(ok, "{told}");
    let (ok, told) = say(&["config", "check"], "false");
    assert!(!ok && told.contains("1 migrations are pending"), "{told}");
}
