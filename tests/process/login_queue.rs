//! Logins while other callers keep every processor busy with password verification.

use std::{
    env,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{task::JoinHandle, time::sleep};

use crate::{Process, address, ask::Ask, folder};

const PASSWORD: &str = "it's a secret";
const AT_HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// The number of measured logins of each kind.
const LOGINS: usize = 12;
/// The limit of the ratio between login times with and without an attack, which shares the processors.
const RATIO: u32 = 15;

/// The number of attackers, each with its own address; the variable `STRANGERS` sets it.
fn strangers() -> usize {
    env::var("STRANGERS").ok().and_then(|strangers| strangers.parse().ok()).unwrap_or(80)
}

fn serve(folder: &Path) -> Process {
    // The default password cost: verifications are the load that is shared.
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", PASSWORD),
        ("KOMMANDO_PASSWORD_COST", "m=19456,t=2,p=1"),
        ("KOMMANDO_GUESS_LIMITS", "1000000,1000000,1000000"),
        ("KOMMANDO_LOG", "error"), // the test does not read the log; a full pipe would stop the server
    ];
    Process::start(folder, &["serve", "--demo"], &variables)
}

fn log_in(name: &str, password: &str) -> Ask {
    Ask::post("/_ext/session").json(json!({"userName": name, "password": password}))
}

fn nth(network: u8, number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, network, (number / 250) as u8, (number % 250) as u8 + 1)
}

/// Continuous requests on many connections; each costs a password verification.
struct Attack {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Attack {
    async fn begin(address: &str, count: usize, ask: impl Fn(usize) -> (Ipv4Addr, Ask)) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..count).map(|number| {
            let ((from, ask), address) = (ask(number), address.to_owned());
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    ask.send_from(from, &address).await;
                    sent.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(200)).await;
                }
            })
        });
        let attack = Self { stop: stop.clone(), sent: sent.clone(), tasks: tasks.collect() };
        sleep(Duration::from_secs(2)).await;
        attack
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("an end");
        }
        self.sent.load(Ordering::Relaxed)
    }
}

/// Logs in one user after the other. Returns the number of successes and the median time.
async fn log_in_all(
    address: &str,
    users: impl Iterator<Item = usize>,
    from: impl Fn(usize) -> Ipv4Addr,
) -> (usize, Duration) {
    let (mut succeeded, mut times) = (0, Vec::new());
    for user in users {
        let began = Instant::now();
        let answer = log_in(&format!("user{user}"), PASSWORD).send_from(from(user), address).await;
        times.push(began.elapsed());
        assert!([200, 503].contains(&answer.status), "{} {}", answer.head, answer.body);
        succeeded += usize::from(answer.status == 200);
    }
    times.sort();
    (succeeded, times[times.len() / 2])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_does_not_keep_others_out() {
    let folder = folder();
    let mut process = serve(folder.path());
    let server = address(&process.banner());
    // New users for each measurement: a password that was verified before is cached.
    for user in 0..5 * LOGINS {
        let credentials = json!([{"Type": {"Type": "CRM5/PASSWORD"}, "Value": PASSWORD}]);
        let user = json!({"Name": format!("user{user}"), "Credentials": credentials});
        Ask::post("/api/v1/User").by("admin", PASSWORD).json(user).send_from(AT_HOME, &server).await.done();
    }
    // The address of the first users is known, even after a restart.
    assert_eq!(log_in_all(&server, 0..3 * LOGINS, |_| AT_HOME).await.0, 3 * LOGINS);
    process.signal("TERM");
    assert!(process.child.wait().expect("an end").success());
    let mut process = serve(folder.path());
    let server = address(&process.banner());
    let (succeeded, calm) = log_in_all(&server, 0..LOGINS, |_| AT_HOME).await;
    assert_eq!(succeeded, LOGINS);

    let strangers = strangers();
    let attack = Attack::begin(&server, strangers, |number| {
        (nth(3, number), log_in(&format!("stranger{number}"), "a wrong password"))
    })
    .await;
    let known = log_in_all(&server, LOGINS..2 * LOGINS, |_| AT_HOME).await;
    let unknown = log_in_all(&server, 3 * LOGINS..4 * LOGINS, |user| nth(4, user)).await;
    println!(
        "calm {calm:?}; beside {strangers} strangers ({} requests), of {LOGINS}: known {known:?}, unknown {unknown:?}",
        attack.end().await
    );

    // An authenticated user with as many connections.
    let session = log_in("admin", PASSWORD).send_from(AT_HOME, &server).await.done();
    let ticket = format!("SoTicket {}", session["ticket"].as_str().expect("a ticket"));
    let attack = Attack::begin(&server, strangers, |_| {
        let body = json!({"AssociateName": "chris", "Password": PASSWORD});
        let ask = Ask::post("/api/v1/Agents/User/SetPasswordFromName").authorized(&ticket).json(body);
        (nth(5, 0), ask)
    })
    .await;
    let beside_known = log_in_all(&server, 2 * LOGINS..3 * LOGINS, |_| AT_HOME).await;
    let beside_unknown = log_in_all(&server, 4 * LOGINS..5 * LOGINS, |user| nth(4, user)).await;
    println!(
        "beside a user with {strangers} connections ({} requests): known {beside_known:?}, unknown {beside_unknown:?}",
        attack.end().await
    );
    for (succeeded, median) in [known, unknown, beside_known, beside_unknown] {
        assert_eq!(succeeded, LOGINS);
        assert!(median <= RATIO * calm, "{median:?} beside the attack, {calm:?} without it");
    }
}
