//! `half`: measures latencies at half of the server's capacity. Requests arrive at a fixed rate, independent of earlier
//! answers (open loop), so that a slow answer delays the following requests as in real use.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::ensure;
use tokio::{
    runtime,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until},
};

use crate::{
    Settings,
    figures::{median, median_of, percentile},
    http::LeanConnection,
    lanes::{self, Lane},
    machine,
    rows::{self, Row},
    servers::{Kommando, Server},
    wrk::Wrk,
};

const USERS: u32 = 1_000;
const STARTS: usize = 5;
/// Time before requests count, because the previous row may have changed every user.
const WARM_UP: Duration = Duration::from_secs(1);
/// Connections per connection of the capacity run. A connection must be free whenever a request is due, and timers are
/// late by up to a millisecond.
const SPARE: u32 = 8;

/// The results of a run.
struct Run {
    /// Latencies from the time when each request was due, in milliseconds.
    latencies: Vec<f64>,
    errors: usize,
    seconds: f64,
}

/// Prints the latencies at half of the capacity, the memory, and the time until the server is ready.
pub async fn measure(settings: &Settings, folder: &Path, postgres: Option<&str>) -> anyhow::Result<()> {
    let kommando = Kommando::prepare(folder.join("half"), postgres, USERS).await?;
    let server = kommando.start().await?;
    let wrk = Wrk::new(folder, settings.connections)?;
    let aims: [(&'static Row, f64); 3] = [(&rows::LIST, 10.0), (&rows::HELLO, 25.0), (&rows::SET_AWAY, 25.0)];
    let lanes = aims.map(|(row, _)| Lane::new(row.name, row, &server, 0));
    let results = lanes::run(&lanes, &wrk, settings.rounds, settings.seconds).await?;
    println!(
        "\n{:<10}{:>10}{:>10}{:>9}{:>9}{:>9}{:>8}",
        "row", "capacity", "req/s", "p50 ms", "p99 ms", "aim ms", "errors"
    );
    for ((row, aim), rounds) in aims.into_iter().zip(&results) {
        let capacity = median_of(rounds, |round| round.requests_per_second);
        let run = drive(row, &server, capacity / 2.0, settings).await?;
        ensure!(!run.latencies.is_empty(), "{} got no answer", row.name);
        println!(
            "{:<10}{capacity:>10.0}{:>10.0}{:>9.2}{:>9.2}{aim:>9.0}{:>8}",
            row.name,
            run.latencies.len() as f64 / run.seconds,
            percentile(run.latencies.clone(), 0.5),
            percentile(run.latencies, 0.99),
            run.errors
        );
    }
    let (idle, loaded) = (server.idle_mib, machine::resident_mebibytes(server.id())?);
    println!("resident memory: {idle:.1} MiB idle (aim 25), {loaded:.1} MiB under load (aim 60)");
    drop(server);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(kommando.start().await?.ready.as_secs_f64() * 1e3);
    }
    println!("ready {:.0} ms after the start on an existing database (median of {STARTS}; aim 200)", median(starts));
    Ok(())
}

/// Sends requests at this rate, with exponentially distributed gaps, like many independent clients. Uses one thread, to
/// leave the processors to the server.
async fn drive(row: &'static Row, server: &Server, rate: f64, settings: &Settings) -> anyhow::Result<Run> {
    let seconds = f64::from(settings.seconds * settings.rounds);
    let due = arrivals(rate, WARM_UP.as_secs_f64() + seconds);
    let requests: Vec<_> = (1..=USERS).map(|id| request_bytes(row, server, id)).collect();
    let (url, connections) = (server.url.clone(), settings.connections * SPARE);
    let sent = spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(send(&url, connections, Arc::new(requests), Arc::new(due)))
    });
    sent.await?
}

async fn send(
    url: &str,
    connections: u32,
    requests: Arc<Vec<Vec<u8>>>,
    due: Arc<Vec<Duration>>,
) -> anyhow::Result<Run> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(LeanConnection::open(url).await?);
    }
    let (next, begin) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut sending = JoinSet::new();
    for mut connection in open {
        let (requests, due, next) = (requests.clone(), due.clone(), next.clone());
        sending.spawn(async move {
            let (mut latencies, mut errors) = (Vec::new(), 0);
            while let Some(after) = due.get(next.fetch_add(1, Ordering::Relaxed)) {
                let due = begin + *after;
                sleep_until(due).await;
                match connection.ask(&requests[rand::random_range(0..requests.len())]).await {
                    Ok(200) if *after < WARM_UP => {}
                    Ok(200) => latencies.push(due.elapsed().as_secs_f64() * 1e3),
                    _ => errors += 1,
                }
            }
            (latencies, errors)
        });
    }
    let mut run = Run { latencies: Vec::new(), errors: 0, seconds: 0.0 };
    for (latencies, errors) in sending.join_all().await {
        run.latencies.extend(latencies);
        run.errors += errors;
    }
    run.seconds = (begin.elapsed() - WARM_UP).as_secs_f64();
    Ok(run)
}

fn arrivals(rate: f64, seconds: f64) -> Vec<Duration> {
    let (mut time, mut all) = (0.0, Vec::new());
    loop {
        time += -(1.0 - rand::random::<f64>()).ln() / rate;
        if time >= seconds {
            return all;
        }
        all.push(Duration::from_secs_f64(time));
    }
}

/// The bytes of a row's request for a user.
fn request_bytes(row: &Row, server: &Server, id: u32) -> Vec<u8> {
    let (method, path) = (row.method, row.path().replace("{id}", &id.to_string()));
    let (authority, authorization) = (server.url.trim_start_matches("http://"), &server.authorization);
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {authorization}\r\n");
    format!("{head}Content-Length: 0\r\n\r\n").into_bytes()
}
