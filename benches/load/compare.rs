//! `compare`: measures kommando and its alternatives, in one table and one picture.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use kommando::store::Store;

use crate::{
    Settings,
    lanes::{self, Lane},
    machine,
    peers::{PEERS, Peer},
    plot,
    report::{self, Line},
    rows::{self, Row},
    seed,
    servers::{self, Kommando, Server, Storage},
    table,
    wrk::Wrk,
};

const USERS: u32 = 1_000;

/// Where the results are written.
#[derive(clap::Args)]
pub struct Compare {
    /// The folder for RESULTS.md and the picture; without it, they are not written
    #[arg(long)]
    into: Option<PathBuf>,
    /// Leave the peers out
    #[arg(long)]
    alone: bool,
}

const LIST_WORK: &str = "the caller is authenticated by a ticket and authorised; the first request for a user makes the \
                         list, later ones get it from memory until something it depends on changes";
const USER_WORK: &str = "the caller is authenticated by a ticket and authorised; answered from memory as long as the user \
                         is unchanged";
const RUN_WORK: &str = "authenticated, authorised, validated; run, recorded and audited in one durable transaction that \
                        several requests share (SQLite: synchronous=FULL; PostgreSQL: synchronous_commit=on)";
const HOT_USER_WORK: &str = "the same as run set-away, but every request changes the same user";

/// A server with its rows.
struct Contestant {
    title: &'static str,
    is_ours: bool,
    rows: Vec<RowInfo>,
    server: Server,
}

/// A row with its description.
struct RowInfo {
    name: &'static str,
    row: &'static Row,
    writes: bool,
    work: &'static str,
}

impl Compare {
    pub async fn measure(&self, settings: &Settings, folder: &Path) -> anyhow::Result<()> {
        let contestants = self.start(settings, folder).await?;
        let (mut lanes, mut lines) = (Vec::new(), Vec::new());
        for contestant in &contestants {
            let Contestant { title, is_ours, server, .. } = contestant;
            let (is_ours, storage, idle_mib) = (*is_ours, server.storage, server.idle_mib);
            for RowInfo { name, row, writes, work } in &contestant.rows {
                let title = format!("{title}: {name}");
                lanes.push(Lane::new(title.clone(), row, server, 0));
                lines.push(Line { title, work, writes: *writes, storage, is_ours, idle_mib });
            }
        }
        let (wrk, since) = (Wrk::new(folder, settings.connections)?, machine::Ticks::now()?);
        let results = lanes::run(&lanes, &wrk, settings.rounds, settings.seconds).await?;
        println!("{}", table::render(&lanes, &results, "of floor"));
        let conditions = format!(
            "{}; {}; {} rounds of {} s each, {} connections, wrk on the same processors",
            machine::describe()?,
            since.stolen()?,
            settings.rounds,
            settings.seconds,
            settings.connections
        );
        println!("{conditions}");
        let report = report::render(&lines, &results, &conditions);
        if let Some(into) = &self.into {
            fs::create_dir_all(into)?;
            fs::write(into.join("RESULTS.md"), &report)?;
            fs::write(into.join("results.svg"), plot::draw(&lines, &results))?;
        }
        Ok(())
    }

    async fn start(&self, settings: &Settings, folder: &Path) -> anyhow::Result<Vec<Contestant>> {
        let floor = servers::start_floor(folder).await?;
        let mut all = vec![Contestant::floor(floor)];
        let sqlite = Kommando::prepare(folder.join("sqlite"), None, USERS).await?;
        all.push(Contestant::ours("kommando on SQLite", sqlite.start().await?));
        if let Some(url) = &settings.postgres {
            if !settings.unoptimised {
                ensure_durable(url).await?;
            }
            let postgres = Kommando::prepare(folder.join("postgres"), Some(url), USERS).await?;
            all.push(Contestant::ours("kommando on PostgreSQL", postgres.start().await?));
        }
        for peer in PEERS.iter().filter(|_| !self.alone) {
            match start_peer(peer, folder, settings.postgres.as_deref()).await {
                Ok(contestant) => all.push(contestant),
                Err(error) => println!("{} is left out: {error:#}", peer.title),
            }
        }
        Ok(all)
    }
}

impl Contestant {
    fn floor(server: Server) -> Self {
        let work = "a constant answer of a bare handler of the same framework";
        Self { title: "floor", is_ours: false, rows: vec![reads("constant answer", &rows::FLOOR, work)], server }
    }

    fn ours(title: &'static str, server: Server) -> Self {
        let mut all = vec![
            reads("list of a user's commands", &rows::LIST, LIST_WORK),
            reads("a user", &rows::USER, USER_WORK),
            writes("run hello", &rows::HELLO, RUN_WORK),
            writes("run set-away", &rows::SET_AWAY, RUN_WORK),
        ];
        if server.storage == Storage::Sqlite {
            all.push(writes("run set-away on one hot user", &rows::HOT_USER, HOT_USER_WORK));
        }
        Self { title, is_ours: true, rows: all, server }
    }

    fn peer(peer: &Peer, server: Server) -> Self {
        let [read, write] = peer.work;
        let all = match peer.storage {
            Storage::Nothing => vec![
                reads("list of a user's commands", &rows::MOCK_LIST, read),
                writes("run hello", &rows::MOCK_HELLO, write),
            ],
            Storage::Sqlite | Storage::Postgres => {
                vec![reads("a user", &rows::PEER_USER, read), writes("run hello", &rows::HELLO, write)]
            }
        };
        Self { title: peer.title, is_ours: false, rows: all, server }
    }
}

/// Fails unless PostgreSQL syncs to disk before it answers, as the results claim.
async fn ensure_durable(url: &str) -> anyhow::Result<()> {
    let store = Store::open(url).await?;
    let off = "SELECT COUNT(*) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting <> 'on'";
    ensure!(seed::number(store.writer(), off).await? == 0, "fsync and synchronous_commit must be on in PostgreSQL");
    Ok(store.close().await?)
}

fn reads(name: &'static str, row: &'static Row, work: &'static str) -> RowInfo {
    RowInfo { name, row, writes: false, work }
}

fn writes(name: &'static str, row: &'static Row, work: &'static str) -> RowInfo {
    RowInfo { name, row, writes: true, work }
}

async fn start_peer(peer: &Peer, folder: &Path, postgres: Option<&str>) -> anyhow::Result<Contestant> {
    let home = peer.home().context("it is not installed; run benches/compare/run")?;
    Ok(Contestant::peer(peer, peer.start(&home, folder, postgres).await?))
}
