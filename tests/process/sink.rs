//! A webhook receiver that records calls, and behaves well or badly depending on the path.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use poem::http::{HeaderMap, HeaderName};

/// A recorded call.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Call {
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().expect("text")
    }
}

/// The receiver, on a free port until the test process ends.
#[derive(Clone)]
pub struct Sink {
    pub port: u16,
    notes: Arc<(Mutex<Vec<Call>>, Condvar)>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: Arc<AtomicUsize>,
}

impl Sink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sink = Self { port, notes: Arc::default(), in_flight: Arc::default(), most_in_flight: Arc::default() };
        let server = sink.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = server.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        sink
    }

    /// The calls to a path.
    pub fn calls(&self, path: &str) -> Vec<Call> {
        self.notes().iter().filter(|call| call.path == path).cloned().collect()
    }

    /// Waits until a path was called this often.
    pub fn wait_for(&self, path: &str, count: usize) -> Vec<Call> {
        let few = |notes: &mut Vec<Call>| notes.iter().filter(|call| call.path == path).count() < count;
        let limit = Duration::from_secs(20);
        let (notes, end) = self.notes.1.wait_timeout_while(self.notes(), limit, few).expect("no panic");
        drop(notes);
        assert!(!end.timed_out(), "{count} calls to {path} within {limit:?}");
        self.calls(path)
    }

    /// The maximal number of concurrent calls.
    pub fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::SeqCst)
    }

    fn notes(&self) -> MutexGuard<'_, Vec<Call>> {
        self.notes.0.lock().expect("no panic")
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(call) = read(&mut reader) {
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            let path = call.path.clone();
            self.notes().push(call);
            self.notes.1.notify_all();
            delay(&path);
            // Count down before the response: the next call may follow immediately.
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            let goes_on = respond(&path, || self.calls(&path).len() == 1, reader.get_mut());
            if !goes_on {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
    }
    let length = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Call { path, headers, body: String::from_utf8(body).ok()? })
}

/// Sleeps as long as the path demands.
fn delay(path: &str) {
    match path {
        "/slow" => thread::sleep(Duration::from_millis(300)),
        "/hang" => thread::sleep(Duration::from_secs(10)),
        _ => {}
    }
}

/// Responds as the path demands; false closes the connection.
fn respond(path: &str, is_first: impl Fn() -> bool, stream: &mut TcpStream) -> bool {
    let mut answer = |status: &str, headers: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_ok()
    };
    let done = r#"{"success":true,"message":"Done by HR.","secret":"for us"}"#;
    match path {
        "/ok" | "/kill" => answer("200 OK", "", done),
        "/silent" => answer("204 No Content", "", ""),
        "/chatty" => answer("200 OK", "", &format!(r#"{{"success":true,"message":"{}"}}"#, "å".repeat(1500))),
        "/no" => answer("200 OK", "", r#"{"success":false,"message":"Not on a Friday."}"#),
        "/unreadable" => answer("200 OK", "", "<p>fine</p>"),
        "/broken" => answer("500 Internal Server Error", "", "a secret stack trace"),
        "/missing" => answer("404 Not Found", "", ""),
        "/gone" if is_first() => answer("410 Gone", "", ""),
        "/flaky" if is_first() => answer("503 Service Unavailable", "Retry-After: 6\r\n", ""),
        "/gone" | "/flaky" => answer("200 OK", "", ""),
        "/redirect" => answer("307 Temporary Redirect", "Location: /ok\r\n", ""),
        "/slow" => answer("200 OK", "", done),
        "/page" => answer("200 OK", "", &"<p>thank you</p>".repeat(10_000)),
        "/hang" => false,
        "/drip" => drip(stream),
        "/huge" => huge(stream),
        "/reset" => false,
        _ => panic!("no behaviour for {path}"),
    }
}

/// A response that begins at once and never ends.
fn drip(stream: &mut TcpStream) -> bool {
    let head = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    let end = Instant::now() + Duration::from_secs(10);
    while head.is_ok() && Instant::now() < end && stream.write_all(b" ").is_ok() {
        thread::sleep(Duration::from_millis(200));
    }
    false
}

/// A response of a gigabyte.
fn huge(stream: &mut TcpStream) -> bool {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    let megabyte = vec![b' '; 1024 * 1024];
    for _ in 0..1024 {
        if stream.write_all(&megabyte).is_err() {
            return false;
        }
    }
    false
}

/// A port on which connections time out: its backlog is full, and nothing accepts connections.
pub struct Unanswered {
    pub port: u16,
    _listener: tokio::net::TcpListener,
    _waiting: Vec<TcpStream>,
    _runtime: tokio::runtime::Runtime,
}

impl Unanswered {
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build().expect("a runtime");
        let _entered = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let listener = socket.listen(1).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
        let waiting = std::iter::from_fn(connect).collect();
        drop(_entered);
        Self { port: address.port(), _listener: listener, _waiting: waiting, _runtime: runtime }
    }
}
