//! Revoked tickets and changed passwords are refused by the other servers, too.

use std::{
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{CREDENTIALS, Cluster, start};
use crate::{address, folder, send};

const CURRENT: &str = "GET /api/v1/User/currentPrincipal HTTP/1.1";
/// How long another server may still accept a revoked credential.
const AT_MOST: Duration = Duration::from_secs(1);

fn status(address: &str, line: &str, headers: &str) -> String {
    let answer = send(address, &format!("{line}\r\n{headers}")).expect("an answer");
    answer.get(9..12).unwrap_or_default().to_owned()
}

fn post(address: &str, path: &str, body: &str) -> String {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\n{CREDENTIALS}\r\nContent-Type: application/json\r\nContent-Length: {length}");
    crate::send_body(address, &head, body).expect("an answer")
}

/// Sets anna's password, and returns her `Authorization` header.
fn set_password(address: &str, password: &str) -> String {
    let body = format!(r#"{{"AssociateId":2,"Password":"{password}"}}"#);
    let answer = post(address, "/api/v1/Agents/User/SetPassword", &body);
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    format!("Authorization: Basic {}", STANDARD.encode(format!("anna:{password}")))
}

fn log_in(address: &str) -> String {
    let answer = post(address, "/_ext/session", r#"{"userName":"admin","password":"it's a secret"}"#);
    let ticket = answer.split("\"7T:").nth(1).and_then(|rest| rest.split('"').next()).expect("a ticket");
    format!("Authorization: SoTicket 7T:{ticket}")
}

#[test]
#[ignore = "needs PostgreSQL: tests/all runs it"]
fn revocations_reach_all_servers_within_a_second() {
    let cluster = Cluster::start();
    let folder = folder();
    let mut processes: Vec<_> = (0..3).map(|_| start(folder.path(), &cluster, &[])).collect();
    let servers: Vec<_> = processes.iter_mut().map(|process| address(&process.banner())).collect();
    let mut longest = Duration::ZERO;
    for round in 0..6 {
        let proofs = [log_in(&servers[0]), set_password(&servers[0], "an old password")];
        for server in servers.iter().cycle().take(9) {
            for proof in &proofs {
                assert_eq!(status(server, CURRENT, proof), "200");
            }
        }
        if round % 2 == 1 {
            // Cut the notification channels at the same moment.
            cluster.say(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND query LIKE 'LISTEN%' \
                 OR query = 'SELECT 1'",
            );
        }
        assert_eq!(status(&servers[1], "DELETE /_ext/session HTTP/1.1", &proofs[0]), "204");
        set_password(&servers[1], "a new password");
        let ended = Instant::now();
        for (server, proof) in servers.iter().flat_map(|server| proofs.iter().map(move |proof| (server, proof))) {
            while status(server, CURRENT, proof) == "200" {
                assert!(ended.elapsed() < AT_MOST, "accepted {:?} after its end", ended.elapsed());
                thread::sleep(Duration::from_millis(5));
            }
        }
        longest = longest.max(ended.elapsed());
        assert_eq!(status(&servers[0], CURRENT, CREDENTIALS), "200");
    }
    println!("a revoked ticket and an old password were refused by all servers within {longest:?}");
}
