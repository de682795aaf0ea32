//! `/metrics` on its own listener, and the request log.

use std::fs;

use serde_json::Value;

use crate::{Process, address, folder, send, sink::Sink};

const RUN: &str = "POST /api/v1/User/2/CustomCommand";
const ADMIN: &str = "Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";

/// The value of a metric.
fn value(metrics: &str, line: &str) -> f64 {
    let found = metrics.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {line} in {metrics}")).parse().expect("a number")
}

#[test]
fn metrics_are_counted_and_served_on_their_own_listener() {
    let folder = folder();
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", "it's a secret"),
        ("KOMMANDO_METRICS", "127.0.0.1:0"),
        ("KOMMANDO_COMMANDS", "commands.d"),
        ("KOMMANDO_LOG_FORMAT", "json"),
    ];
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    let define = |file: &str, text: &str| fs::write(folder.path().join("commands.d").join(file), text).expect("a file");
    define("a.yaml", "name: a\ndisplay_name: A\nallow_roles: [Administrator]\nsteps:\n  - message: {text: A}\n");
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    process.logs("serving metrics");
    let line = process.log.lines().find(|line| line.contains("serving metrics")).expect("a line");
    let url = serde_json::from_str::<Value>(line).expect("JSON")["url"].as_str().expect("an address").to_owned();
    let own =
        url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/metrics")).expect("an address").to_owned();

    for head in [
        format!("{RUN}/a HTTP/1.1\r\n{ADMIN}"),
        format!("{RUN}/a HTTP/1.1\r\n{ADMIN}"),
        format!("{RUN}/unheard-of HTTP/1.1\r\n{ADMIN}"),
        format!("{RUN}/a HTTP/1.1\r\nAuthorization: Basic YWRtaW46d3Jvbmc="),
        "GET /nothing/here HTTP/1.1".to_owned(),
        "GET /metrics HTTP/1.1".to_owned(),
    ] {
        send(&address, &head).expect("an answer");
    }
    define("b.yaml", "name: [");
    process.logs("failed to reload definitions and targets");
    let answer = send(&own, "GET /metrics HTTP/1.1").expect("an answer");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    let metrics = answer.split_once("\r\n\r\n").expect("a body").1;
    for (line, expected) in [
        ("kommando_requests_total{operation=\"v1User_ExecuteUserCommand\",status=\"200\"}", 2.0),
        ("kommando_requests_total{operation=\"v1User_ExecuteUserCommand\",status=\"400\"}", 1.0),
        ("kommando_requests_total{operation=\"v1User_ExecuteUserCommand\",status=\"401\"}", 1.0),
        ("kommando_requests_total{operation=\"\",status=\"404\"}", 2.0),
        ("kommando_request_seconds_count{operation=\"v1User_ExecuteUserCommand\"}", 4.0),
        ("kommando_executions_total{command=\"a\",outcome=\"succeeded\"}", 2.0),
        ("kommando_logins_total{outcome=\"succeeded\"}", 3.0),
        ("kommando_logins_total{outcome=\"refused\"}", 1.0),
        ("kommando_definition_reloads_total{outcome=\"refused\"}", 1.0),
        ("kommando_commands", 1.0),
        ("kommando_webhooks_pending", 0.0),
        ("kommando_webhooks_oldest_seconds", 0.0),
        ("kommando_writer_waiting", 0.0),
        ("kommando_passwords_remembered", 1.0),
    ] {
        assert_eq!(value(metrics, line), expected, "{line}");
    }
    assert!(value(metrics, "process_resident_memory_bytes") > 1e6);
    assert!(value(metrics, "kommando_writer_batch_size_count") >= 2.0);
    assert!(!metrics.contains("unheard-of") && !metrics.contains("nothing/here"), "{metrics}");
    for secret in ["it's a secret", "YWRtaW46aXQncyBhIHNlY3JldA", "YWRtaW46d3Jvbmc"] {
        assert!(!metrics.contains(secret), "{metrics}");
    }
    assert!(send(&own, "GET / HTTP/1.1").expect("an answer").starts_with("HTTP/1.1 404"));
    assert!(send(&own, "POST /metrics HTTP/1.1").expect("an answer").starts_with("HTTP/1.1 405"));
}

#[test]
fn a_request_has_one_log_line_and_passes_its_trace_on() {
    let (folder, sink) = (folder(), Sink::start());
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    let command = "name: ask\ndisplay_name: A\nallow_roles: [Administrator]\nsteps:\n  \
                   - webhook: {target: sink, when: sync}\n";
    fs::write(folder.path().join("commands.d/ask.yaml"), command).expect("a file");
    fs::write(folder.path().join("secret"), "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    let target = format!(
        "sink: {{url: 'http://127.0.0.1:{}/ok', secrets: [{{file: secret}}], allow_networks: [127.0.0.0/8]}}",
        sink.port
    );
    fs::write(folder.path().join("targets.yaml"), target).expect("a file");
    let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("KOMMANDO_LOG", "info,kommando=debug")];
    let words = ["serve", "--demo", "--commands", "commands.d", "--targets", "targets.yaml"];
    let mut process = Process::start(folder.path(), &words, &variables);
    let address = address(&process.banner());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let answer =
        send(&address, &format!("{RUN}/ask HTTP/1.1\r\n{ADMIN}\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01"));
    let answer = answer.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let id = answer.split("x-request-id: ").nth(1).and_then(|rest| rest.lines().next()).expect("an id").to_owned();
    // Names, paths and headers with line breaks in every notation, and one that looks like a JSON line.
    for head in [
        "GET /a%0d%0a{%22level%22:%22ERROR%22}?x=%0a HTTP/1.1\r\nX-Evil: a\u{85}b\u{2028}c\r\ntraceparent: 00-\u{2028}",
        "POST /api/v1/User/2/CustomCommand/a%0ab HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==",
        // a name of `a\r\nb`
        "GET /api/v1/User/2 HTTP/1.1\r\nAuthorization: Basic YQ0KYjp4",
    ] {
        send(&address, head).expect("an answer");
    }
    process.signal("TERM");
    let log = process.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    assert!(!lines.iter().any(|line| line["level"] == "ERROR"), "{log}");
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 4, "{log}");
    let line = answered[0];
    assert_eq!(line["operation"], "v1User_ExecuteUserCommand");
    assert_eq!((&line["status"], &line["caller"]), (&Value::from(200), &Value::from(1)));
    assert!(line["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    let span = &line["span"];
    assert_eq!((&span["request_id"], &span["method"], &span["trace_id"]), (&id.into(), &"POST".into(), &trace.into()));

    let call = sink.wait_for("/ok", 1).remove(0);
    let parent = call.headers["traceparent"].to_str().expect("text").to_owned();
    let [version, own_trace, step, sampled] = parent.split('-').collect::<Vec<_>>()[..] else { panic!("{parent}") };
    assert_eq!((version, own_trace, sampled), ("00", trace, "01"));
    assert!(step != "00f067aa0ba902b7" && span["span_id"] != step, "{parent}");
}
