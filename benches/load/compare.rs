//! kommando beside what people would use instead, in one table and one picture.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Settings,
    lanes::{self, Lane},
    machine,
    peers::{PEERS, Peer},
    plot,
    report::{self, Line},
    rows,
    servers::{self, Kommando, Server},
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

/// A server, and what is said of it.
struct Contestant {
    title: &'static str,
    read_work: &'static str,
    write_work: &'static str,
    server: Server,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Floor,
    Kommando,
    /// It looks users up, and stores.
    Database,
    /// It answers examples of the document.
    Mock,
}

impl Compare {
    pub async fn measure(&self, settings: &Settings, folder: &Path) -> anyhow::Result<()> {
        let contestants = self.start(settings, folder).await?;
        let (mut lanes, mut lines) = (Vec::new(), Vec::new());
        for contestant in &contestants {
            for (name, row, writes) in contestant.kind.rows() {
                let title = format!("{}: {name}", contestant.title);
                lanes.push(Lane::new(title.clone(), row, &contestant.server, 0));
                let work = if writes { contestant.write_work } else { contestant.read_work };
                let is_ours = contestant.kind == Kind::Kommando;
                lines.push(Line { title, work, writes, is_ours, idle_mib: contestant.server.idle_mib });
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
        let mut all = vec![Contestant {
            title: "floor",
            read_work: "a constant answer of a bare handler of the same framework",
            write_work: "",
            server: floor,
            kind: Kind::Floor,
        }];
        let sqlite = Kommando::prepare(folder.join("sqlite"), None, USERS).await?;
        all.push(ours("kommando on SQLite", sqlite.start().await?));
        if let Some(url) = &settings.postgres {
            let postgres = Kommando::prepare(folder.join("postgres"), Some(url), USERS).await?;
            all.push(ours("kommando on PostgreSQL", postgres.start().await?));
        }
        for peer in PEERS.iter().filter(|_| !self.alone) {
            match start_peer(peer, folder).await {
                Ok(contestant) => all.push(contestant),
                Err(error) => println!("{} is left out: {error:#}", peer.title),
            }
        }
        Ok(all)
    }
}

fn ours(title: &'static str, server: Server) -> Contestant {
    Contestant {
        title,
        read_work: "the caller is authenticated by a ticket and authorised; read from the database",
        write_work: "authenticated, authorised, validated; run, recorded and audited in one durable transaction \
                     (SQLite: synchronous=FULL)",
        server,
        kind: Kind::Kommando,
    }
}

async fn start_peer(peer: &Peer, folder: &Path) -> anyhow::Result<Contestant> {
    let home = peer.home().ok_or_else(|| anyhow::anyhow!("benches/compare/run did not install it"))?;
    let server = peer.start(&home, folder).await?;
    let is_mock = ["prism", "mockoon"].contains(&peer.name);
    let kind = if is_mock { Kind::Mock } else { Kind::Database };
    Ok(Contestant { title: peer.title, read_work: peer.work[0], write_work: peer.work[1], server, kind })
}

impl Kind {
    /// What it is asked: a name, and whether something is written.
    fn rows(self) -> Vec<(&'static str, &'static rows::Row, bool)> {
        match self {
            Self::Floor => vec![("constant answer", &rows::FLOOR, false)],
            Self::Kommando => vec![
                ("list of a user's commands", &rows::LIST, false),
                ("a user", &rows::USER, false),
                ("run hello", &rows::HELLO, true),
                ("run set-away", &rows::SET_AWAY, true),
            ],
            Self::Database => vec![("a user", &rows::PEER_USER, false), ("run hello", &rows::HELLO, true)],
            Self::Mock => {
                vec![("list of a user's commands", &rows::MOCK_LIST, false), ("run hello", &rows::MOCK_HELLO, true)]
            }
        }
    }
}
