//! Kills PostgreSQL during commits and servers during runs: no acknowledged run is lost, and none happens twice.

use std::{collections::BTreeMap, thread, time::Duration};

use super::{Cluster, LEASE, count_effects, open, start};
use crate::{
    address, folder,
    kill::{BJORN, CLIENTS, Clients, Findings, define, die_at, judge_changes, settle},
    sink::Sink,
};

/// How often the database is killed.
const DEATHS: u64 = 6;
/// The fail points at which the server dies in turn.
const MOMENTS: [&str; 4] = ["batch-changed", "batch-recorded", "batch-committed", "delivery-claimed"];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/all runs it"]
async fn a_killed_database_loses_and_repeats_no_acknowledged_run() {
    let cluster = Cluster::start();
    let (folder, sink) = (folder(), Sink::start());
    define(folder.path(), &sink);
    start(folder.path(), &cluster, &[]).banner();
    count_effects(&cluster);

    let mut process = start(folder.path(), &cluster, &[]);
    let clients = Clients::of(address(&process.banner()), |_| BJORN);
    let mut deaths = BTreeMap::<&str, u32>::new();
    thread::scope(|scope| {
        // Not `ask`: an interrupted call is recovered only after its lease, which is longer than this test.
        let stop_at_the_end = clients.run(scope, |command| command != "ask");
        for death in 0..DEATHS {
            thread::sleep(Duration::from_millis(400 + death * 97 % 300));
            cluster.stop();
            *deaths.entry("database").or_default() += 1;
            thread::sleep(Duration::from_millis(100));
            cluster.resume_after_stop();
        }
        for moment in MOMENTS {
            process.kill();
            process = start(folder.path(), &cluster, &[("FAILPOINTS", &die_at(moment))]);
            if let Some(banner) = process.try_banner() {
                clients.turn_to(address(&banner));
            }
            thread::sleep(Duration::from_millis(700));
            let by_itself = process.child.try_wait().expect("a state").is_some();
            *deaths.entry(if by_itself { moment } else { "killed" }).or_default() += 1;
        }
        process.kill();
        process = start(folder.path(), &cluster, &[]);
        clients.turn_to(address(&process.banner()));
        thread::sleep(Duration::from_secs(1));
        drop(stop_at_the_end);
    });

    let store = open(&cluster).await;
    settle(&store, LEASE).await;
    super::settle_chain(&store).await;
    println!("deaths: {deaths:?}");
    let (tooltips, acknowledged) = (clients.tooltips(), clients.acknowledged());
    assert!(acknowledged.len() > CLIENTS * 4, "too little happened");
    Findings::gather(&store, &cluster.audit_key(), acknowledged, |_| BJORN, sink.calls("/kill")).await.judge();
    judge_changes(&store, &tooltips).await;
}
