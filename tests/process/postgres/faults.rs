//! Responses of a server during failures of PostgreSQL, and its recovery.

use std::{
    collections::BTreeMap,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{
    CREDENTIALS,
    cluster::{CONNECTIONS, Cluster},
    start,
};
use crate::{address, folder, send};

/// The default query timeout, which this test measures.
const QUERY_TIMEOUT: (&str, &str) = ("KOMMANDO_DATABASE_QUERY_TIMEOUT", "900ms");
/// The duration of each failure.
const TROUBLE: Duration = Duration::from_secs(3);
/// The limit of a response time: a second, plus a margin for a busy machine.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The limit of the recovery time.
const RETURN: Duration = Duration::from_secs(5);

const RUN: &str = "POST /api/v1/User/2/CustomCommand/set-away HTTP/1.1";
/// Requests that are answered from the cache while it is in sync with the database.
const READ: &str = "GET /api/v1/User/2 HTTP/1.1";
const LIST: &str = "GET /api/v1/User/2/CustomCommand HTTP/1.1";
/// How long the cache counts as in sync after the last message of the database.
const KNOWN: Duration = Duration::from_secs(1);
const READY: &str = "GET /health/ready HTTP/1.1";

struct Answer {
    status: String,
    has_retry: bool,
    took: Duration,
}

fn ask(address: &str, line: &str) -> Answer {
    let began = Instant::now();
    let answer = send(address, &format!("{line}\r\n{CREDENTIALS}")).expect("an answer");
    let head = answer.to_lowercase();
    Answer {
        status: answer.get(9..12).unwrap_or_default().to_owned(),
        has_retry: head.contains("\r\nretry-after: "),
        took: began.elapsed(),
    }
}

/// Causes a failure, checks the responses, ends it, and measures the recovery time.
fn go_through(what: &str, server: &str, lines: &[&str], begin: impl FnOnce(), end: impl FnOnce()) {
    for line in [RUN, READ, LIST, READY] {
        assert_eq!(ask(server, line).status, "200", "before {what}: {line}");
    }
    begin();
    let began = Instant::now();
    let (mut longest, mut seen) = (Duration::ZERO, BTreeMap::<String, u32>::new());
    while began.elapsed() < TROUBLE {
        for line in lines {
            let is_known = [LIST, READ].contains(line) && began.elapsed() < KNOWN;
            let got = ask(server, line);
            if !(is_known && got.status == "200") {
                assert_eq!((got.status.as_str(), got.has_retry), ("503", true), "{what}: {line}");
            }
            assert!(got.took < PATIENCE, "{what}: {line} took {:?}", got.took);
            longest = longest.max(got.took);
            *seen.entry(got.status).or_default() += 1;
        }
        let live = ask(server, "GET /health/live HTTP/1.1");
        assert!(live.status == "200" && live.took < PATIENCE, "{what}: {:?}", live.took);
        thread::sleep(Duration::from_millis(50));
    }
    end();
    let ended = Instant::now();
    while [RUN, READ, LIST, READY].iter().any(|line| ask(server, line).status != "200") {
        assert!(ended.elapsed() < RETURN, "{what}: not back after {:?}", ended.elapsed());
        thread::sleep(Duration::from_millis(50));
    }
    println!("{what}: {seen:?} within {longest:?}, back after {:?}", ended.elapsed());
}

#[test]
#[ignore = "needs PostgreSQL: tests/all runs it"]
fn a_failing_database_is_a_503_and_recovers_without_a_restart() {
    let cluster = Cluster::start();
    let folder = folder();
    let mut process = start(folder.path(), &cluster, &[QUERY_TIMEOUT]);
    let server = address(&process.banner());
    let all = [RUN, READ, LIST, READY];

    go_through("gone", &server, &all, || cluster.stop(), || cluster.resume_after_stop());
    go_through("frozen", &server, &all, || cluster.freeze(), || cluster.thaw());

    let lock = "BEGIN; LOCK TABLE users; SELECT pg_sleep(3600)";
    let is_locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = \
                     (SELECT oid FROM pg_class WHERE relname = 'users')";
    let wait_for_lock = || {
        let began = Instant::now();
        while cluster.say_to_kommando(is_locked).trim() != "1" {
            assert!(began.elapsed() < RETURN, "an open transaction blocks the lock");
        }
    };
    let let_go = || {
        cluster.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)'");
    };
    let mut held = None;
    let begin = || {
        let mut psql = cluster.psql("kommando");
        let psql = psql.args(["--command", lock]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        held = Some(psql.expect("psql"));
        wait_for_lock();
    };
    // Readiness reads no locked table, and the cache stays in sync, since notifications still arrive.
    go_through("slow", &server, &[RUN], begin, let_go);
    held.take().expect("a session").wait().expect("an end");

    let refuse = "ALTER ROLE app CONNECTION LIMIT 0; \
                  SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'";
    let admit = format!("ALTER ROLE app CONNECTION LIMIT {CONNECTIONS}");
    go_through("out of connections", &server, &all, || drop(cluster.say(refuse)), || drop(cluster.say(&admit)));

    process.signal("TERM");
    let log = process.log();
    assert!(!log.contains("panicked"), "{log}");
}
