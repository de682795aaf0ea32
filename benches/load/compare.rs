//! kommando beside what people would use instead, in one table and one picture.

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
    /// The folder that RESULTS.md and the picture are written into; nothing is written without it
    #[arg(long)]
    into: Option<PathBuf>,
    /// A README whose lines between `<!-- compare -->` and `<!-- /compare -->` are replaced with the table
    #[arg(long)]
    readme: Option<PathBuf>,
    /// Leave the peers out
    #[arg(long)]
    alone: bool,
}

const LIST_WORK: &str = "the caller is authenticated by a ticket and authorised; the list was made before and is \
                         answered from memory as long as nothing it depends on changed";
const USER_WORK: &str = "the caller is authenticated by a ticket and authorised; answered from memory as long as the user \
                         is unchanged";
const RUN_WORK: &str = "authenticated, authorised, validated; run, recorded and audited in one durable transaction that \
                        several requests share (SQLite: synchronous=FULL; PostgreSQL: synchronous_commit=on)";
const HOT_USER_WORK: &str = "the same as run set-away, but every request changes the same user";

/// A server, and what it is asked.
struct Contestant {
    title: &'static str,
    is_ours: bool,
    asked: Vec<Asked>,
    server: Server,
}

/// A row, and what is said of it.
struct Asked {
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
            for Asked { name, row, writes, work } in &contestant.asked {
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
            fs::write(into.join("RESULTS.md"), &report.whole)?;
            fs::write(into.join("results.svg"), plot::draw(&lines, &results))?;
        }
        if let Some(readme) = &self.readme {
            report::insert(readme, &report.brief)?;
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
        Self { title: "floor", is_ours: false, asked: vec![reads("constant answer", &rows::FLOOR, work)], server }
    }

    fn ours(title: &'static str, server: Server) -> Self {
        let mut asked = vec![
            reads("list of a user's commands", &rows::LIST, LIST_WORK),
            reads("a user", &rows::USER, USER_WORK),
            writes("run hello", &rows::HELLO, RUN_WORK),
            writes("run set-away", &rows::SET_AWAY, RUN_WORK),
        ];
        if server.storage == Storage::Sqlite {
            asked.push(writes("run set-away on one hot user", &rows::HOT_USER, HOT_USER_WORK));
        }
        Self { title, is_ours: true, asked, server }
    }

    fn peer(peer: &Peer, server: Server) -> Self {
        let [read, write] = peer.work;
        let asked = match peer.storage {
            Storage::Nothing => vec![
                reads("list of a user's commands", &rows::MOCK_LIST, read),
                writes("run hello", &rows::MOCK_HELLO, write),
            ],
            Storage::Sqlite | Storage::Postgres => {
                vec![reads("a user", &rows::PEER_USER, read), writes("run hello", &rows::HELLO, write)]
            }
        };
        Self { title: peer.title, is_ours: false, asked, server }
    }
}

/// Fails unless PostgreSQL syncs to disk before it answers, as the results say.
async fn ensure_durable(url: &str) -> anyhow::Result<()> {
    let store = Store::open(url).await?;
    let off = "SELECT COUNT(*) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting <> 'on'";
    ensure!(seed::number(store.writer(), off).await? == 0, "fsync and synchronous_commit must be on in PostgreSQL");
    Ok(store.close().await?)
}

fn reads(name: &'static str, row: &'static Row, work: &'static str) -> Asked {
    Asked { name, row, writes: false, work }
}

fn writes(name: &'static str, row: &'static Row, work: &'static str) -> Asked {
    Asked { name, row, writes: true, work }
}

async fn start_peer(peer: &Peer, folder: &Path, postgres: Option<&str>) -> anyhow::Result<Contestant> {
    let home = peer.home().context("benches/compare/run did not install it")?;
    Ok(Contestant::peer(peer, peer.start(&home, folder, postgres).await?))
}
