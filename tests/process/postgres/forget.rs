//! What one server takes away is worth nothing to the others, at once.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{CREDENTIALS, Cluster, start};
use crate::{address, folder, send};

/// How long a credential may still be good elsewhere.
const AT_MOST: Duration = Duration::from_secs(1);

fn status(address: &str, line: &str, headers: &str) -> String {
    let answer = send(address, &format!("{line}\r\n{headers}")).expect("an answer");
    answer.get(9..12).unwrap_or_default().to_owned()
}

fn log_in(address: &str) -> String {
    let body = r#"{"userName":"admin","password":"it's"}"#;
    let head =
        format!("POST /_ext/session HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    let answer = crate::send_body(address, &head, body).expect("an answer");
    let ticket = answer.split("\"7T:").nth(1).and_then(|rest| rest.split('"').next()).expect("a ticket");
    format!("Authorization: SoTicket 7T:{ticket}")
}

#[test]
fn a_ticket_that_ends_at_one_server_ends_at_all_within_a_second_also_when_nobody_hears_of_it() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = folder();
    let mut processes: Vec<_> = (0..3).map(|_| start(folder.path(), &cluster, "")).collect();
    let servers: Vec<_> = processes.iter_mut().map(|process| address(&process.banner())).collect();
    let mut longest = Duration::ZERO;
    for round in 0..6 {
        let ticket = log_in(&servers[0]);
        for server in servers.iter().cycle().take(9) {
            assert_eq!(status(server, "GET /api/v1/User/currentPrincipal HTTP/1.1", &ticket), "200");
        }
        if round % 2 == 1 {
            // Whoever listens is cut off in the very moment.
            cluster.say(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND query LIKE 'LISTEN%' \
                 OR query = 'SELECT 1'",
            );
        }
        assert_eq!(status(&servers[1], "DELETE /_ext/session HTTP/1.1", &ticket), "204");
        let ended = Instant::now();
        for server in &servers {
            while status(server, "GET /api/v1/User/currentPrincipal HTTP/1.1", &ticket) == "200" {
                assert!(ended.elapsed() < AT_MOST, "a ticket was good {:?} after its end", ended.elapsed());
                thread::sleep(Duration::from_millis(5));
            }
        }
        longest = longest.max(ended.elapsed());
        assert_eq!(status(&servers[0], "GET /api/v1/User/currentPrincipal HTTP/1.1", CREDENTIALS), "200");
    }
    println!("a ticket that had ended was refused by all within {longest:?}");
}
