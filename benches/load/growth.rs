//! `users` and `history`: measure whether the cost of a request grows with the number of users and of executions.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, ensure};

use crate::{
    Settings,
    figures::{Figures, median, median_of},
    lanes::{self, Lane},
    machine, rows, seed,
    servers::{Kommando, Server},
    table,
    wrk::Wrk,
};

const HISTORY_USERS: u32 = 1_000;
/// Enough executions to fill every requested page.
const FEW: u64 = 20_000;
/// A cost that grows by more than this factor is reported.
const FLAT: f64 = 1.5;
const LIST_ALL: &str = "/api/v1/User?$select=assocName,fullName,isActive&$orderBy=assocName";

/// Databases with different numbers of users.
#[derive(clap::Args)]
pub struct Users {
    /// Numbers of users; the others are compared with the first
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    users: Vec<u32>,
}

impl Users {
    pub async fn measure(&self, settings: &Settings, folder: &Path) -> anyhow::Result<()> {
        let mut servers = Vec::new();
        for users in &self.users {
            eprintln!("making {users} users");
            let kommando = Kommando::prepare(folder.join(format!("users-{users}")), None, *users).await?;
            servers.push(kommando.start().await?);
        }
        let flat = [(rows::USER, true), (rows::LIST, true), (rows::HELLO, true), (rows::SET_AWAY, true)];
        let rows: Vec<_> = flat.into_iter().chain(rows::PAGES).collect();
        let mut lanes = Vec::new();
        for (row, _) in &rows {
            let base = lanes.len();
            lanes.extend(
                servers.iter().map(|server| Lane::new(format!("{} {}", row.name, server.users), row, server, base)),
            );
        }
        let results = compare(&lanes, settings, folder).await?;
        for (index, (row, should_be_flat)) in rows.iter().enumerate() {
            let first = index * servers.len();
            print_growth(row.name, *should_be_flat, &results[first..first + servers.len()]);
        }
        println!();
        for server in &servers {
            println!("{}; ready {} ms after its start", walk(server).await?, server.ready.as_millis());
        }
        Ok(())
    }
}

/// Databases with different numbers of executions.
#[derive(clap::Args)]
pub struct History {
    /// Number of executions of the longest history. Ten million take minutes to create, and about 20 GB
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(FEW..))]
    executions: u64,
}

impl History {
    pub async fn measure(&self, settings: &Settings, folder: &Path) -> anyhow::Result<()> {
        let none = Kommando::prepare(folder.join("none"), None, HISTORY_USERS).await?.start().await?;
        let few = with_history(folder.join("few"), FEW).await?;
        let many = with_history(folder.join("many"), self.executions).await?;
        // Commands are compared with an empty history; pages with a history that also fills the pages.
        let running = [rows::LIST, rows::HELLO, rows::HELLO_ONCE, rows::SET_AWAY].map(|row| (row, ("none", &none)));
        let reading = rows::EXECUTIONS.map(|row| (row, ("few", &few)));
        let rows: Vec<_> = running.into_iter().chain(reading).collect();
        let mut lanes = Vec::new();
        for (row, (size, server)) in &rows {
            let base = lanes.len();
            lanes.push(Lane::new(format!("{} {size}", row.name), row, server, base));
            lanes.push(Lane::new(format!("{} many", row.name), row, &many, base));
        }
        let results = compare(&lanes, settings, folder).await?;
        for ((row, _), results) in rows.iter().zip(results.chunks(2)) {
            print_growth(row.name, true, results);
        }
        println!("with {} executions, ready {} ms after its start", self.executions, many.ready.as_millis());
        Ok(())
    }
}

/// A server with this number of executions.
async fn with_history(folder: PathBuf, executions: u64) -> anyhow::Result<Server> {
    let kommando = Kommando::prepare(folder, None, HISTORY_USERS).await?;
    let begin = Instant::now();
    let server = kommando.start().await?;
    let answer = server.connect().await?.ask(&rows::HELLO, 1).await?;
    ensure!(answer.status == 200, "there is no first execution: status {}", answer.status);
    drop(server);
    seed::executions(kommando.database(), executions, HISTORY_USERS).await?;
    println!("{executions} executions were made in {} s", begin.elapsed().as_secs());
    kommando.start().await
}

async fn compare(lanes: &[Lane<'_>], settings: &Settings, folder: &Path) -> anyhow::Result<Vec<Vec<Figures>>> {
    let wrk = Wrk::new(folder, settings.connections)?;
    let results = lanes::run(lanes, &wrk, settings.rounds, settings.seconds).await?;
    println!("{}", table::render(lanes, &results, "of first"));
    Ok(results)
}

/// Prints the processor time of a request for each size, relative to the first size.
fn print_growth(name: &str, should_be_flat: bool, sizes: &[Vec<Figures>]) {
    let cost = |rounds: &Vec<Figures>| median_of(rounds, |round| round.processor_us);
    let growth: Vec<_> = sizes.iter().map(|rounds| cost(rounds) / cost(&sizes[0])).collect();
    let verdict = match (should_be_flat, growth.iter().all(|growth| *growth <= FLAT)) {
        (true, true) => "flat",
        (true, false) => "GROWS",
        (false, _) => "reads all users, because no index serves it",
    };
    let growth: Vec<_> = growth.iter().map(|growth| format!("{growth:>8.2}")).collect();
    println!("CPU {name:<14}{}   {verdict}", growth.join(""));
}

/// Reads the whole list page by page, and reports the time per page at the beginning and at the end.
async fn walk(server: &Server) -> anyhow::Result<String> {
    let mut connection = server.connect().await?;
    let (before, mut most) = (machine::resident_mebibytes(server.id())?, 0.0_f64);
    let (mut next, mut users, mut pages) = (Some(LIST_ALL.to_owned()), 0, Vec::new());
    while let Some(path) = next {
        let begin = Instant::now();
        let page = connection.send("GET", &path).await?.json()?;
        pages.push(begin.elapsed().as_secs_f64() * 1e3);
        users += page["value"].as_array().context("a page without a value")?.len();
        most = most.max(machine::resident_mebibytes(server.id())?);
        let link = page["odata.nextLink"].as_str();
        next = link.map(|link| link.split_once("/api/").map_or(link.to_owned(), |(_, path)| format!("/api/{path}")));
    }
    ensure!(users == server.users as usize, "the pages hold {users} of {} users", server.users);
    let tenth = pages.len().div_ceil(10);
    let (first, last) = (median(pages[..tenth].to_vec()), median(pages[pages.len() - tenth..].to_vec()));
    Ok(format!(
        "{users} users in {} pages: {first:.1} ms a page at the beginning, {last:.1} ms at the end; resident memory \
         {before:.0} MiB before, {most:.0} MiB at most",
        pages.len()
    ))
}
