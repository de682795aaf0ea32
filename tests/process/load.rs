//! More requests than can be answered: those that are, are answered in time, and the others are told at once.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::{sleep, sleep_until};

use crate::{Process, address, client::Client, folder};

/// The share of what the server can do that is asked for, in turn.
const LOADS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];
/// How many clients ask as fast as they are answered, to find out what the server can do.
const AT_ONCE: usize = 64;
/// How many clients there are at most, each of which asks at its times.
const CLIENTS: usize = 2000;
const HEALTH: &str = "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n";
const REFUSED_WITHIN: Duration = Duration::from_millis(50);

/// How long each load lasts: `LOAD` seconds, or a few.
fn length() -> Duration {
    Duration::from_secs(env::var("LOAD").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3))
}

fn request() -> &'static str {
    "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWRtaW46aXQncw==\r\n\r\n"
}

/// What came of the requests of one load.
#[derive(Default)]
struct Figures {
    served: Vec<Duration>,
    refused: Vec<Duration>,
    /// Requests whose time came while their client still waited for an answer.
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
            "{name}: {:.0}/s served, p50 {p50:.0?}, p99 {p99:.0?}; {count} refused, p99 {refusal:.0?}; {} not asked",
            self.goodput(),
            self.missed
        );
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// One client, that asks at its times, or without a time between as soon as it is answered.
async fn ask(address: String, from: Instant, every: Option<Duration>, until: Instant) -> Figures {
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
        match every {
            None => due = Instant::now(),
            Some(every) => {
                due += every;
                while due + every < Instant::now() {
                    figures.missed += 1;
                    due += every;
                }
            }
        }
    }
    figures
}

/// Asks so often a second in all, or with no rate as often as so many clients are answered.
async fn load(address: &str, clients: usize, rate: Option<f64>) -> Figures {
    let (started, length) = (Instant::now() + Duration::from_millis(100), length());
    let every = rate.map(|rate| Duration::from_secs_f64(clients as f64 / rate));
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let from = started + every.unwrap_or_default() * number as u32 / clients as u32;
            tokio::spawn(ask(address.to_owned(), from, every, started + length))
        })
        .collect();
    let mut all = Figures { seconds: length.as_secs_f64(), ..Figures::default() };
    for task in tasks {
        all = all.join(task.await.expect("no panic"));
    }
    all
}

/// The memory that a process holds, in MiB.
fn resident(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.child.id())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn more_load_than_can_be_answered_is_refused_early_and_costs_the_others_little() {
    rlimit::increase_nofile_limit(u64::MAX).expect("file descriptors");
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    load(&address, AT_ONCE, None).await; // to warm up
    let mut closed = load(&address, AT_ONCE, None).await;
    closed.tell(&format!("{AT_ONCE} clients, as fast as they are answered"));
    let capacity = closed.goodput();

    let most = Arc::new(AtomicU64::new(0));
    let mut goodput = Vec::new();
    let mut health = Client::new(&address);
    for share in LOADS {
        let watch = async {
            loop {
                most.fetch_max(resident(&process), Ordering::Relaxed);
                assert_eq!(health.send(HEALTH).await.expect("an answer").status, 200);
                sleep(Duration::from_millis(50)).await;
            }
        };
        let mut figures = tokio::select! {
            figures = load(&address, CLIENTS, Some(share * capacity)) => figures,
            () = watch => unreachable!("it goes on"),
        };
        figures.tell(&format!("{share} of capacity, {:.0}/s asked for", share * capacity));
        let (p99, refusal) = (percentile(&mut figures.served, 99), percentile(&mut figures.refused, 99));
        assert!(p99 <= Duration::from_secs(1), "{p99:?}");
        assert!(refusal <= REFUSED_WITHIN * 2, "{refusal:?}");
        goodput.push(figures.goodput());
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
    let last = goodput[LOADS.len() - 1];
    println!("goodput at four times capacity: {:.0} % of the peak", 100.0 * last / peak);
}
