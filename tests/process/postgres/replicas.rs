//! Three servers behind a load balancer on one database: a rolling restart, and kills.

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{CREDENTIALS, Cluster, LEASE, balancer::Balancer, count_effects, open, settle_chain, start};
use crate::{
    Process, address, folder,
    kill::{Acknowledged, COMMANDS, Findings, Stop, define, run_once, settle},
    send,
    sink::Sink,
};

const REPLICAS: usize = 3;
const CLIENTS: usize = 8;
const BJORN: i32 = 3;

/// How often every server is restarted; the variable `RESTARTS` sets it.
fn restarts() -> usize {
    env::var("RESTARTS").ok().and_then(|restarts| restarts.parse().ok()).unwrap_or(1)
}

struct Fixture {
    cluster: Cluster,
    sink: Sink,
    folder: TempDir,
    replicas: Vec<Process>,
    balancer: Balancer,
}

impl Fixture {
    fn new() -> Self {
        let cluster = Cluster::start();
        let (folder, sink) = (folder(), Sink::start());
        define(folder.path(), &sink);
        let mut replicas: Vec<_> = (0..REPLICAS).map(|_| start(folder.path(), &cluster, &[])).collect();
        let addresses = replicas.iter_mut().map(|replica| address(&replica.banner())).collect();
        count_effects(&cluster);
        Self { cluster, sink, folder, replicas, balancer: Balancer::start(addresses) }
    }

    /// Restarts a server gracefully: takes it out of the balancer first.
    fn restart(&mut self, replica: usize) {
        self.balancer.take_out(replica);
        thread::sleep(Duration::from_millis(100));
        self.replicas[replica].signal("TERM");
        assert!(self.replicas[replica].child.wait().expect("an end").success());
        self.replace(replica);
    }

    fn replace(&mut self, replica: usize) {
        self.replicas[replica] = start(self.folder.path(), &self.cluster, &[]);
        let address = address(&self.replicas[replica].banner());
        self.balancer.put_in(replica, address);
    }

    async fn judge(mut self, acknowledged: Acknowledged) {
        let store = open(&self.cluster).await;
        settle(&store, LEASE).await;
        settle_chain(&store).await;
        self.replicas.iter_mut().for_each(Process::kill);
        Findings::gather(&store, &self.cluster.audit_key(), acknowledged, |_| BJORN, self.sink.calls("/kill"))
            .await
            .judge();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/all runs it"]
async fn a_rolling_restart_fails_no_request_and_repeats_no_run() {
    let mut fixture = Fixture::new();
    let stop = Stop::default();
    let acknowledged = Mutex::new(Acknowledged::new());
    let (failed, began) = (Mutex::new(Vec::new()), Instant::now());
    thread::scope(|scope| {
        let stop_at_the_end = stop.clone();
        for client in 0..CLIENTS {
            let (stop, acknowledged, failed) = (&stop.0, &acknowledged, &failed);
            let address = fixture.balancer.address.clone();
            scope.spawn(move || {
                for (request, (command, _)) in COMMANDS.iter().cycle().enumerate() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let key = format!("{client}-{request}");
                    let line = format!("POST /api/v1/User/{BJORN}/CustomCommand/{command} HTTP/1.1");
                    let got = send(&address, &format!("{line}\r\n{CREDENTIALS}\r\nIdempotency-Key: {key}"));
                    match got {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
                            let outcome = kommando::executions::execution::Outcome::Succeeded;
                            acknowledged.lock().expect("a map").insert((command, key), outcome);
                        }
                        got => failed.lock().expect("a list").push(format!("{command}: {got:?}")),
                    }
                }
            });
        }
        for _ in 0..restarts() {
            for replica in 0..REPLICAS {
                fixture.restart(replica);
            }
        }
        drop(stop_at_the_end);
    });
    let (acknowledged, failed) = (acknowledged.into_inner().expect("a map"), failed.into_inner().expect("a list"));
    println!(
        "{} restarts of {REPLICAS} in {:.1} s: {} requests, {} failed",
        restarts(),
        began.elapsed().as_secs_f64(),
        acknowledged.len() + failed.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    fixture.judge(acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/all runs it"]
async fn killing_a_replica_fails_only_its_requests_in_flight() {
    let mut fixture = Fixture::new();
    let stop = Stop::default();
    let acknowledged = Mutex::new(Acknowledged::new());
    let (failed, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut kills = 0;
    thread::scope(|scope| {
        let stop_at_the_end = stop.clone();
        for client in 0..CLIENTS {
            let (stop, acknowledged, failed, answered) = (&stop.0, &acknowledged, &failed, &answered);
            let address = fixture.balancer.address.clone();
            scope.spawn(move || {
                // Not `ask`: an interrupted call is recovered only after its lease, which is longer than this test.
                let commands = COMMANDS.iter().filter(|(name, _)| *name != "ask");
                for (request, (command, _)) in commands.cycle().enumerate() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let key = format!("{client}-{request}");
                    let line = format!("POST /api/v1/User/{BJORN}/CustomCommand/{command} HTTP/1.1");
                    let got = send(&address, &format!("{line}\r\n{CREDENTIALS}\r\nIdempotency-Key: {key}"));
                    let is_answered = got.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
                    if is_answered { answered } else { failed }.fetch_add(1, Ordering::Relaxed);
                    // A retry with the same key is safe on any server.
                    let server = Mutex::new(address.clone());
                    let Some(outcome) = run_once(&server, stop, BJORN, command, &key) else { return };
                    acknowledged.lock().expect("a map").insert((command, key), outcome);
                }
            });
        }
        for replica in [1, 0, 2] {
            thread::sleep(Duration::from_millis(700));
            fixture.replicas[replica].kill();
            kills += 1;
            thread::sleep(Duration::from_millis(300));
            fixture.replace(replica);
        }
        thread::sleep(Duration::from_millis(500));
        drop(stop_at_the_end);
    });
    let (failed, answered) = (failed.into_inner(), answered.into_inner());
    println!("{kills} kills: {answered} requests answered, {failed} failed");
    assert!(answered > CLIENTS * 10, "too little happened");
    assert!(failed <= kills * CLIENTS, "more failed than can have been in flight");
    fixture.judge(acknowledged.into_inner().expect("a map")).await;
}
