//! Starts the servers that are measured.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio::time::sleep;

use crate::{http::Connection, machine, process::Process, seed};

const START: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(1);
/// Pause after the start before the idle memory is measured.
const REST: Duration = Duration::from_millis(500);

/// A running server.
pub struct Server {
    process: Process,
    /// `http://127.0.0.1:…`
    pub url: String,
    /// The value of `Authorization`; empty if none is needed.
    pub authorization: String,
    /// Number of its users.
    pub users: u32,
    pub storage: Storage,
    /// Resident memory before the first request.
    pub idle_mib: f64,
    /// Time from its start to its first answer.
    pub ready: Duration,
}

/// The database of a server.
#[derive(Clone, Copy, PartialEq)]
pub enum Storage {
    Nothing,
    Sqlite,
    Postgres,
}

impl Storage {
    /// The name of the database's processes, if it has its own.
    pub fn processes(self) -> Option<&'static str> {
        (self == Self::Postgres).then_some("postgres")
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Server {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sets the value of `Authorization`.
    pub fn authorized(self, authorization: &str) -> Self {
        Self { authorization: authorization.to_owned(), ..self }
    }

    /// Sets the database.
    pub fn storing_in(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// Opens a connection to the server.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.url, &self.authorization).await
    }

    /// Waits for a server that prints its address in a line with the text `banner`.
    pub async fn from(mut process: Process, banner: &str, users: u32) -> anyhow::Result<Self> {
        let line = process.line_with(banner, START).await?;
        let (_, address) = line.split_once("http://").with_context(|| format!("no address in `{line}`"))?;
        let authority = address.split('/').next().unwrap_or_default();
        Self::at(process, format!("http://{authority}"), users).await
    }

    pub async fn at(process: Process, url: String, users: u32) -> anyhow::Result<Self> {
        sleep(REST).await;
        let idle_mib = machine::resident_mebibytes(process.id())?;
        let (authorization, storage) = (String::new(), Storage::Nothing);
        Ok(Self { process, url, authorization, users, storage, idle_mib, ready: Duration::ZERO })
    }
}

/// Starts the floor, a bare handler of the framework.
pub async fn start_floor(folder: &Path) -> anyhow::Result<Server> {
    let mut command = Command::new(env::current_exe()?);
    Server::from(Process::start("floor", command.arg("--floor"), folder)?, "http://", 0).await
}

/// The binary of this build, with a database.
pub struct Kommando {
    folder: PathBuf,
    database: String,
    users: u32,
    ticket: String,
}

impl Kommando {
    /// Creates the database with its users: an SQLite file in the folder, or the empty database at `postgres`.
    pub async fn prepare(folder: PathBuf, postgres: Option<&str>, users: u32) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder)?;
        let sqlite = || format!("sqlite://{}?mode=rwc", folder.join("kommando.db").display());
        let database = postgres.map_or_else(sqlite, str::to_owned);
        let mut prepared = Self { folder, database, users, ticket: String::new() };
        prepared.run("migrate", &["migrate", "up"]).await?;
        // The first start creates the administrator; the other users are copies of it.
        drop(prepared.start().await?);
        seed::users(&prepared.database, users).await?;
        let ticket = prepared.run("ticket", &["ticket", "issue", "--user", "admin"]).await?;
        prepared.ticket = ticket.trim().to_owned();
        Ok(prepared)
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&self) -> anyhow::Result<Server> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = self.command();
        command.arg("serve").env("KOMMANDO_LISTEN", format!("127.0.0.1:{port}"));
        let begin = Instant::now();
        let mut process = Process::start("serve", &mut command, &self.folder)?;
        let url = format!("http://127.0.0.1:{port}");
        while !is_ready(&url).await {
            process.check()?;
            ensure!(begin.elapsed() < START, "the server was not ready within {} s", START.as_secs());
            sleep(GLANCE).await;
        }
        let ready = begin.elapsed();
        let storage = if self.database.starts_with("postgres") { Storage::Postgres } else { Storage::Sqlite };
        let server = Server::at(process, url, self.users).await?;
        Ok(Server { authorization: format!("SoTicket {}", self.ticket), storage, ready, ..server })
    }

    async fn run(&self, name: &'static str, words: &[&str]) -> anyhow::Result<String> {
        Process::start(name, self.command().args(words), &self.folder)?.finish(START).await
    }

    /// The binary with the settings of this benchmark, without those of the environment.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KOMMANDO_")) {
            command.env_remove(name);
        }
        command
            .env("KOMMANDO_LISTEN", "127.0.0.1:0")
            .env("KOMMANDO_DATABASE_URL", &self.database)
            .env("KOMMANDO_COMMANDS", concat!(env!("CARGO_MANIFEST_DIR"), "/commands.d"))
            .env("KOMMANDO_AUDIT_KEY", "the key of a chain that is not verified")
            .env("KOMMANDO_LOG_FORMAT", "json")
            .env("KOMMANDO_ADMIN_PASSWORD", "an unused password");
        command
    }
}

async fn is_ready(url: &str) -> bool {
    let ask = async { Connection::open(url, "").await?.send("GET", "/health/ready").await };
    ask.await.is_ok_and(|answer| answer.status == 200)
}
