//! Runs the load generator wrk, and parses its output.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};

use crate::{
    figures::Figures,
    machine,
    process::Process,
    rows::{Ids, Row},
    servers::Server,
};

const SCRIPT: &str = include_str!("script.lua");
const WARM_UP_SECONDS: u32 = 1;
/// Warm-up of rows with slow answers of up to a second.
const SLOW_WARM_UP_SECONDS: u32 = 4;
/// Timeout of an answer: longer than any row should take.
const ANSWER_SECONDS: u32 = 10;
/// Time that wrk may take beyond its duration.
const GRACE: Duration = Duration::from_secs(15);

/// wrk with its script.
pub struct Wrk<'a> {
    folder: &'a Path,
    script: PathBuf,
    connections: u32,
}

/// The figures that the script prints.
struct Printed {
    requests: f64,
    seconds: f64,
    p50_ms: f64,
    p99_ms: f64,
    errors: u64,
}

/// Checks that wrk is installed.
pub fn ensure_installed() -> anyhow::Result<()> {
    let started = Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match started {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("wrk is missing; install it with `apt-get install wrk`")
        }
        other => other.map(drop).context("failed to start wrk"),
    }
}

impl<'a> Wrk<'a> {
    pub fn new(folder: &'a Path, connections: u32) -> anyhow::Result<Self> {
        let script = folder.join("script.lua");
        fs::write(&script, SCRIPT)?;
        Ok(Self { folder, script, connections })
    }

    /// Runs a row for a short time and checks every answer.
    pub async fn warm_up(&self, row: &Row, server: &Server) -> anyhow::Result<()> {
        let seconds = if row.connections.is_some() { SLOW_WARM_UP_SECONDS } else { WARM_UP_SECONDS };
        let printed = self.send(row, server, seconds, row.expected).await?;
        ensure!(
            printed.errors == 0 && printed.requests > 0.0,
            "{} got no correct answers: {} errors",
            row.name,
            printed.errors
        );
        Ok(())
    }

    /// Runs a row.
    pub async fn run(&self, row: &Row, server: &Server, seconds: u32) -> anyhow::Result<Figures> {
        let database = || server.storage.processes().map(machine::processor_time_of_all).transpose();
        let (before, database_before) = (machine::processor_time(server.id())?, database()?);
        let printed = self.send(row, server, seconds, "").await?;
        let used = machine::processor_time(server.id())? - before;
        let database_used = database()?.zip(database_before).map(|(now, before)| now.saturating_sub(before));
        ensure!(printed.requests > 0.0, "{} got no answer in {seconds} s", row.name);
        Ok(Figures {
            requests_per_second: printed.requests / printed.seconds,
            p50_ms: printed.p50_ms,
            p99_ms: printed.p99_ms,
            processor_us: used.as_secs_f64() * 1e6 / printed.requests,
            database_us: database_used.map(|used| used.as_secs_f64() * 1e6 / printed.requests),
            resident_mib: machine::resident_mebibytes(server.id())?,
            errors: printed.errors,
        })
    }

    async fn send(&self, row: &Row, server: &Server, seconds: u32, expected: &str) -> anyhow::Result<Printed> {
        let largest = match row.ids {
            Ids::Users => server.users,
            Ids::Digits => 9,
        };
        let connections = row.connections.unwrap_or(self.connections);
        let mut command = Command::new("wrk");
        command
            .args(["-t1", "--latency"])
            .args([format!("-c{connections}"), format!("-d{seconds}s"), format!("--timeout={ANSWER_SECONDS}s")])
            .args(row.headers.iter().flat_map(|header| ["-H", header]))
            .arg("-s")
            .arg(&self.script)
            .args([&server.url, "--", row.method, &row.path(), &server.authorization, expected])
            .arg(largest.to_string());
        let limit = Duration::from_secs(u64::from(seconds)) + GRACE;
        let output = Process::start("wrk", &mut command, self.folder)?.finish(limit).await?;
        if let Some(wrong) = output.lines().find_map(|line| line.strip_prefix("wrong ")) {
            bail!("{} got an unexpected answer: {wrong}", row.name);
        }
        Printed::read(&output).with_context(|| format!("the script printed no figures:\n{output}"))
    }
}

impl Printed {
    fn read(output: &str) -> Option<Self> {
        let figures = output.lines().find_map(|line| line.strip_prefix("figures "))?;
        let figures: Vec<u64> = figures.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [requests, microseconds, p50, p99, errors] = figures[..] else { return None };
        let thousandth = |number: u64| number as f64 / 1e3;
        Some(Self {
            requests: requests as f64,
            seconds: microseconds as f64 / 1e6,
            p50_ms: thousandth(p50),
            p99_ms: thousandth(p99),
            errors,
        })
    }
}
