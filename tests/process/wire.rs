//! HTTP at the wire level: malformed requests, connection limits, and open connections at the stop.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use kommando::{executions::execution, store::Store};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{Process, address, folder, send};

const ADMIN: &str = "Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";
const HELLO: &str = "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1";

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(40))).expect("a limit");
    stream
}

/// Sends bytes, and returns everything until the connection ends.
fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // The server may close the connection before everything is written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).expect("text")
}

fn is_error(answer: &str, status: &str, kind: &str) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(&format!("\"ErrorType\":\"{kind}\""))
}

#[test]
fn a_request_names_one_host() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: me@example.com\r\n", "Host: a/b\r\n"] {
        let request = format!("GET /health/live HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = exchange(&address, request.as_bytes());
        assert!(is_error(&answer, "400", "ArgumentException") && answer.contains("Host header"), "{hosts}: {answer}");
    }
    for request in [
        "GET /health/live HTTP/1.0\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n",
        "GET http://example.com/health/live HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n",
    ] {
        let answer = exchange(&address, request.as_bytes());
        assert!(answer.get(9..12) == Some("200"), "{request}: {answer}");
    }
}

#[test]
fn contradicting_lengths_end_the_connection() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let head = format!("{HELLO}\r\nHost: localhost\r\n{ADMIN}\r\nContent-Type: application/json\r\n");
    for lengths in ["Content-Length: 4\r\nContent-Length: 5", "Content-Length: -4", "Transfer-Encoding: chunked, gzip"]
    {
        let answer = exchange(&address, format!("{head}{lengths}\r\n\r\nnull").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
    }
    // HTTP demands that chunked encoding overrides a length; a smuggled request is not executed.
    let smuggled = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for lengths in
        ["Content-Length: 50\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 50"]
    {
        let answer = exchange(&address, format!("{head}{lengths}\r\n\r\n4\r\nnull\r\n0\r\n\r\n{smuggled}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.matches("HTTP/1.1").count() == 1, "{lengths}: {answer}");
    }
}

#[test]
fn a_chunked_body_needs_no_length_and_has_the_same_limit() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let head = format!(
        "{HELLO}\r\nHost: localhost\r\n{ADMIN}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n"
    );
    let answer = exchange(&address, format!("{head}4\r\nnull\r\n0\r\n\r\n").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut bytes = head.into_bytes();
    for _ in 0..17 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend_from_slice(&[b' '; 0x10000]);
        bytes.extend_from_slice(b"\r\n");
    }
    let answer = exchange(&address, &bytes);
    assert!(is_error(&answer, "413", "SoInvalidArgumentException"), "{answer}");
}

#[test]
fn a_client_that_sends_too_large_a_body_can_read_the_answer() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let body = vec![b' '; 7_000_000];
    let head = format!(
        "{HELLO}\r\nHost: localhost\r\n{ADMIN}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    for _ in 0..20 {
        let mut stream = connect(&address);
        stream.write_all(head.as_bytes()).expect("a head");
        stream.write_all(&body).expect("the server takes what it throws away");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(is_error(&answer, "413", "SoInvalidArgumentException"), "{answer}");
    }
}

#[test]
fn a_connection_over_the_limit_gets_a_503() {
    let folder = folder();
    let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("KOMMANDO_MAX_CONNECTIONS", "3")];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    let worked_for: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = connect(&address);
            let request =
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Demo-Fault: slow=3\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).expect("a request");
            stream
        })
        .collect();
    thread::sleep(Duration::from_secs(1)); // until the server has read the requests
    let started = Instant::now();
    let answer = send(&address, "GET /health/live HTTP/1.1").expect("an answer");
    assert!(is_error(&answer, "503", "SoServerException"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    for mut stream in worked_for {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "a connection in use was closed: {answer}");
    }
    let answer = send(&address, "GET /health/live HTTP/1.1").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "no connection is free again: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_requests_in_flight_and_closes_idle_clients() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let silent: Vec<_> = (0..5).map(|_| connect(&address)).collect();
    let mut idle: Vec<_> = (0..5).map(|_| connect(&address)).collect();
    for stream in &mut idle {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
        let _ = stream.read(&mut [0; 1024]).expect("an answer");
    }
    // Clients that send requests until the server stops listening.
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let address = address.clone();
            thread::spawn(move || {
                let mut ran = 0;
                loop {
                    match send(&address, &format!("{HELLO}\r\n{ADMIN}")) {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => ran += 1,
                        Ok(answer) => assert!(answer.is_empty(), "a partial response: {answer}"),
                        Err(_) if TcpStream::connect(&address).is_err() => return ran,
                        Err(_) => {}
                    }
                }
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    process.signal("TERM");
    process.logs("stopping");
    assert!(process.child.wait().expect("an end").success());
    let took = started.elapsed();
    let ran: u64 = clients.into_iter().map(|client| client.join().expect("no panic")).sum();
    assert!(took < Duration::from_secs(5), "{took:?}");
    for mut stream in silent.into_iter().chain(idle) {
        assert!(matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_)), "an idle connection is not closed silently");
    }
    let url = format!("sqlite://{}", folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    let stored = execution::Entity::find().count(store.reader()).await.expect("an answer");
    println!("{ran} runs answered, {stored} stored, ended after {took:?}");
    assert!(ran > 0 && stored >= ran && stored <= ran + 20, "{ran} were answered, {stored} are stored");
}
