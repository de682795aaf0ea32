//! Overload of a server: accepted requests stay fast, and the others are refused at once.

// A separate test binary, since cargo runs binaries one after the other: no other test must use the processor.
mod client;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::{sleep, sleep_until};

use self::client::Client;

/// The loads in turn: the share of the server's capacity, and whether refused clients obey `Retry-After`. Clients that
/// do not obey cause refusals, which take a part of the capacity.
const LOADS: [(f64, bool); 5] = [(0.5, true), (1.0, true), (2.0, true), (4.0, true), (4.0, false)];
/// The number of closed-loop clients that measure the capacity.
const AT_ONCE: usize = 64;
/// The number of open-loop clients, each with its own schedule.
const CLIENTS: usize = 2000;
/// Health requests, which are answered even under overload.
const HEALTH: [&str; 2] =
    ["GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"];
const RETRY_AFTER: Duration = Duration::from_secs(1);
const REFUSED_WITHIN: Duration = Duration::from_millis(50);

/// The duration of each load. The variable `LOAD` sets it in seconds, and makes the test assert the stated figures.
fn length() -> Duration {
    Duration::from_secs(env::var("LOAD").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3))
}

fn request() -> &'static str {
    "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==\r\n\r\n"
}

/// The results of one load.
#[derive(Default)]
struct Figures {
    served: Vec<Duration>,
    refused: Vec<Duration>,
    /// Requests that were due while their client still waited for a response or for `Retry-After`.
    missed: u64,
    seconds: f64,
}

impl Figures {
    fn goodput(&self) -> f64 {
        self.served.len() as f64 / self.seconds
    }

    fn join(mut self, other: Self) -> Self {
        self.served.extend(other.served);
        self.refused.extend(other.refused);
        Self { missed: self.missed + other.missed, ..self }
    }

    fn tell(&mut self, name: &str) {
        let (p50, p99) = (percentile(&mut self.served, 50), percentile(&mut self.served, 99));
        let (count, refusal) = (self.refused.len(), percentile(&mut self.refused, 99));
        println!(
            "{name}: {:.0}/s served, p50 {p50:.0?}, p99 {p99:.0?}; {count} refused, p99 {refusal:.0?}; {} not sent",
            self.goodput(),
            self.missed
        );
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// How a client schedules its requests.
#[derive(Clone, Copy)]
enum Manner {
    /// Immediately after the previous response.
    Eager,
    /// By its schedule, and after a refusal as `Retry-After` says.
    Polite(Duration),
    /// By its schedule, even after a refusal.
    Rude(Duration),
}

/// Runs one client until the end of the load.
async fn ask(address: String, from: Instant, manner: Manner, until: Instant) -> Figures {
    let (mut client, mut figures, mut due) = (Client::new(&address), Figures::default(), from);
    while due < until {
        sleep_until(due.into()).await;
        let asked = Instant::now();
        let answer = client.send(request()).await.expect("an answer");
        match answer.status {
            200 => figures.served.push(asked.elapsed()),
            503 => {
                assert_eq!(answer.header("retry-after"), Some("1"));
                assert!(answer.body.starts_with("{\"Error\":true,"), "{}", answer.body);
                figures.refused.push(asked.elapsed());
            }
            other => panic!("{other}: {}", answer.body),
        }
        let every = match manner {
            Manner::Eager => {
                due = Instant::now();
                continue;
            }
            Manner::Polite(every) | Manner::Rude(every) => every,
        };
        let waits = matches!(manner, Manner::Polite(_)) && answer.status == 503;
        let ready = if waits { Instant::now() + RETRY_AFTER } else { Instant::now() };
        due += every;
        while due + every < ready {
            figures.missed += 1;
            due += every;
        }
        if waits {
            due = due.max(ready);
        }
    }
    figures
}

/// Runs this many clients.
async fn load(address: &str, clients: usize, manner: Manner) -> Figures {
    let (started, length) = (Instant::now() + Duration::from_millis(100), length());
    let spread = match manner {
        Manner::Eager => Duration::ZERO,
        Manner::Polite(every) | Manner::Rude(every) => every,
    };
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let from = started + spread * number as u32 / clients as u32;
            tokio::spawn(ask(address.to_owned(), from, manner, started + length))
        })
        .collect();
    let mut all = Figures { seconds: length.as_secs_f64(), ..Figures::default() };
    for task in tasks {
        all = all.join(task.await.expect("no panic"));
    }
    all
}

/// A server process that is killed on drop.
struct Server {
    child: Child,
    address: String,
    /// Kept open: the server ends when its standard output is closed.
    _out: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]).current_dir(folder.path());
        command.env("KOMMANDO_ADMIN_PASSWORD", "it's a secret").env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1");
        // All clients of this test have one address.
        command.env("KOMMANDO_MAX_CONNECTIONS_PER_ADDRESS", "4096");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a start");
        let mut out = BufReader::new(child.stdout.take().expect("standard output"));
        let mut banner = String::new();
        while !banner.contains("/docs") {
            assert_ne!(out.read_line(&mut banner).expect("a line"), 0, "the banner ends early");
        }
        let address = banner.split_once("http://").and_then(|(_, rest)| rest.split_once("/docs"));
        let address = address.expect("an address").0.to_owned();
        Self { child, address, _out: out, _folder: folder }
    }

    /// The resident memory, in MiB.
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_refused_early_and_barely_slows_others() {
    rlimit::increase_nofile_limit(u64::MAX).expect("file descriptors");
    let server = Server::start();
    let address = server.address.clone();
    load(&address, AT_ONCE, Manner::Eager).await; // to warm up
    let mut eager = load(&address, AT_ONCE, Manner::Eager).await;
    eager.tell(&format!("{AT_ONCE} closed-loop clients"));
    let capacity = eager.goodput();

    let most = Arc::new(AtomicU64::new(0));
    let (mut goodput, mut slowest, mut latest) = (Vec::new(), Duration::ZERO, Duration::ZERO);
    let mut health = Client::new(&address);
    for (share, is_polite) in LOADS {
        let every = Duration::from_secs_f64(CLIENTS as f64 / (share * capacity));
        let (manner, how) = match is_polite {
            true => (Manner::Polite(every), "obeying Retry-After"),
            false => (Manner::Rude(every), "ignoring Retry-After"),
        };
        let watch = async {
            loop {
                most.fetch_max(server.resident(), Ordering::Relaxed);
                for page in HEALTH {
                    assert_eq!(health.send(page).await.expect("an answer").status, 200);
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let mut figures = tokio::select! {
            figures = load(&address, CLIENTS, manner) => figures,
            () = watch => unreachable!("it never ends"),
        };
        figures.tell(&format!("{share} of capacity, {how}"));
        slowest = slowest.max(percentile(&mut figures.served, 99)).max(percentile(&mut figures.refused, 99));
        latest = latest.max(percentile(&mut figures.refused, 50));
        if is_polite {
            goodput.push(figures.goodput());
        }
    }

    let after = Instant::now();
    let mut client = Client::new(&address);
    let mut quick = 0;
    while quick < 20 {
        let asked = Instant::now();
        let answer = client.send(request()).await.expect("an answer");
        let is_quick = answer.status == 200 && asked.elapsed() < Duration::from_millis(50);
        quick = if is_quick { quick + 1 } else { 0 };
        assert!(after.elapsed() < Duration::from_secs(10), "not back to normal");
    }
    let most = most.load(Ordering::Relaxed);
    println!("back to normal after {:.1?}; {most} MiB at most", after.elapsed());
    assert!(most <= 256, "{most} MiB");
    let peak = goodput.iter().copied().fold(capacity, f64::max);
    let last = 100.0 * goodput[goodput.len() - 1] / peak;
    println!("goodput at four times capacity: {last:.0} % of the peak");
    // The figures below hold for an optimised build on an idle machine: tests/long sets LOAD.
    if env::var_os("LOAD").is_none() {
        return;
    }
    assert!(last >= 90.0, "{last} %");
    // A client that had to retry its connection would take longer.
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(latest <= REFUSED_WITHIN, "{latest:?}");
}
