//! Traces by OTLP: what a collector gets, and what a server does without one.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Process, address, folder, send,
    sink::{Call, Sink, Unanswered},
};

const RUN: &str = "POST /api/v1/User/2/CustomCommand/ask HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// A span that a collector got, with ids in hexadecimal notation.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
}

/// A collector on a free port, until the test process ends.
struct Collector {
    port: u16,
    requests: mpsc::Receiver<(String, Vec<u8>)>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (notes, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let notes = notes.clone();
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = read(&mut reader) {
                        let _ = notes.send(request);
                        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("an answer");
                    }
                });
            }
        });
        Self { port, requests }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The heads and bodies of all requests so far.
    fn requests(&self) -> Vec<(String, Vec<u8>)> {
        self.requests.try_iter().collect()
    }
}

/// Reads the head and the body of a request.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
    }
    head.make_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// The fields of a protobuf message that have a length: texts, bytes and messages.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let number = |rest: &mut &[u8]| {
        let length = rest.iter().position(|byte| *byte < 0x80).expect("an end") + 1;
        let (bytes, after) = rest.split_at(length);
        *rest = after;
        bytes.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
    };
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = number(&mut message);
        let length = match tag & 7 {
            0 => {
                number(&mut message);
                0
            }
            1 => 8,
            2 => number(&mut message),
            5 => 4,
            kind => panic!("no field of kind {kind}"),
        };
        let (value, rest) = message.split_at(length.try_into().expect("a length"));
        message = rest;
        if tag & 7 == 2 {
            fields.push((tag >> 3, value));
        }
    }
    fields
}

/// The values of a field.
fn values(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(number, _)| *number == field).map(|(_, value)| value)
}

/// The spans of an `ExportTraceServiceRequest`.
fn spans(body: &[u8]) -> Vec<Span> {
    let spans = values(body, 1).flat_map(|resource| values(resource, 2)).flat_map(|scope| values(scope, 2));
    let text = |span: &[u8], field| hex::encode(values(span, field).next().unwrap_or_default());
    let name = |span: &[u8]| String::from_utf8_lossy(values(span, 5).next().unwrap_or_default()).into_owned();
    spans
        .map(|span| Span { trace: text(span, 1), id: text(span, 2), parent: text(span, 4), name: name(span) })
        .collect()
}

/// The ids of a trace and of a span that a webhook got, and the flags.
fn passed_on(call: &Call) -> [String; 3] {
    let header = call.headers["traceparent"].to_str().expect("text");
    let [_, trace, span, flags] = header.split('-').collect::<Vec<_>>()[..] else { panic!("{header}") };
    [trace, span, flags].map(str::to_owned)
}

/// Starts a server with the command `ask`, which calls a target and then tells another one.
fn start(folder: &Path, sink: &Sink, variables: &[(&str, &str)]) -> (Process, String) {
    fs::create_dir(folder.join("commands.d")).expect("a folder");
    let command = "name: ask\ndisplay_name: A\nallow_roles: [Administrator]\nsteps:\n  \
                   - webhook: {target: asked, when: sync}\n  - webhook: {target: told, when: after_commit}\n";
    fs::write(folder.join("commands.d/ask.yaml"), command).expect("a file");
    fs::write(folder.join("secret"), "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    let target = |name, path| {
        let url = format!("http://127.0.0.1:{}{path}", sink.port);
        format!("{name}: {{url: '{url}', secrets: [{{file: secret}}], allow_networks: [127.0.0.0/8]}}\n")
    };
    fs::write(folder.join("targets.yaml"), target("asked", "/ok") + &target("told", "/silent")).expect("a file");
    let words = ["serve", "--demo", "--commands", "commands.d", "--targets", "targets.yaml"];
    let own = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("KOMMANDO_LOG", "info,kommando::request=debug")];
    let mut process = Process::start(folder, &words, &[&own, variables].concat());
    let address = address(&process.banner());
    (process, address)
}

#[test]
fn a_collector_gets_the_spans_of_a_command() {
    let (folder, sink, collector) = (folder(), Sink::start(), Collector::start());
    let (process, address) = start(folder.path(), &sink, &[(ENDPOINT, &collector.url())]);
    let unsampled = TRACE.replacen('4', "5", 1);
    for traceparent in [format!("00-{TRACE}-{PARENT}-01"), format!("00-{unsampled}-{PARENT}-00")] {
        let answer = send(&address, &format!("{RUN}\r\ntraceparent: {traceparent}")).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let (asked, told) = (sink.wait_for("/ok", 2), sink.wait_for("/silent", 2));
    process.signal("TERM");
    let log = process.log();
    let requests = collector.requests();
    assert!(requests.iter().all(|(head, _)| head.starts_with("post /v1/traces http/1.1")), "{requests:?}");
    let has_name = |body: &[u8]| String::from_utf8_lossy(body).contains("service.name\u{12}\n\n\u{8}kommando");
    assert!(requests.iter().all(|(_, body)| has_name(body)), "{requests:?}");

    let all: Vec<_> = requests.iter().flat_map(|(_, body)| spans(body)).collect();
    let of_trace: Vec<_> = all.iter().filter(|span| span.trace == TRACE).collect();
    let named = |name: &str| of_trace.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let one = |name: &str| named(name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {all:?}"));
    let (request, execution, webhook) = (one("v1User_ExecuteUserCommand"), one("execution"), one("webhook"));
    assert_eq!(request.parent, PARENT);
    assert_eq!(execution.parent, request.id);
    assert_eq!(webhook.parent, execution.id);
    let writes: Vec<_> = named("write").iter().map(|span| span.parent.clone()).collect();
    assert_eq!(writes, [execution.id.clone(), execution.id.clone()], "before and after the call");
    assert_eq!(of_trace.len(), 5, "{all:?}");
    assert!(!all.iter().any(|span| span.trace == unsampled), "{all:?}");

    // The log and the called systems have the same ids.
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let answered = lines.into_iter().find(|line| line["message"] == "answered").expect("a line");
    assert_eq!(
        (&answered["span"]["trace_id"], &answered["span"]["span_id"]),
        (&TRACE.into(), &request.id.as_str().into())
    );
    assert_eq!(passed_on(&asked[0]), [TRACE, &webhook.id, "01"]);
    let [trace, _, flags] = passed_on(&asked[1]);
    assert_eq!((trace, flags.as_str()), (unsampled, "00"));
    // A delivery after the commit begins a trace.
    let [trace, id, _] = passed_on(&told[0]);
    let delivery = Span { trace, id, parent: String::new(), name: "webhook".to_owned() };
    assert!(all.contains(&delivery), "no {delivery:?} in {all:?}");
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

#[test]
fn a_collector_that_is_down_costs_one_log_line() {
    let unanswered = Unanswered::start();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    for port in [unanswered.port, closed] {
        let (folder, sink) = (folder(), Sink::start());
        let url = format!("http://127.0.0.1:{port}");
        let variables = [
            (ENDPOINT, url.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "400"),
            ("KOMMANDO_LOG", "warn"), // a line for each request would fill the pipe, and a full pipe stops the server
        ];
        let (mut process, address) = start(folder.path(), &sink, &variables);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            let asked = Instant::now();
            assert!(send(&address, RUN).expect("an answer").starts_with("HTTP/1.1 200"));
            assert!(asked.elapsed() < Duration::from_millis(390), "a request waits for the collector");
        }
        process.logs("failed to send spans");
        let stopped = Instant::now();
        process.signal("TERM");
        let log = process.log();
        assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
        assert_eq!(log.matches("failed to send spans").count(), 1, "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn a_variable_that_cannot_be_used_is_refused_by_name() {
    for (name, value) in [
        (ENDPOINT, "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "no url"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ssl/collector.pem"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1000000000"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
    ] {
        let folder = folder();
        let variables =
            [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), (ENDPOINT, "http://127.0.0.1:4318"), (name, value)];
        let log = Process::start(folder.path(), &["serve", "--demo"], &variables).log();
        assert!(log.contains(&format!("error: {name} cannot be used: ")), "{log}");
    }
}
