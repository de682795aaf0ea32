//! Timeouts for slow clients.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::sleep,
};

use crate::{Process, address, folder};

/// The number of slow clients; the variable `SLOW` sets it.
fn slow_clients() -> usize {
    env::var("SLOW").ok().and_then(|count| count.parse().ok()).unwrap_or(50)
}

/// The ways in which a client is slow.
#[derive(Clone, Copy, Debug)]
enum Slowness {
    Silence,
    HalfHead,
    DribbledHead,
    /// After a first request at normal speed.
    LaterHalfHead,
    StalledBody,
    DribbledBody,
    SlowReader,
}

/// Each way with its timeout in seconds.
const KINDS: [(Slowness, u64); 7] = [
    (Slowness::Silence, 10),
    (Slowness::HalfHead, 10),
    (Slowness::DribbledHead, 10),
    (Slowness::LaterHalfHead, 10),
    (Slowness::StalledBody, 5),
    (Slowness::DribbledBody, 5),
    (Slowness::SlowReader, 20),
];

/// The number of slow clients per address; less than the server's limit.
const PER_ADDRESS: usize = 500;

/// Connects a slow client and sends its first bytes.
async fn begin(address: &str, kind: Slowness, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = Ipv4Addr::new(127, 7, 7, (number / PER_ADDRESS) as u8 + 1);
    socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
    // A small buffer, so that the server has to wait for a client that does not read.
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(address.parse().expect("an address")).await.expect("a connection");
    let post = "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{";
    let get = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let first = match kind {
        Slowness::Silence => String::new(),
        Slowness::HalfHead => "GET / HTTP/1.1\r\nHo".to_owned(),
        Slowness::DribbledHead => "GET / HTTP/1.1\r\nX-Slow: ".to_owned(),
        Slowness::LaterHalfHead => "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        Slowness::StalledBody | Slowness::DribbledBody => post.to_owned(),
        Slowness::SlowReader => get.repeat(200),
    };
    stream.write_all(first.as_bytes()).await.expect("a beginning");
    if matches!(kind, Slowness::LaterHalfHead) {
        assert!(stream.read(&mut [0; 4096]).await.expect("an answer") > 0);
        stream.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("another beginning");
    }
    stream
}

/// Is slow until the server closes the connection; returns the time until then.
async fn be_slow(mut stream: TcpStream, kind: Slowness) -> Duration {
    let started = Instant::now();
    match kind {
        Slowness::DribbledHead | Slowness::DribbledBody => {
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(200)).await;
            }
        }
        // Checking for the end would read: the server's file descriptors show it. The test ends the wait.
        Slowness::SlowReader => std::future::pending().await,
        _ => {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
    started.elapsed()
}

/// The number of sockets that the server has open: files of the database come and go with its pool.
fn open_sockets(process: &Process) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", process.child.id())).expect("a folder");
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// The time of a normal request.
async fn ask(address: &str) -> Duration {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = "GET /api/v1/User/2/CustomCommand HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_and_delay_no_others() {
    rlimit::increase_nofile_limit(u64::MAX).expect("file descriptors");
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    ask(&address).await;
    let before = open_sockets(&process);
    let mut slow = Vec::new();
    for (number, (kind, limit)) in KINDS.iter().cycle().take(slow_clients()).enumerate() {
        let stream = begin(&address, *kind, number).await;
        slow.push((*kind, Duration::from_secs(limit + 1), tokio::spawn(be_slow(stream, *kind))));
    }
    let started = tokio::time::Instant::now();

    let mut times = Vec::new();
    while started.elapsed() < Duration::from_millis(20_500) {
        times.push(ask(&address).await);
        sleep(Duration::from_millis(20)).await;
    }
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    // The longest limit is 20 s; a machine that is busy with other tests may be late.
    while open_sockets(&process) > before + 2 && started.elapsed() < Duration::from_secs(27) {
        sleep(Duration::from_millis(100)).await;
    }
    let after = open_sockets(&process);
    println!(
        "{} slow clients; {} requests beside them, p99 {p99:?}; {before} sockets open before, {after} after {:?}",
        slow.len(),
        times.len(),
        started.elapsed()
    );
    assert!(p99 < Duration::from_millis(100), "{p99:?}");
    assert!(after <= before + 2, "{before} sockets were open, and {after} are");
    for (kind, limit, task) in slow {
        if matches!(kind, Slowness::SlowReader) {
            task.abort();
        } else {
            let took = task.await.expect("an end");
            assert!(took < limit, "{kind:?} took {took:?}");
        }
    }
}
