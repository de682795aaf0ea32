//! Commands with webhooks to well-behaved and misbehaving targets.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tempfile::TempDir;

use crate::{
    Process, address, folder, send,
    sink::{Sink, Unanswered},
};

/// Two active secrets of the targets.
const SECRETS: [&str; 2] =
    ["whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=", "whsec_dGhlIGZvcmNlIHdpbGwgYmUgd2l0aCB5b3Ugc29vbg=="];
const PATHS: [&str; 16] = [
    "ok",
    "silent",
    "chatty",
    "no",
    "unreadable",
    "broken",
    "missing",
    "gone",
    "flaky",
    "redirect",
    "slow",
    "hang",
    "drip",
    "huge",
    "reset",
    "page",
];

/// A server and a sink. For each path of the sink there is a command `ask-…` with a sync webhook, and a command
/// `tell-…` with an after-commit webhook.
struct WebhookServer {
    process: Process,
    address: String,
    sink: Sink,
    folder: TempDir,
    _unanswered: Unanswered,
}

/// A response.
struct Answer {
    status: u16,
    head: String,
    body: Value,
    took: Duration,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl WebhookServer {
    fn start() -> Self {
        let (folder, sink, unanswered) = (folder(), Sink::start(), Unanswered::start());
        fs::write(folder.path().join("first"), SECRETS[0]).expect("a file");
        let loopback = "allow_networks: [127.0.0.0/8]";
        let secrets = "secrets: [{file: first}, {env: SECOND_SECRET}]";
        let mut targets = format!(
            "full: {{url: 'http://127.0.0.1:{1}/', {secrets}, {loopback}}}\n\
             closed: {{url: 'http://127.0.0.1:1/', {secrets}, {loopback}}}\n\
             unanswered: {{url: 'http://127.0.0.1:{1}/', {secrets}, {loopback}}}\n\
             forbidden: {{url: 'http://127.0.0.1:{0}/ok', {secrets}, allow_networks: [10.0.0.0/8]}}\n\
             named: {{url: 'https://localhost:{0}/ok', {secrets}}}\n",
            sink.port, unanswered.port
        );
        fs::create_dir(folder.path().join("commands.d")).expect("a folder");
        for name in PATHS.iter().chain(&["closed", "unanswered", "forbidden", "named"]) {
            if PATHS.contains(name) {
                let port = sink.port;
                targets += &format!("{name}: {{url: 'http://127.0.0.1:{port}/{name}', {secrets}, {loopback}}}\n");
            }
            define(folder.path(), &format!("ask-{name}"), &format!("webhook: {{target: {name}, when: sync}}"));
            define(folder.path(), &format!("tell-{name}"), &format!("webhook: {{target: {name}, when: after_commit}}"));
        }
        fs::write(folder.path().join("targets.yaml"), targets).expect("a file");
        let words = ["serve", "--demo", "--commands", "commands.d", "--targets", "targets.yaml"];
        let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("SECOND_SECRET", SECRETS[1])];
        let mut process = Process::start(folder.path(), &words, &variables);
        let address = address(&process.banner());
        Self { process, address, sink, folder, _unanswered: unanswered }
    }

    fn call(&self, method: &str, path: &str, headers: &str) -> Answer {
        let started = Instant::now();
        let head = format!("{method} {path} HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA=={headers}");
        let answer = send(&self.address, &head).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head[9..12].parse().expect("a status");
        let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        Answer { status, head: head.to_owned(), body, took: started.elapsed() }
    }

    fn run(&self, command: &str, headers: &str) -> Answer {
        self.call("POST", &format!("/api/v1/User/3/CustomCommand/{command}"), headers)
    }

    fn tooltip(&self) -> Value {
        self.call("GET", "/api/v1/User/3", "").body["Tooltip"].take()
    }

    fn execution(&self) -> Value {
        let newest = self.call("GET", "/_ext/executions?limit=1", "").body["executions"][0]["id"].take();
        self.call("GET", &format!("/_ext/executions/{}", newest.as_str().expect("an id")), "").body
    }

    /// Waits until the newest webhook has this state, and returns it.
    fn webhook(&self, state: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let newest = self.call("GET", "/_ext/webhooks?limit=1", "").body["webhooks"][0].take();
            if newest["state"] == state {
                return newest;
            }
            assert!(Instant::now() < end, "{state} within 20 s: {newest}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Resident memory, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).expect("a status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

/// The body that the documentation shows.
fn documented_body() -> Value {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).expect("a page");
    let line = page.lines().find(|line| line.starts_with(r#"{"type":"command.run""#)).expect("a line");
    serde_json::from_str(line).expect("JSON")
}

/// The member names of a value and of all nested values, in order.
fn shape(value: &Value) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    let within = |(name, value): (&String, &Value)| [vec![name.clone()], shape(value)].concat();
    fields.flat_map(within).collect()
}

/// Defines a command with a webhook and then a change.
fn define(folder: &Path, name: &str, webhook: &str) {
    let text = format!(
        "name: {name}\ndisplay_name: {name}\nallow_roles: [Administrator]\ntimeout: 1s\n\
         steps:\n  - {webhook}\n  - set_field: {{field: tooltip, value: by {name}}}\n"
    );
    fs::write(folder.join("commands.d").join(format!("{name}.yaml")), text).expect("a file");
}

#[test]
fn a_sync_target_answers_for_the_command() {
    let server = WebhookServer::start();
    let got = server.run("ask-ok", "");
    assert_eq!((got.status, got.header("x-command-outcome")), (200, Some("succeeded")));
    assert_eq!((&got.body["Success"], &got.body["Message"]), (&json!(true), &json!("Done by HR.")));
    assert_eq!(server.tooltip(), "by ask-ok");
    let execution = server.execution();
    assert_eq!((&execution["outcome"], &execution["message"]), (&json!("succeeded"), &json!("Done by HR.")));

    let call = server.sink.calls("/ok").pop().expect("a call");
    let simple = execution["id"].as_str().expect("an id").replace('-', "");
    assert_eq!(call.id(), format!("{simple}_1"));
    for secret in SECRETS {
        let verified = Webhook::new(secret).expect("a secret").verify(call.body.as_bytes(), &call.headers);
        assert!(verified.is_ok(), "{verified:?}");
    }
    let body: Value = serde_json::from_str(&call.body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]["command"]), (&json!("command.run"), &json!("ask-ok")));
    assert_eq!(body["data"]["execution"], execution["id"]);
    assert_eq!((&body["data"]["user"]["name"], &body["data"]["caller"]["name"]), (&json!("bjorn"), &json!("admin")));
    assert_eq!(shape(&body), shape(&documented_body()), "docs/commands.md shows a real one");
    assert_eq!((&body["data"]["action_result"], &body["data"]["dry_run"]), (&json!("Implicit"), &json!(false)));

    let got = server.run("ask-silent", "");
    assert_eq!((&got.body["Success"], server.tooltip()), (&json!(true), json!("by ask-silent")));
    let got = server.run("ask-chatty", "");
    assert_eq!(got.body["Message"], "å".repeat(1000));
    let got = server.run("ask-no", "");
    assert_eq!((got.status, got.header("x-command-outcome")), (200, Some("failed")));
    assert_eq!((&got.body["Success"], &got.body["Message"]), (&json!(false), &json!("Not on a Friday.")));
    assert_eq!(server.tooltip(), "by ask-chatty", "no step runs after a negative answer");
    assert!(server.folder.path().join("kommando.db").exists());
}

#[test]
fn a_bad_target_delays_its_caller_briefly_and_no_others() {
    let server = WebhookServer::start();
    server.run("ask-ok", "");
    let before = server.memory();
    let port = server.sink.port.to_string();
    for (command, status, outcome, cause) in [
        ("ask-hang", 504, "unknown", "it did not answer within 1 s"),
        ("ask-drip", 504, "unknown", "it did not answer within 1 s"),
        ("ask-huge", 504, "unknown", "its answer is larger than 65536 bytes"),
        ("ask-reset", 504, "unknown", "the connection to it broke before it answered"),
        ("ask-broken", 504, "unknown", "it answered with status 500 Internal Server Error"),
        ("ask-unreadable", 504, "unknown", "its answer is not the JSON"),
        ("ask-redirect", 502, "failed", "it answered with status 307 Temporary Redirect"),
        ("ask-missing", 502, "failed", "it answered with status 404 Not Found"),
        ("ask-closed", 502, "failed", "nothing listens at its address"),
        ("ask-unanswered", 502, "failed", "connecting to it timed out"),
        ("ask-forbidden", 502, "failed", "its address is in no network that the target allows"),
        ("ask-named", 502, "failed", "its address is in no network that the target allows"),
    ] {
        let others_are_fast = thread::scope(|scope| {
            let asked = scope.spawn(|| server.run(command, ""));
            let others: Vec<_> = (0..5).map(|_| server.run("ask-silent", "").took).collect();
            let got = asked.join().expect("an answer");
            assert_eq!(
                (got.status, got.header("x-command-outcome")),
                (status, Some(outcome)),
                "{command}: {}",
                got.body
            );
            assert!(got.took < Duration::from_millis(1500), "{command} took {:?}", got.took);
            let message = got.body["Message"].as_str().expect("a text");
            let target = command.trim_start_matches("ask-");
            assert!(message.contains(&format!("The target `{target}` ")) && message.contains(cause), "{message}");
            let next = if status == 502 { "Nothing was done" } else { "check there before you run the command again" };
            assert!(message.contains(next), "{message}");
            for hidden in ["secret", "127.0.0.1", "localhost", "http", &port] {
                assert!(!message.contains(hidden), "{hidden}: {message}");
            }
            others.into_iter().max().expect("a time")
        });
        assert!(others_are_fast < Duration::from_millis(500), "beside {command}: {others_are_fast:?}");
    }
    assert_eq!(server.tooltip(), "by ask-silent", "a failed command changed the user");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 30 * 1024, "memory grew by {grown} KiB");
    // The redirect was not followed, and the forbidden addresses were not called.
    assert_eq!(server.sink.calls("/ok").len(), 1);
}

#[test]
fn an_unknown_call_is_replayed_and_a_failed_one_is_retried() {
    let server = WebhookServer::start();
    let key = "\r\nIdempotency-Key: one";
    assert_eq!(server.run("ask-reset", key).header("idempotency-replayed"), None);
    let recorded = server.execution();
    assert_eq!((&recorded["outcome"], &recorded["steps"][0]["result"]), (&json!("unknown"), &recorded["message"]));
    let again = server.run("ask-reset", key);
    assert_eq!((again.status, again.header("idempotency-replayed")), (504, Some("true")));
    assert_eq!(again.body["Message"], recorded["message"], "the record has the cause");
    assert_eq!(again.header("x-command-outcome"), Some("unknown"));
    assert_eq!(server.sink.calls("/reset").len(), 1);

    for _ in 0..2 {
        let got = server.run("ask-missing", key);
        assert_eq!((got.status, got.header("idempotency-replayed")), (502, None));
    }
    assert_eq!(server.sink.calls("/missing").len(), 2);

    server.run("ask-no", key);
    let again = server.run("ask-no", key);
    assert_eq!(
        (&again.body["Message"], again.header("idempotency-replayed")),
        (&json!("Not on a Friday."), Some("true"))
    );
    assert_eq!(server.sink.calls("/no").len(), 1);
}

#[test]
fn a_dry_run_reports_webhooks_without_calling_them() {
    let server = WebhookServer::start();
    let before = server.tooltip();
    for command in ["ask-ok", "tell-ok"] {
        let got = server.run(command, "\r\nX-Dry-Run: true");
        assert!(
            got.body["Message"].as_str().expect("text").contains("The webhook ok would be called."),
            "{}",
            got.body
        );
        assert_eq!((got.header("x-dry-run"), &server.tooltip()), (Some("applied"), &before));
    }
    assert!(server.sink.calls("/ok").is_empty());
}

#[test]
fn a_webhook_is_sent_after_commit_until_it_is_accepted() {
    let server = WebhookServer::start();
    let got = server.run("tell-ok", "");
    assert_eq!((got.status, server.tooltip()), (200, json!("by tell-ok")));
    let call = server.sink.wait_for("/ok", 1).remove(0);
    let body: Value = serde_json::from_str(&call.body).expect("JSON");
    assert_eq!(body["type"], "command.succeeded");
    assert_eq!(server.webhook("delivered")["id"], call.id());
    assert_eq!(server.execution()["steps"][0]["result"], call.id());

    // The body of the response is ignored.
    server.run("tell-page", "");
    assert_eq!((&server.webhook("delivered")["attempts"], server.sink.calls("/page").len()), (&json!(0), 1));

    let started = Instant::now();
    server.run("tell-flaky", "");
    let calls = server.sink.wait_for("/flaky", 2);
    assert_eq!(calls[0].id(), calls[1].id());
    assert!(started.elapsed() >= Duration::from_secs(6), "Retry-After is respected: {:?}", started.elapsed());
    assert_eq!(server.webhook("delivered")["attempts"], 1);
}

#[test]
fn a_dead_webhook_is_listed_and_sent_again() {
    let server = WebhookServer::start();
    server.run("tell-gone", "");
    let dead = server.webhook("dead");
    assert_eq!(
        (&dead["lastError"], &dead["nextAttemptAt"]),
        (&json!("it answered with status 410 Gone"), &Value::Null)
    );
    assert_eq!(server.call("GET", "/_ext/webhooks?state=DEAD&target=gone", "").body["webhooks"], json!([dead]));
    let redrive = format!("/_ext/webhooks/{}/redrive", dead["id"].as_str().expect("an id"));
    let again = server.call("POST", &redrive, "");
    assert_eq!((again.status, &again.body["state"]), (200, &json!("pending")));
    let calls = server.sink.wait_for("/gone", 2);
    assert_eq!(calls[0].id(), calls[1].id());
    server.webhook("delivered");
    assert_eq!(server.call("POST", &redrive, "").status, 409);
    assert_eq!(server.call("POST", "/_ext/webhooks/x/redrive", "").status, 404);
}

#[test]
fn a_target_gets_16_calls_at_once_and_rests_after_5_failures() {
    let server = WebhookServer::start();
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| assert_eq!(server.run("ask-slow", "").status, 200));
        }
    });
    assert_eq!(server.sink.calls("/slow").len(), 30);
    assert_eq!(server.sink.most_in_flight(), 16);

    for _ in 0..8 {
        server.run("ask-broken", "");
    }
    assert_eq!(server.sink.calls("/broken").len(), 5);
    let got = server.run("ask-broken", "");
    assert_eq!((got.status, got.header("x-command-outcome")), (502, Some("failed")));
    // An after-commit webhook waits until the pause ends, which does not count as an attempt.
    server.run("tell-broken", "");
    assert_eq!(server.webhook("pending")["attempts"], 0);
}

#[test]
fn an_unknown_target_stops_the_start() {
    let folder = folder();
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    define(folder.path(), "ask", "webhook: {target: hr, when: sync}");
    let log = Process::start(folder.path(), &["serve"], &[]).log();
    assert!(log.contains("commands.d/ask.yaml:6:23: there is no target `hr` in KOMMANDO_TARGETS"), "{log}");
    fs::write(folder.path().join("targets.yaml"), "hr: {url: nowhere, secrets: []}").expect("a file");
    let log = Process::start(folder.path(), &["serve", "--targets", "targets.yaml"], &[]).log();
    assert!(log.contains("target hr: `url` is not a URL"), "{log}");
}
