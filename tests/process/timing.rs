//! The time of a refused login does not reveal whether the user exists.

use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;

use crate::{Process, address, ask::Ask, folder};

/// The number of samples of each refusal; the variable `TIMING` sets it.
fn samples() -> usize {
    env::var("TIMING").ok().and_then(|samples| samples.parse().ok()).unwrap_or(400)
}

/// The refused logins: an unknown user, a wrong password, a retired user with the correct password, and a user
/// without a password.
const REFUSED: [(&str, &str); 4] =
    [("ghost", "wrong"), ("admin", "wrong"), ("dora", "it's a secret"), ("chris", "wrong")];

/// The user without password.
const CHRIS: i32 = 4;

/// A persistent connection, so that connecting is not measured.
struct Connection(TcpStream);

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        Self(stream)
    }

    /// The response time, and the response without its request id and date.
    fn ask(&mut self, name: &str, password: &str) -> (Duration, String) {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        let request = format!(
            "GET /api/v1/User/current HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\r\n"
        );
        let mut buffer = [0; 4096];
        let mut answer = String::new();
        let began = Instant::now();
        self.0.write_all(request.as_bytes()).expect("a request");
        while !is_whole(&answer) {
            let read = self.0.read(&mut buffer).expect("an answer");
            answer.push_str(std::str::from_utf8(&buffer[..read]).expect("text"));
        }
        let took = began.elapsed();
        let lines = answer.lines().filter(|line| !line.starts_with("x-request-id:") && !line.starts_with("date:"));
        (took, lines.collect::<Vec<_>>().join("\n"))
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).expect("a length");
    body.len() >= length.parse::<usize>().expect("a number")
}

/// The probability that one of `these` takes longer than one of `those`; a half without a difference (Mann-Whitney).
fn auc(these: &[Duration], those: &[Duration]) -> f64 {
    let mut all: Vec<_> = these.iter().map(|took| (*took, 1.0)).chain(those.iter().map(|took| (*took, 0.0))).collect();
    all.sort_by_key(|(took, _)| *took);
    let mut sum = 0.0;
    let mut rank = 0.0;
    for tied in all.chunk_by(|(one, _), (other, _)| one == other) {
        let count = tied.len() as f64;
        sum += tied.iter().map(|(_, is_these)| is_these).sum::<f64>() * (rank + (count + 1.0) / 2.0);
        rank += count;
    }
    let (n, m) = (these.len() as f64, those.len() as f64);
    (sum - n * (n + 1.0) / 2.0) / (n * m)
}

#[test]
fn refusals_take_equally_long_for_known_and_unknown_users() {
    let samples = samples();
    let folder = folder();
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", "it's a secret"),
        ("KOMMANDO_GUESS_LIMITS", "1000000,1000000,1000000"),
        ("KOMMANDO_LOG", "error"), // the test does not read the log; a full pipe would stop the server
    ];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    let mut connection = Connection::open(&address);
    let take_password = json!({"UserId": CHRIS, "CredentialType": "CRM5/PASSWORD"});
    let take_password = Ask::post("/api/v1/Agents/User/DeleteCredential").json(take_password);
    assert_eq!(take_password.by("admin", "it's a secret").send(&address).done(), true);

    let mut random = StdRng::seed_from_u64(7);
    let mut kinds: Vec<_> = (0..REFUSED.len()).collect();
    let mut taken = vec![Vec::new(); kinds.len()];
    let (_, first) = connection.ask(REFUSED[0].0, REFUSED[0].1);
    for round in 0..samples + 20 {
        kinds.shuffle(&mut random);
        for kind in &kinds {
            let (name, password) = REFUSED[*kind];
            let (took, answer) = connection.ask(name, password);
            assert_eq!(answer, first, "{name}");
            // The first ones warm up.
            if round >= 20 {
                taken[*kind].push(took);
            }
        }
    }
    // 0.03 for the 4000 samples of tests/long; fewer samples vary more by chance.
    let limit = 0.03 * (4000.0 / samples as f64).sqrt().max(1.0);
    let median = |taken: &[Duration]| {
        let mut sorted = taken.to_vec();
        sorted.sort();
        sorted[sorted.len() / 2]
    };
    let unknown = &taken[0];
    for (kind, what) in [(1, "a wrong password"), (2, "a retired user"), (3, "a user without password")] {
        let auc = auc(&taken[kind], unknown);
        println!(
            "{samples} samples: AUC of {what} against an unknown user {auc:.4}, medians {:?} and {:?}",
            median(&taken[kind]),
            median(unknown)
        );
        assert!((auc - 0.5).abs() <= limit, "{what}: {auc:.4} is farther than {limit:.3} from a half");
    }
}

#[test]
fn the_rank_test_detects_a_difference() {
    let at = |from: u64| (0..1000).map(|n| Duration::from_micros(from + n)).collect::<Vec<_>>();
    assert_eq!(auc(&at(0), &at(0)), 0.5);
    assert_eq!((auc(&at(5000), &at(0)), auc(&at(0), &at(5000))), (1.0, 0.0));
    assert!(auc(&at(100), &at(0)) > 0.55);
}
