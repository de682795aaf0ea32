//! The two servers that are measured.

use std::{env, path::Path, process::Command, time::Duration};

use anyhow::Context;

use crate::{machine, process::Process};

const START: Duration = Duration::from_secs(30);

/// A server that answers, and how to call it.
pub struct Server {
    process: Process,
    /// `http://127.0.0.1:…`
    pub url: String,
    /// The value of `Authorization`, empty where none is asked for.
    pub authorization: String,
}

/// The server, and the floor beneath it.
pub struct Servers {
    pub floor: Server,
    pub kommando: Server,
}

impl Servers {
    /// Starts both. Their files are made in the folder.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self { floor: start_floor(folder).await?, kommando: start_kommando(folder).await? })
    }

    /// The memory that both hold.
    pub fn memory(&self) -> anyhow::Result<String> {
        let resident = |server: &Server| machine::resident_megabytes(server.id());
        let (kommando, floor) = (resident(&self.kommando)?, resident(&self.floor)?);
        Ok(format!("resident memory at the end: kommando {kommando:.0} MB, floor {floor:.0} MB"))
    }
}

impl Server {
    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    async fn from(mut process: Process, banner: &str) -> anyhow::Result<Self> {
        let line = process.line_with(banner, START).await?;
        let (_, address) = line.split_once("http://").with_context(|| format!("no address in `{line}`"))?;
        let authority = address.split('/').next().unwrap_or_default();
        Ok(Self { process, url: format!("http://{authority}"), authorization: String::new() })
    }
}

async fn start_floor(folder: &Path) -> anyhow::Result<Server> {
    let mut command = Command::new(env::current_exe()?);
    Server::from(Process::start("floor", command.arg("--floor"), folder)?, "http://").await
}

async fn start_kommando(folder: &Path) -> anyhow::Result<Server> {
    let process = Process::start("serve", kommando(folder).args(["serve", "--demo"]), folder)?;
    let server = Server::from(process, "Swagger UI").await?;
    let mut issue = kommando(folder);
    let issue = Process::start("ticket", issue.args(["ticket", "issue", "--user", "admin"]), folder)?;
    let ticket = issue.finish(START).await?;
    Ok(Server { authorization: format!("SoTicket {}", ticket.trim()), ..server })
}

/// The release binary with the settings of this bench, whatever the environment says.
fn kommando(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KOMMANDO_")) {
        command.env_remove(name);
    }
    command
        .env("KOMMANDO_LISTEN", "127.0.0.1:0")
        .env("KOMMANDO_DATABASE_URL", format!("sqlite://{}?mode=rwc", folder.join("kommando.db").display()))
        .env("KOMMANDO_ADMIN_PASSWORD", "a password for nobody");
    command
}
