//! The login rate limiter against password guessing.

use std::{
    env, fs,
    net::Ipv4Addr,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    Process, address,
    ask::{Answer, Ask},
    folder,
};

/// The number of guesses from one address, and then from many; the variable `GUESSES` sets it.
fn guesses() -> usize {
    env::var("GUESSES").ok().and_then(|guesses| guesses.parse().ok()).unwrap_or(300)
}

/// The number of guesses of the documented figure. With fewer, the p99 is just the worst case.
const STATED: usize = 10_000;
const ADDRESSES: usize = 1000;
const A_SECOND: f64 = 200.0;
/// The default limits: per account and address, and per account over all unfamiliar addresses.
const FROM_ONE: usize = 10;
const FROM_ALL: usize = 30;
const PASSWORD: &str = "it's a secret";
const AT_HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ONE: Ipv4Addr = Ipv4Addr::new(127, 9, 9, 9);

fn one_of_many(number: usize) -> Ipv4Addr {
    let number = number % ADDRESSES;
    Ipv4Addr::new(127, 1, (number / 250) as u8, (number % 250) as u8 + 1)
}

fn current() -> Ask {
    Ask::get("/api/v1/User/currentPrincipal")
}

/// Sends this many requests at a constant rate. Returns how many were not answered with 429, and the total time.
async fn send_all(address: &str, count: usize, ask: impl Fn(usize) -> (Ipv4Addr, Ask)) -> (usize, Duration) {
    let began = Instant::now();
    let mut pace = interval(Duration::from_secs_f64(1.0 / A_SECOND));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = Vec::with_capacity(count);
    for number in 0..count {
        pace.tick().await;
        let ((from, ask), address) = (ask(number), address.to_owned());
        sent.push(tokio::spawn(async move { ask.send_from(from, &address).await }));
    }
    let mut verified = 0;
    for answer in sent {
        let Answer { status, head, .. } = answer.await.expect("an answer");
        assert!([401, 429].contains(&status), "{head}");
        verified += usize::from(status == 401);
        assert_eq!(status == 429, head.contains("retry-after: "), "{head}");
    }
    (verified, began.elapsed())
}

/// Measures the response times of other callers in the background.
struct Others {
    stop: Arc<AtomicBool>,
    asks: tokio::task::JoinHandle<Vec<Duration>>,
}

impl Others {
    fn begin(address: &str, asks: [Ask; 2]) -> Self {
        let (stop, address) = (Arc::new(AtomicBool::new(false)), address.to_owned());
        let is_over = Arc::clone(&stop);
        let asks = tokio::spawn(async move {
            let mut times = Vec::new();
            for ask in asks.iter().cycle() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let began = Instant::now();
                let answer = ask.send_from(AT_HOME, &address).await;
                times.push(began.elapsed());
                assert_eq!(answer.status, 200, "{} {}", answer.head, answer.body);
                sleep(Duration::from_millis(10)).await;
            }
            times
        });
        Self { stop, asks }
    }

    async fn p99(self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = self.asks.await.expect("an end");
        times.sort();
        times[times.len() * 99 / 100]
    }
}

fn set_password(folder: &std::path::Path, name: &str, password: &str) {
    fs::write(folder.join("password"), password).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
    command.args(["user", "set-password", name, "--password-stdin"]).current_dir(folder);
    let password = fs::File::open(folder.join("password")).expect("a file");
    let status = command.stdin(password).stdout(Stdio::null()).status();
    assert!(status.expect("an end").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn few_guesses_are_verified_and_others_are_not_delayed() {
    let (guesses, folder) = (guesses(), folder());
    // The default password cost: verifications are the load that must not delay others.
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", PASSWORD),
        ("KOMMANDO_PASSWORD_COST", "m=19456,t=2,p=1"),
        ("KOMMANDO_LOG", "error"), // the test does not read the log; a full pipe would stop the server
    ];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    let log_in =
        |name: &str, password: &str| Ask::post("/_ext/session").json(json!({"userName": name, "password": password}));
    // The administrator's address is known. The password is changed, so that the cache does not answer the login.
    log_in("admin", PASSWORD).send_from(AT_HOME, &address).await.done();
    set_password(folder.path(), "admin", "a new password");
    let session = log_in("bjorn", PASSWORD).send_from(AT_HOME, &address).await.done();
    let ticket = format!("SoTicket {}", session["ticket"].as_str().expect("a ticket"));
    let others = || Others::begin(&address, [current().authorized(&ticket), current().by("bjorn", PASSWORD)]);

    let calm = others();
    send_all(&address, guesses, |number| (one_of_many(number), current())).await;
    let calm = calm.p99().await;

    let disturbed = others();
    let (verified, took) = send_all(&address, guesses, |number| (ONE, current().by("anna", &number.to_string()))).await;
    let minutes = 1 + took.as_secs() as usize / 60;
    println!("{guesses} guesses from one address in {took:?}: {verified} verified");
    assert!(verified <= FROM_ONE * minutes, "{verified} in {took:?}");
    let p99_one = disturbed.p99().await;

    let disturbed = others();
    let attack =
        send_all(&address, guesses, |number| (one_of_many(number), current().by("admin", &number.to_string())));
    let administrator = async {
        sleep(Duration::from_secs_f64(guesses as f64 / A_SECOND / 2.0)).await;
        log_in("admin", "a new password").send_from(AT_HOME, &address).await
    };
    let ((verified, took), administrator) = tokio::join!(attack, administrator);
    let minutes = 1 + took.as_secs() as usize / 60;
    println!("{guesses} guesses from {ADDRESSES} addresses in {took:?}: {verified} verified");
    assert!(verified <= FROM_ALL * minutes, "{verified} in {took:?}");
    assert_eq!(administrator.status, 200, "the administrator is not locked out: {}", administrator.body);
    let p99_many = disturbed.p99().await;

    println!("p99 of others: {calm:?} beside as many strangers, {p99_one:?} and {p99_many:?} beside the guesses");
    if guesses >= STATED {
        assert!(p99_one <= 2 * calm && p99_many <= 2 * calm, "others are delayed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_failures_and_known_addresses() {
    let folder = folder();
    let variables = [("KOMMANDO_ADMIN_PASSWORD", PASSWORD), ("KOMMANDO_LOG", "error")];
    let serve = || {
        let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
        let address = address(&process.banner());
        (process, address)
    };
    let (mut process, address) = serve();
    current().by("bjorn", PASSWORD).send_from(AT_HOME, &address).await.done();
    let status = async |address: &str, from, name, password: &str| {
        current().by(name, password).send_from(from, address).await.status
    };
    for guess in 0..FROM_ONE {
        assert_eq!(status(&address, ONE, "anna", &guess.to_string()).await, 401);
    }
    for guess in 0..FROM_ALL {
        assert_eq!(status(&address, one_of_many(guess), "bjorn", &guess.to_string()).await, 401);
    }
    // The limiter saves its state once a second.
    sleep(Duration::from_millis(2500)).await;
    process.kill();
    let (_process, address) = serve();
    assert_eq!(status(&address, ONE, "anna", PASSWORD).await, 429, "failures of an address are kept");
    assert_eq!(status(&address, ONE, "bjorn", PASSWORD).await, 429, "failures over unfamiliar addresses are kept");
    assert_eq!(status(&address, AT_HOME, "bjorn", PASSWORD).await, 200, "the user's known address is kept");
}
