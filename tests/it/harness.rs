//! A server in process for each test, and a client to call it.

use std::{
    env,
    process::Command,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Parser;
use futures_util::future::BoxFuture;
use kommando::{
    app::{App, audit_key},
    commands::Catalog,
    config::Config,
    executions::{
        audit::{self, AuditKey, Head, Verification},
        execution,
    },
    store::{Store, Touched, WriteTransaction},
    users::{
        self, User,
        password::{PasswordHash, Requester},
    },
};
use poem::{
    Endpoint, EndpointExt, Request, Response,
    endpoint::BoxEndpoint,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{database::Database, documented_statuses};

/// The password of every demo user in tests.
pub const PASSWORD: &str = "correct horse";

pub const ADMIN: i32 = 1;
pub const ANNA: i32 = 2;
pub const BJORN: i32 = 3;
pub const CHRIS: i32 = 4;
pub const DORA: i32 = 5;
/// An id that no user has.
pub const ABSENT: i32 = 4711;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: Config,
}

/// A server with its own database, filled with the demo users.
pub struct Server {
    pub app: App,
    pub database: Database,
    pub endpoint: BoxEndpoint<'static, Response>,
}

impl Server {
    /// With the example commands.
    pub async fn demo() -> Self {
        Self::with_settings(&[]).await
    }

    /// With the example commands and an empty audit chain: the record of the demo data is removed.
    pub async fn with_empty_chain() -> Self {
        let server = Self::demo().await;
        server.link().await;
        let db = server.app.store.writer();
        for table in ["audit_entries", "audit_changes"] {
            db.execute_unprepared(&format!("DELETE FROM {table}")).await.expect("an empty chain");
        }
        server
    }

    /// With the example commands, in an installation with this time zone.
    pub async fn in_zone(zone: &str) -> Self {
        Self::with_settings(&["--time-zone", zone]).await
    }

    /// With the example commands, in demo mode like `serve --demo`.
    pub async fn in_demo_mode() -> Self {
        let mut server = Self::demo().await;
        server.app.enable_demo_mode().await.expect("a demo");
        server.endpoint = server.app.endpoint().boxed();
        server
    }

    /// With these definitions.
    pub async fn with_commands(definitions: &[&str]) -> Self {
        Self::with_commands_and_settings(definitions, &[]).await
    }

    /// With these definitions and these settings.
    pub async fn with_commands_and_settings(definitions: &[&str], words: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (index, definition) in definitions.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{index}.yaml")), definition).expect("a file");
        }
        Self::start(Catalog::from_folder(folder.path()).expect("right definitions"), words).await
    }

    /// With the example commands and these settings.
    pub async fn with_settings(words: &[&str]) -> Self {
        Self::start(Catalog::examples().expect("the examples"), words).await
    }

    /// With the example commands, on this database.
    pub async fn on(database: Database) -> Self {
        Self::start_on(database, Catalog::examples().expect("the examples"), &[]).await
    }

    async fn start(catalog: Catalog, words: &[&str]) -> Self {
        Self::start_on(Database::filled().await, catalog, words).await
    }

    async fn start_on(database: Database, catalog: Catalog, words: &[&str]) -> Self {
        let app = App::build(&config(&database.url, words), catalog).await.expect("an application");
        let endpoint = app.endpoint().boxed();
        Self { app, database, endpoint }
    }

    pub fn get(&self, path: impl AsRef<str>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: impl AsRef<str>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub fn call(&self, method: Method, path: impl AsRef<str>) -> Call<'_> {
        let request = Request::builder().method(method).header(header::HOST, "127.0.0.1:8080");
        Call { endpoint: &self.endpoint, request: request.uri_str(path), body: Vec::new() }
    }

    /// Runs a command as a user.
    pub async fn execute(&self, caller: &str, user: i32, command: &str, answer: Option<&str>) -> Answer {
        let query = answer.map(|answer| format!("?actionResult={answer}")).unwrap_or_default();
        self.post(format!("/api/v1/User/{user}/CustomCommand/{command}{query}")).by(caller).send().await
    }

    /// The names of the commands that are listed for a user.
    pub async fn listed(&self, caller: &str, user: i32) -> Vec<String> {
        let answer = self.get(format!("/api/v1/User/{user}/CustomCommand")).by(caller).send().await;
        assert_eq!(answer.status, StatusCode::OK);
        let commands = answer.body.as_array().expect("a list").clone();
        commands.iter().map(|command| command["Name"].as_str().expect("a name").to_owned()).collect()
    }

    /// A user, read from the database.
    pub async fn user(&self, id: i32) -> User {
        users::find(self.app.store.reader(), id).await.expect("an answer").expect("a user")
    }

    /// The hash of a password that the policy accepts.
    pub async fn hash(&self, password: &str) -> PasswordHash {
        let passwords = &self.app.passwords;
        let password = passwords.policy().accept(password).expect("a password");
        passwords.hash(&password, Requester::Server).await.expect("a hash")
    }

    /// The key of the server's audit chain.
    pub fn audit_key(&self) -> AuditKey {
        audit_key::load(&config(&self.database.url, &[])).expect("a key")
    }

    /// Links pending audit entries, as the background task of a server does.
    pub async fn link(&self) {
        audit::link(&self.app.store, &self.audit_key().into()).await.expect("a continued chain");
    }

    /// Links pending entries and verifies the audit chain.
    pub async fn verify(&self, expected: Option<&Head>) -> Verification {
        self.link().await;
        audit::verify(&self.app.store, &self.audit_key(), expected, |_| {}).await.expect("an answer")
    }

    /// Every execution, oldest first.
    pub async fn executions(&self) -> Vec<execution::Model> {
        let all = execution::Entity::find().order_by_asc(execution::Column::Id);
        all.all(self.app.store.reader()).await.expect("an answer")
    }
}

/// The binary, without the environment variables of the tests.
pub fn kommando() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
    command.env_remove("KOMMANDO_TEST_POSTGRES").env_remove("KOMMANDO_AUDIT_KEY");
    command
}

impl Server {
    /// The command line on the database of this server.
    pub fn command_line(&self, words: &[&str]) -> Command {
        let mut command = kommando();
        command.args(["--database-url", &self.database.url]).args(words);
        // On PostgreSQL, the audit key is in the variable.
        command.envs(env::var_os("KOMMANDO_AUDIT_KEY").map(|key| ("KOMMANDO_AUDIT_KEY", key)));
        command
    }
}

/// A request under construction.
pub struct Call<'a> {
    endpoint: &'a BoxEndpoint<'static, Response>,
    request: poem::RequestBuilder,
    body: Vec<u8>,
}

impl Call<'_> {
    /// As a demo user, with the common password.
    pub fn by(self, name: &str) -> Self {
        self.basic(name, PASSWORD)
    }

    pub fn basic(self, name: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        self.header("authorization", &format!("Basic {credentials}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Adds a header with any bytes as its value.
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.request = self.request.header(name, HeaderValue::from_bytes(value).expect("a value"));
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut response = self.endpoint.get_response(request).await;
        documented_statuses::check(&method, &path, response.status());
        let bytes = response.take_body().into_bytes().await.expect("a body");
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body as JSON; null when it is not JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Asserts that this is an error in upstream's format, and returns its type and message.
    #[track_caller]
    pub fn error(&self, status: StatusCode) -> (&str, &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()));
        let error = self.body.as_object().expect("an object");
        let keys: Vec<_> = error.keys().map(String::as_str).collect();
        assert_eq!(keys, ["Error", "ErrorType", "ErrorMessage", "ErrorSource", "Message"]);
        assert_eq!((&error["Error"], &error["ErrorSource"]), (&Value::Bool(true), &Value::from("kommando")));
        assert_eq!(error["ErrorMessage"], error["Message"]);
        (error["ErrorType"].as_str().expect("a type"), error["Message"].as_str().expect("a message"))
    }
}

/// Settings for a server on this database, with a minimal password cost.
pub fn config(url: &str, words: &[&str]) -> Config {
    let line = ["kommando", "--database-url", url, "--password-cost", "m=8,t=1,p=1", "--database-query-timeout", "30s"];
    Line::parse_from(line.iter().chain(words)).config
}

/// A transaction that holds a lock until it is ended.
pub struct Held(oneshot::Sender<()>);

impl Held {
    /// Locks no row; on SQLite, this still blocks all other writers.
    pub async fn nothing(store: &Store) -> Self {
        Self::with(store, |_| Box::pin(async { Ok(()) })).await
    }

    /// Locks one user, on PostgreSQL.
    pub async fn user(store: &Store, id: i32) -> Self {
        Self::with(store, move |transaction| Box::pin(users::lock(transaction, id))).await
    }

    /// Locks all users.
    pub async fn all_users(store: &Store) -> Self {
        Self::with(store, |transaction| Box::pin(users::lock_table(transaction))).await
    }

    async fn with<F>(store: &Store, lock: F) -> Self
    where
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<(), DbErr>> + Clone + Send + 'static,
    {
        let (end, ended) = oneshot::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let channels = Arc::new(Mutex::new(Some((begin, ended))));
        let store = store.clone();
        tokio::spawn(async move {
            let held: Result<(), DbErr> = store
                .write(move |transaction| {
                    Box::pin(async move {
                        lock(transaction).await?;
                        let (begin, ended) = channels.lock().expect("no panic").take().expect("no second try");
                        begin.send(()).expect("a test that waits");
                        ended.await.ok();
                        Ok(((), Touched::Nothing))
                    })
                })
                .await;
            held.ok();
        });
        begun.await.expect("a transaction");
        Self(end)
    }

    pub fn end(self) {
        drop(self.0);
    }
}
