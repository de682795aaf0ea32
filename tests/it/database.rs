//! A database for each test: an SQLite file, or a PostgreSQL database on the server of `KOMMANDO_TEST_POSTGRES`.

use std::{env, os::unix::fs::PermissionsExt, path::Path, thread};

use kommando::{app::App, commands::Catalog};
use sea_orm::{ConnectionTrait, Database as Connector, DbBackend, Statement};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{runtime, sync::OnceCell};
use uuid::Uuid;

use crate::harness::{PASSWORD, config};

const TEMPLATE: &str = "kommando_template_";

/// A database that is removed on drop.
pub struct Database {
    pub url: String,
    /// Its name on the PostgreSQL server.
    name: Option<String>,
    _folder: Option<TempDir>,
}

/// The PostgreSQL server that the tests use; `None` for SQLite.
pub fn server() -> Option<String> {
    env::var("KOMMANDO_TEST_POSTGRES").ok()
}

impl Database {
    /// A database without tables.
    pub async fn empty() -> Self {
        match server() {
            Some(server) => Self::on(&server, "").await,
            None => Self::in_folder(|_| {}),
        }
    }

    /// A migrated database with the demo users.
    pub async fn filled() -> Self {
        let template = template().await;
        match (server(), &template.name) {
            (Some(server), Some(name)) => Self::on(&server, &format!("TEMPLATE {name}")).await,
            _ => Self::in_folder(|folder| {
                let from = template._folder.as_ref().expect("a folder").path();
                for file in ["kommando.db", "kommando.db.audit-key"] {
                    std::fs::copy(from.join(file), folder.join(file)).expect("a copy of the template");
                }
            }),
        }
    }

    /// A database of an earlier version; see `earlier_version.rs`.
    pub fn earlier() -> Self {
        Self::in_folder(|folder| {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/earlier");
            for (file, name) in [("database", "kommando.db"), ("key", "kommando.db.audit-key")] {
                std::fs::copy(from.join(file), folder.join(name)).expect("a copy");
            }
            let key = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(folder.join("kommando.db.audit-key"), key).expect("the rights of a key");
        })
    }

    fn in_folder(fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fill(folder.path());
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("kommando.db").display());
        Self { url, name: None, _folder: Some(folder) }
    }

    async fn on(server: &str, like: &str) -> Self {
        let name = format!("kommando_test_{}", Uuid::now_v7().simple());
        say(server, &format!("CREATE DATABASE {name} {like}")).await;
        Self { url: at(server, &name), name: Some(name), _folder: None }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (Some(server), Some(name)) = (server(), self.name.take()) else { return };
        // The test's runtime is ending, so use another one.
        let drop = move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(say(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
        };
        let _ = thread::spawn(drop).join();
    }
}

/// The URL of another database on a server.
fn at(server: &str, name: &str) -> String {
    let (before, after) = server.split_once('?').map_or((server, None), |(before, after)| (before, Some(after)));
    let (place, _) = before.rsplit_once('/').expect("the name of a database");
    after.map_or_else(|| format!("{place}/{name}"), |after| format!("{place}/{name}?{after}"))
}

async fn say(server: &str, sql: &str) {
    let db = Connector::connect(server).await.expect("the server of KOMMANDO_TEST_POSTGRES");
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    db.close().await.expect("an end");
}

/// Drops the templates that earlier test runs left.
async fn drop_old_templates(server: &str) {
    let db = Connector::connect(server).await.expect("the server of KOMMANDO_TEST_POSTGRES");
    let old = format!("SELECT datname FROM pg_database WHERE datname LIKE '{TEMPLATE}%'");
    for row in db.query_all_raw(Statement::from_string(DbBackend::Postgres, old)).await.expect("names") {
        let name: String = row.try_get("", "datname").expect("a name");
        let process = name.trim_start_matches(TEMPLATE);
        if !Path::new("/proc").join(process).exists() {
            db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect("an end");
        }
    }
    db.close().await.expect("an end");
}

/// The database that all tests copy; it is migrated and filled once.
async fn template() -> &'static Database {
    static DATABASE: OnceCell<Database> = OnceCell::const_new();
    let make = || async {
        let database = match server() {
            None => Database::in_folder(|_| {}),
            Some(server) => {
                assert!(env::var_os("KOMMANDO_AUDIT_KEY").is_some(), "set KOMMANDO_AUDIT_KEY: tests/postgres/run does");
                drop_old_templates(&server).await;
                let name = format!("{TEMPLATE}{}", std::process::id());
                say(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                say(&server, &format!("CREATE DATABASE {name}")).await;
                Database { url: at(&server, &name), name: Some(name), _folder: None }
            }
        };
        let app = App::build(&config(&database.url, &["--migrate"]), Catalog::default()).await.expect("an application");
        app.fill_demo(&SecretString::from(PASSWORD)).await.expect("a filled database");
        app.store.close().await.expect("a closed database");
        database
    };
    DATABASE.get_or_init(make).await
}
