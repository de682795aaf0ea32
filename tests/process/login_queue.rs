//! Logins beside callers that keep every processor busy with passwords.

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
/// Logins that are measured, of each kind.
const LOGINS: usize = 12;
/// How much longer a login takes beside an attack, at most: it waits for a processor, and shares it with the attackers.
const RATIO: u32 = 15;

/// Attackers at once, each from an address of its own: `STRANGERS`, or some.
fn strangers() -> usize {
    env::var("STRANGERS").ok().and_then(|strangers| strangers.parse().ok()).unwrap_or(80)
}

fn serve(folder: &Path) -> Process {
    // The usual cost: what a verification takes is what is to be shared.
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

/// Requests that take a password's work each, again and again, from many connections.
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

/// Logs in one user after the other; how many succeeded, and the median of the time that took.
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
async fn neither_strangers_nor_a_user_keep_others_from_logging_in() {
    let folder = folder();
    let mut process = serve(folder.path());
    let server = address(&process.banner());
    // So many users for each measurement: a password that was verified once is answered from memory.
    for user in 0..5 * LOGINS {
        let credentials = json!([{"Type": {"Type": "CRM5/PASSWORD"}, "Value": PASSWORD}]);
        let user = json!({"Name": format!("user{user}"), "Credentials": credentials});
        Ask::post("/api/v1/User").by("admin", PASSWORD).json(user).send_from(AT_HOME, &server).await.done();
    }
    // The first of them are known at home, also after a restart.
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

    // One user of the server, with as many connections.
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
