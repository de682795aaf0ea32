//! Benchmarks of the shipped binary (`--profile dist`) over loopback, with wrk as the load generator.
//!
//! ```sh
//! tests/bench                                       # the rows below
//! tests/bench users --users 1000,100000,1000000     # does the cost grow with the number of users?
//! tests/bench history --executions 10000000         # … with the number of executions?
//! tests/bench half                                  # latencies at half load, memory, time until ready
//! benches/compare/run                               # kommando and its alternatives
//! ```
//!
//! All take `--rounds 3 --seconds 5 --connections 32`. Needs wrk (`apt-get install wrk`) and Linux. The server has a
//! new database with 1000 users in the folder `target/tmp` (not in memory, because then writing would seem free), or
//! the one at `--postgres URL`, which should be empty and is filled.
//!
//! | row | request |
//! |---|---|
//! | floor | a constant answer of a bare handler of the same framework, in a separate process |
//! | list | the commands of a user, cached as long as nothing that the list depends on changes |
//! | list-nb | the same with all four localization headers |
//! | user | a user with person, role, groups and credentials, cached as long as the user is unchanged |
//! | hello | a command that changes nothing: stores its record |
//! | set-away | a command that changes the user: reads again, changes and stores in one transaction |
//! | hot-user | the same, but every request changes the same user; only on SQLite |
//!
//! All rows but the floor authenticate with a ticket. Writes are on disk before the answer; requests that wait at the
//! same time share a transaction. Every row runs once in each round, so that a slow minute of the machine affects all
//! of them. The table shows the median of the rounds, followed by every round. wrk shares the processors with the
//! server.
//!
//! Compare only rows of the same run, by `of floor` (the median of each round's ratio) and by `CPU`, the server's
//! processor time per request (`DB` is that of PostgreSQL's processes). `req/s` times `CPU` is the number of processors
//! that the server keeps busy; if it is far below the machine's, requests wait for each other or for the disk. Errors
//! are statuses from 400 and requests without an answer. Before the first round, the text of every answer is also
//! checked.

mod compare;
mod figures;
mod floor;
mod growth;
mod half;
mod http;
mod lanes;
mod machine;
mod peers;
mod plot;
mod process;
mod report;
mod rows;
mod seed;
mod servers;
mod table;
mod wrk;

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use lanes::Lane;
use servers::Kommando;
use wrk::Wrk;

const USERS: u32 = 1_000;

/// Measures how fast kommando answers.
#[derive(Parser)]
struct Settings {
    #[command(subcommand)]
    what: Option<What>,
    /// Number of rounds; every row runs once per round
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds per row and round
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Requests in flight at the same time
    #[arg(long, global = true, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Also measure on PostgreSQL, in this empty database, which is filled: `postgres://…`
    #[arg(long, global = true)]
    postgres: Option<String>,
    /// Also run with an unoptimised build, to check that every row works; the figures are meaningless
    #[arg(long, global = true)]
    unoptimised: bool,
    /// Serve the row `floor`; used by this program to start itself
    #[arg(long, hide = true)]
    floor: bool,
    /// Added by cargo bench
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// Other measurements instead of the rows.
#[derive(Subcommand)]
enum What {
    /// Whether the cost of a request grows with the number of users
    Users(growth::Users),
    /// Whether the cost of a request grows with the number of executions
    History(growth::History),
    /// Latencies at half load, memory, and time until the server is ready
    Half,
    /// kommando and its alternatives
    Compare(compare::Compare),
}

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let result = if settings.floor {
        floor::serve().await
    } else if cfg!(debug_assertions) && !settings.unoptimised {
        println!("This build is not optimised, so nothing is measured; run `tests/bench`.");
        Ok(())
    } else {
        // The future that loses is dropped, which kills the processes that it started.
        tokio::select! {
            result = measure(&settings) => result,
            result = stopped() => result,
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(settings: &Settings) -> anyhow::Result<()> {
    wrk::ensure_installed()?;
    // Not the system's temporary folder, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (since, folder) = (machine::Ticks::now()?, folder.path());
    match &settings.what {
        None => measure_rows(settings, folder).await?,
        Some(What::Compare(compare)) => return compare.measure(settings, folder).await,
        Some(What::Half) => half::measure(settings, folder, settings.postgres.as_deref()).await?,
        Some(_) if settings.postgres.is_some() => bail!("`users` and `history` measure only SQLite"),
        Some(What::Users(users)) => users.measure(settings, folder).await?,
        Some(What::History(history)) => history.measure(settings, folder).await?,
    }
    println!("{}, {}", machine::describe()?, since.stolen()?);
    Ok(())
}

async fn measure_rows(settings: &Settings, folder: &Path) -> anyhow::Result<()> {
    let floor = servers::start_floor(folder).await?;
    let sqlite = Kommando::prepare(folder.join("sqlite"), None, USERS).await?.start().await?;
    let postgres = match &settings.postgres {
        Some(url) => Some(Kommando::prepare(folder.join("postgres"), Some(url), USERS).await?.start().await?),
        None => None,
    };
    let mut lanes = vec![Lane::new("floor", &rows::FLOOR, &floor, 0)];
    let all = [&rows::LIST, &rows::LIST_NB, &rows::USER, &rows::HELLO, &rows::SET_AWAY];
    lanes.extend(all.iter().chain(&[&rows::HOT_USER]).map(|row| Lane::new(row.name, row, &sqlite, 0)));
    if let Some(server) = &postgres {
        lanes.extend(all.map(|row| Lane::new(format!("{} (PostgreSQL)", row.name), row, server, 0)));
    }
    let wrk = Wrk::new(folder, settings.connections)?;
    let results = lanes::run(&lanes, &wrk, settings.rounds, settings.seconds).await?;
    println!("{}", table::render(&lanes, &results, "of floor"));
    println!("list-nb is {:.2} of list; the aim is 0.85 or more", figures::ratio(&results[2], &results[1]));
    println!("resident memory before the first request: {:.1} MiB", sqlite.idle_mib);
    Ok(())
}

/// Fails on SIGINT or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
