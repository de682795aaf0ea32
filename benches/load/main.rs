//! How fast the server answers: drives the release binary over loopback with wrk.
//!
//! ```sh
//! tests/bench                                       # the rows below
//! tests/bench users --users 1000,100000,1000000     # does the cost grow with the users?
//! tests/bench history --executions 10000000         # … with what was run?
//! tests/bench half                                  # latencies at half load, memory, readiness
//! benches/compare/run                               # beside what people would use instead
//! ```
//!
//! Each takes `--rounds 3 --seconds 5 --connections 32`. Needs wrk (`apt-get install wrk`) and Linux. The server has a
//! database of its own with 1000 users, in the folder `target/tmp` (a folder in memory would make writing look free), or
//! the one at `--postgres URL`, which should be empty and is filled.
//!
//! | row | what is asked |
//! |---|---|
//! | floor | a constant answer of a bare handler of the same framework, in a process of its own |
//! | list | the commands of a user: answered from memory as long as nothing that the list depends on changed |
//! | list-nb | the same with all four headers that say how values read |
//! | user | a user with person, role, groups and credentials: answered from memory as long as the user is unchanged |
//! | hello | a command that changes nothing: stores its record |
//! | set-away | a command that changes the user: reads again, changes and stores in one transaction |
//! | hot-user | the same, but every request changes the same user; on SQLite only |
//!
//! All but the floor prove who calls by a ticket. What is stored is on disk before the answer; requests that wait at
//! the same time share a transaction. Every row runs once in each round, so that a slow minute of the machine meets all
//! of them; shown is the median of the rounds, and behind it every round. wrk shares the processors with the server.
//! Compare rows of one run only, by `of floor` (the median of each round's ratio) and by `CPU`, the server's processor
//! time for one request (`DB` is that of PostgreSQL's processes). `req/s` times `CPU` tells how many processors the
//! server kept busy: far fewer than there are, and requests wait for each other or for the disk. Errors are statuses
//! from 400 and requests that got no answer; before the first round every answer's text is checked as well.

mod compare;
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
    /// How often every row runs
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long a row runs in one round
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many requests are under way at once
    #[arg(long, global = true, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Also the rows on PostgreSQL: an empty database that may be filled, `postgres://…`
    #[arg(long, global = true)]
    postgres: Option<String>,
    /// Also with a build that is not optimised: shows that every row runs, and nothing of its speed
    #[arg(long, global = true)]
    unoptimised: bool,
    /// Serves the row `floor`: how this program starts itself
    #[arg(long, hide = true)]
    floor: bool,
    /// What cargo bench adds
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// What is measured instead of the rows.
#[derive(Subcommand)]
enum What {
    /// Whether the cost of a request grows with the number of users
    Users(growth::Users),
    /// Whether it grows with the number of executions
    History(growth::History),
    /// Latencies at half load, memory, and how soon the server is ready
    Half,
    /// kommando beside what people would use instead
    Compare(compare::Compare),
}

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let result = if settings.floor {
        floor::serve().await
    } else if cfg!(debug_assertions) && !settings.unoptimised {
        println!("This build is not optimised, so nothing is measured; run `cargo bench --bench load`.");
        Ok(())
    } else {
        // Whoever loses is dropped, and the processes it started end with it.
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
    wrk::look_for_it()?;
    // Not the system's folder for temporary files, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (since, folder) = (machine::Ticks::now()?, folder.path());
    match &settings.what {
        None => measure_rows(settings, folder).await?,
        Some(What::Compare(compare)) => return compare.measure(settings, folder).await,
        Some(What::Half) => half::measure(settings, folder, settings.postgres.as_deref()).await?,
        Some(_) if settings.postgres.is_some() => bail!("what grows is measured on SQLite only"),
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
    println!("list-nb is {:.2} of list; the aim is 0.85 or more", table::ratio(&results[2], &results[1]));
    println!("resident memory before the first request: {:.1} MiB", sqlite.idle_mib);
    Ok(())
}

/// Ends with the signal that asks this program to stop.
async fn stopped() -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
