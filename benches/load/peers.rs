//! The alternatives that kommando is compared with, as `benches/compare/run` installs them under `target/compare`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context;
use tokio::time::{sleep, timeout};

use crate::{
    process::Process,
    servers::{Server, Storage},
};

const USERS: &str = "1000";
const START: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(50);
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/kommando.json");

/// An alternative to compare with.
pub struct Peer {
    name: &'static str,
    /// The folder with its installation.
    folder: &'static str,
    pub title: &'static str,
    /// Its work for a read and for a write.
    pub work: [&'static str; 2],
    pub storage: Storage,
    /// The command that starts it. Arguments: its folder; the file or URL of its database.
    start: fn(&Path, &str) -> Command,
    /// The option for the port. Without one, it takes a free port and prints its address.
    port: Option<&'static str>,
}

pub const PEERS: [Peer; 5] = [
    Peer {
        name: "express",
        folder: "express",
        title: "Express 5 + better-sqlite3",
        work: [
            "one process; looks the user up by id; callers are not authenticated",
            "one process; looks the user up by id, checks actionResult, one durable insert (synchronous=FULL); callers are \
             not authenticated, nothing is audited",
        ],
        storage: Storage::Sqlite,
        start: express,
        port: None,
    },
    Peer {
        name: "express-pg",
        folder: "express",
        title: "Express 5 + pg",
        work: [
            "one process, 16 connections to PostgreSQL; looks the user up by id; callers are not authenticated",
            "one process, 16 connections to PostgreSQL; looks the user up by id, checks actionResult, one durable insert \
             (synchronous_commit=on); callers are not authenticated, nothing is audited",
        ],
        storage: Storage::Postgres,
        start: express,
        port: None,
    },
    Peer {
        name: "fastapi",
        folder: "fastapi",
        title: "FastAPI + SQLAlchemy + aiosqlite",
        work: ["one uvicorn worker (uvloop, httptools); the same work as Express + better-sqlite3"; 2],
        storage: Storage::Sqlite,
        start: |home, database| {
            let mut command = Command::new(home.join("venv/bin/python"));
            command.arg(home.join("app.py")).args([database, USERS]);
            command
        },
        port: None,
    },
    Peer {
        name: "prism",
        folder: "prism",
        title: "Prism mock",
        work: ["checks the request against kommando's document and answers its example; nothing is stored"; 2],
        storage: Storage::Nothing,
        start: |home, _| {
            let mut command = Command::new("node");
            command.arg(home.join("node_modules/@stoplight/prism-cli/dist/index.js"));
            command.args(["mock", "-h", "127.0.0.1", "-v", "error", DOCUMENT]);
            command
        },
        port: Some("-p"),
    },
    Peer {
        name: "mockoon",
        folder: "mockoon",
        title: "Mockoon",
        work: ["answers the example of kommando's document; nothing is stored"; 2],
        storage: Storage::Nothing,
        start: |home, _| {
            let mut command = Command::new("node");
            command.arg(home.join("node_modules/@mockoon/cli/bin/run.js"));
            command.args(["start", "-X", "--disable-admin-api", "-l", "127.0.0.1", "-d", DOCUMENT]);
            command.env("NODE_ENV", "production");
            command
        },
        port: Some("-p"),
    },
];

fn express(home: &Path, database: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(home.join("server.mjs")).args([database, USERS]).env("NODE_ENV", "production");
    command
}

impl Peer {
    /// The folder with its installation, if it is installed.
    pub fn home(&self) -> Option<PathBuf> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/compare").join(self.folder);
        home.join("installed").exists().then_some(home)
    }

    /// Starts it in a folder, with a database in that folder or the one at `postgres`.
    ///
    /// # Errors
    /// It needs PostgreSQL and there is no URL, or it does not start.
    pub async fn start(&self, home: &Path, folder: &Path, postgres: Option<&str>) -> anyhow::Result<Server> {
        let database = match self.storage {
            Storage::Postgres => postgres.context("it needs --postgres URL")?.to_owned(),
            _ => format!("{}.db", self.name),
        };
        let mut command = (self.start)(home, &database);
        let users = USERS.parse()?;
        let server = match self.port {
            None => Server::from(Process::start(self.name, &mut command, folder)?, "http://", users).await?,
            Some(option) => {
                let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                let mut process = Process::start(self.name, command.arg(option).arg(port.to_string()), folder)?;
                let url = format!("http://127.0.0.1:{port}");
                let listening = timeout(START, async {
                    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                        process.check()?;
                        sleep(GLANCE).await;
                    }
                    anyhow::Ok(())
                });
                listening.await??;
                Server::at(process, url, users).await?
            }
        };
        // The mocks require the credentials of the document; the others ignore them.
        Ok(server.authorized("Basic YW5uYTphbm5h").storing_in(self.storage))
    }
}
