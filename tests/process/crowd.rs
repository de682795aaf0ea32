//! Many idle or trickling connections: other callers are still served, and hardly slower.

use std::{
    env,
    io::BufReader,
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::{Process, address, ask::Ask, folder};

/// The number of silent connections; the variable `SILENT` sets it.
fn silent_connections() -> usize {
    env::var("SILENT").ok().and_then(|count| count.parse().ok()).unwrap_or(300)
}

/// The number of large bodies that trickle in; `BODIES` sets it. The default exceeds the server's limit.
fn trickling_bodies() -> usize {
    env::var("BODIES").ok().and_then(|count| count.parse().ok()).unwrap_or(80)
}

/// The documented figures: silent connections, and the connection limit of the server.
const STATED: (usize, usize) = (4200, 4096);
/// The number of reconnects of a crowd per second.
const A_SECOND: f64 = 200.0;
const REQUESTS: usize = 200;
/// The limit of the ratio between the median response times with and without a crowd.
const RATIO: f64 = 3.0;
const PASSWORD: &str = "it's a secret";
const AT_HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn from_one(_: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 9, 9, 9)
}

fn from_many(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 8, 0, (number % 64) as u8 + 1)
}

async fn connect(address: &str, from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(address.parse().expect("an address")).await
}

/// The bytes that a silent client sends before it stops.
fn beginning(number: usize) -> String {
    match number % 5 {
        0 => String::new(),
        1 => "GET / HTTP/1.1\r\nHo".to_owned(),
        2 => "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
            .to_owned(),
        3 => "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        // Responses larger than the socket buffer, for a client that does not read.
        _ => "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20),
    }
}

/// A client that is silent until the server closes the connection. A client that does not read would not notice this.
async fn be_silent(address: &str, from: Ipv4Addr, number: usize) -> std::io::Result<()> {
    let mut stream = connect(address, from).await?;
    stream.write_all(beginning(number).as_bytes()).await?;
    if number % 5 == 4 {
        sleep(Duration::from_secs(2)).await;
        return Ok(());
    }
    stream.read_to_end(&mut Vec::new()).await.map(|_| ())
}

/// A client that sends a part of a large body, and then single bytes slowly.
async fn trickle(address: &str, from: Ipv4Addr, _: usize) -> std::io::Result<()> {
    let mut stream = connect(address, from).await?;
    let head = "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&[b' '; 70_000]).await?;
    loop {
        stream.write_all(b" ").await?;
        sleep(Duration::from_millis(200)).await;
    }
}

/// Runs this many clients; each starts again some time after it was cut off.
fn crowd<F>(count: usize, client: impl Fn(usize) -> F + Clone + Send + 'static) -> JoinSet<()>
where
    F: Future<Output = std::io::Result<()>> + Send,
{
    let pause = Duration::from_secs_f64(count as f64 / A_SECOND);
    let mut crowd = JoinSet::new();
    for number in 0..count {
        let client = client.clone();
        crowd.spawn(async move {
            loop {
                let _ = client(number).await;
                sleep(pause).await;
            }
        });
    }
    crowd
}

/// The median time of sequential requests, each on its own connection; all must succeed.
async fn measure(address: &str, ask: &Ask, when: &str) -> Duration {
    let mut times = Vec::new();
    for number in 0..REQUESTS {
        let began = Instant::now();
        let answer = ask.send_from(AT_HOME, address).await;
        times.push(began.elapsed());
        assert_eq!(answer.status, 200, "request {number} {when}: {} {}", answer.head, answer.body);
        sleep(Duration::from_millis(5)).await;
    }
    times.sort();
    println!(
        "{when}: {REQUESTS} requests answered, median {:?}, longest {:?}",
        times[REQUESTS / 2],
        times[REQUESTS - 1]
    );
    times[REQUESTS / 2]
}

/// Compares requests with and without a crowd.
async fn compare(address: &str, ask: &Ask, name: &str, crowd: impl FnOnce() -> JoinSet<()>) {
    let calm = measure(address, ask, "before").await;
    let crowd = crowd();
    sleep(Duration::from_secs(2)).await; // until all are connected
    let beside = measure(address, ask, name).await;
    drop(crowd);
    let ratio = beside.as_secs_f64() / calm.as_secs_f64();
    println!("{name}: {ratio:.2} times the median before");
    assert!(ratio <= RATIO, "{name}: {beside:?} against {calm:?}");
}

fn start(folder: &std::path::Path, connections: usize) -> Process {
    let connections = connections.to_string();
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", PASSWORD),
        ("KOMMANDO_MAX_CONNECTIONS", connections.as_str()),
        ("KOMMANDO_LOG", "error"), // the test does not read the log; a full pipe would stop the server
    ];
    Process::start(folder, &["serve", "--demo"], &variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_do_not_keep_other_callers_out() {
    rlimit::increase_nofile_limit(u64::MAX).expect("file descriptors");
    let (count, folder) = (silent_connections(), folder());
    let mut process = start(folder.path(), count * STATED.1 / STATED.0);
    let address = address(&process.banner());
    let ask = Ask::get("/api/v1/User/2/CustomCommand").by("admin", PASSWORD);
    for (from, name) in
        [(from_one as fn(usize) -> Ipv4Addr, "beside silence from one address"), (from_many, "beside silence from 64")]
    {
        // This connection is used before and after the crowd, and idle meanwhile.
        let mut idle = connect(&address, AT_HOME).await.expect("a connection");
        let request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        idle.write_all(request).await.expect("a request");
        assert!(idle.read(&mut [0; 4096]).await.expect("an answer") > 0);
        let place = address.clone();
        compare(&address, &ask, name, || {
            crowd(count, move |number| {
                let address = place.clone();
                async move { be_silent(&address, from(number), number).await }
            })
        })
        .await;
        if from(0) == from(1) {
            idle.write_all(request).await.expect("another request");
            let read = idle.read(&mut [0; 4096]).await.expect("an answer");
            assert!(read > 0, "a crowd from one address closed another address's connection");
        }
    }
}

/// A server with fewer file descriptors than its connection limit.
fn start_with_files(folder: &std::path::Path, files: usize) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_kommando")]);
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]).current_dir(folder);
    command.env("KOMMANDO_ADMIN_PASSWORD", PASSWORD).env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1");
    command.env("KOMMANDO_LOG", "off").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a start");
    let out = BufReader::new(child.stdout.take().expect("standard output"));
    let err = BufReader::new(child.stderr.take().expect("standard error"));
    Process { child, out, err, log: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_do_not_use_up_file_descriptors() {
    rlimit::increase_nofile_limit(u64::MAX).expect("file descriptors");
    let (count, folder) = (400, folder());
    let mut process = start_with_files(folder.path(), count / 2);
    let address = address(&process.banner());
    let ask = Ask::get("/api/v1/User/2/CustomCommand").by("admin", PASSWORD);
    let place = address.clone();
    compare(&address, &ask, "beside silence that takes all files", || {
        crowd(count, move |number| {
            let address = place.clone();
            async move { be_silent(&address, from_many(number), number).await }
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trickling_bodies_do_not_keep_other_bodies_out() {
    rlimit::increase_nofile_limit(u64::MAX).expect("file descriptors");
    let (count, folder) = (trickling_bodies(), folder());
    let mut process = start(folder.path(), 4096);
    let address = address(&process.banner());
    let body = format!("null{}", " ".repeat(128 * 1024));
    let ask = Ask::post("/api/v1/User/2/CustomCommand/hello").by("admin", PASSWORD).body(body);
    for (from, name) in
        [(from_one as fn(usize) -> Ipv4Addr, "beside bodies from one address"), (from_many, "beside bodies from 64")]
    {
        let place = address.clone();
        compare(&address, &ask, name, || {
            crowd(count, move |number| {
                let address = place.clone();
                async move { trickle(&address, from(number), number).await }
            })
        })
        .await;
    }
}
