//! How fast the server answers: drives the release binary over loopback with wrk.
//!
//! ```sh
//! cargo bench --bench load -- --rounds 3 --seconds 5 --connections 32
//! ```
//!
//! Needs wrk (`apt-get install wrk`) and Linux. The server is `kommando serve --demo` on a database of its own, in
//! the folder `target/tmp`: a folder in memory would make writing look free.
//!
//! | row | what is asked |
//! |---|---|
//! | floor | a constant answer of a bare handler of the same framework, in a process of its own |
//! | list | the commands of a user: reads only |
//! | list-nb | the same with all four headers that say how values read |
//! | hello | a command that changes nothing: reads, and stores its record |
//! | set-away | a command that changes the user: reads, then reads again, changes and stores in one transaction |
//!
//! All but the floor prove who calls by a ticket. Every row runs once in each round, so that a slow minute of the
//! machine meets all of them; shown is the median of the rounds, and behind it every round. wrk shares the processors
//! with the server. Compare rows of one run only, by `of floor` (the median of each round's ratio) and by `CPU`, the
//! server's processor time for one request. `req/s` times `CPU` tells how many processors the server kept busy: far
//! fewer than there are, and requests wait for each other or for the disk. Errors are statuses from 400 and requests
//! that got no answer; before the first round every answer's text is checked as well.

mod floor;
mod machine;
mod process;
mod servers;
mod table;
mod wrk;

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use servers::Servers;
use table::Figures;
use wrk::Wrk;

/// Measures how fast kommando answers, beside a bare handler.
#[derive(Parser)]
struct Settings {
    /// How often every row runs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long a row runs in one round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many requests are under way at once
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Serves the row `floor`: how this program starts itself
    #[arg(long, hide = true)]
    floor: bool,
    /// What cargo bench adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is asked, and where.
struct Row {
    name: &'static str,
    server: fn(&Servers) -> &servers::Server,
    method: &'static str,
    /// `{id}` stands for a user.
    path: &'static str,
    headers: &'static [&'static str],
    /// What every right answer contains.
    expected: &'static str,
}

/// How a reader in Norway asks.
const NORWEGIAN: &[&str] = &[
    "Accept-Language: nb-NO, nb;q=0.9, en;q=0.8",
    "SO-Language: nb",
    "SO-Culture: nb-NO",
    "SO-TimeZone: NO, includeTZOffset",
];

const ROWS: [Row; 5] = [
    Row {
        name: "floor",
        server: |servers| &servers.floor,
        method: "GET",
        path: "/",
        headers: &[],
        expected: floor::ANSWER,
    },
    Row {
        name: "list",
        server: |servers| &servers.kommando,
        method: "GET",
        path: "/api/v1/User/{id}/CustomCommand",
        headers: &[],
        expected: r#""Name":"set-away""#,
    },
    Row {
        name: "list-nb",
        server: |servers| &servers.kommando,
        method: "GET",
        path: "/api/v1/User/{id}/CustomCommand",
        headers: NORWEGIAN,
        expected: r#""DisplayName":"Sett fraværende""#,
    },
    Row {
        name: "hello",
        server: |servers| &servers.kommando,
        method: "POST",
        path: "/api/v1/User/{id}/CustomCommand/hello",
        headers: &[],
        expected: r#""Success":true"#,
    },
    Row {
        name: "set-away",
        server: |servers| &servers.kommando,
        method: "POST",
        path: "/api/v1/User/{id}/CustomCommand/set-away",
        headers: &[],
        expected: r#""Success":true"#,
    },
];

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let result = if settings.floor {
        floor::serve().await
    } else if cfg!(debug_assertions) {
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
    let servers = Servers::start(folder.path()).await?;
    let wrk = Wrk::new(folder.path(), settings.connections)?;
    for row in &ROWS {
        eprintln!("warming up: {}", row.name);
        wrk.warm_up(row, &servers).await?;
    }
    let since = machine::Ticks::now()?;
    let mut results: [Vec<Figures>; ROWS.len()] = Default::default();
    for round in 1..=settings.rounds {
        eprintln!("round {round} of {}", settings.rounds);
        for (row, results) in ROWS.iter().zip(&mut results) {
            results.push(wrk.run(row, &servers, settings.seconds).await?);
        }
    }
    let names = ROWS.map(|row| row.name);
    println!("{}", table::render(&names, &results));
    let [_, list, localised, ..] = &results;
    println!("list-nb is {:.2} of list; the aim is 0.85 or more", table::ratio(localised, list));
    println!("{}", servers.memory()?);
    println!("{}, {}", machine::describe()?, since.stolen()?);
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
