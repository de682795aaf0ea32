//! Commands that call other systems, and what they do when those misbehave.

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

/// Of two secrets, both of which are in force.
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

/// A server, and the sink that its commands call: `ask-…` and wait for the answer, or `tell-…` after the commit.
struct Scene {
    process: Process,
    address: String,
    sink: Sink,
    folder: TempDir,
    _unanswered: Unanswered,
}

/// What a request was answered with.
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

impl Scene {
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

    /// The newest webhook, once nothing more is to become of it for now.
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

/// The body that the README shows.
fn readme_body() -> Value {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    let line = readme.lines().find(|line| line.starts_with(r#"{"type":"command.run""#)).expect("a line");
    serde_json::from_str(line).expect("JSON")
}

/// The names of a value and all within it, in their order.
fn shape(value: &Value) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    let within = |(name, value): (&String, &Value)| [vec![name.clone()], shape(value)].concat();
    fields.flat_map(within).collect()
}

/// A command that calls, and then changes something.
fn define(folder: &Path, name: &str, webhook: &str) {
    let text = format!(
        "name: {name}\ndisplay_name: {name}\nallow_roles: [Administrator]\ntimeout: 1s\n\
         steps:\n  - {webhook}\n  - set_field: {{field: tooltip, value: by {name}}}\n"
    );
    fs::write(folder.join("commands.d").join(format!("{name}.yaml")), text).expect("a file");
}

#[test]
fn a_target_that_is_asked_answers_for_the_command() {
    let scene = Scene::start();
    let got = scene.run("ask-ok", "");
    assert_eq!((got.status, got.header("x-command-outcome")), (200, Some("succeeded")));
    assert_eq!((&got.body["Success"], &got.body["Message"]), (&json!(true), &json!("Done by HR.")));
    assert_eq!(scene.tooltip(), "by ask-ok");
    let execution = scene.execution();
    assert_eq!((&execution["outcome"], &execution["message"]), (&json!("succeeded"), &json!("Done by HR.")));

    let call = scene.sink.calls("/ok").pop().expect("a call");
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
    assert_eq!(shape(&body), shape(&readme_body()), "the README shows a real one");
    assert_eq!((&body["data"]["action_result"], &body["data"]["dry_run"]), (&json!("Implicit"), &json!(false)));

    let got = scene.run("ask-silent", "");
    assert_eq!((&got.body["Success"], scene.tooltip()), (&json!(true), json!("by ask-silent")));
    let got = scene.run("ask-chatty", "");
    assert_eq!(got.body["Message"], "å".repeat(1000));
    let got = scene.run("ask-no", "");
    assert_eq!((got.status, got.header("x-command-outcome")), (200, Some("failed")));
    assert_eq!((&got.body["Success"], &got.body["Message"]), (&json!(false), &json!("Not on a Friday.")));
    assert_eq!(scene.tooltip(), "by ask-chatty", "nothing runs after a no");
    assert!(scene.folder.path().join("kommando.db").exists());
}

#[test]
fn a_target_that_misbehaves_costs_its_caller_a_second_and_a_half_at_most_and_others_nothing() {
    let scene = Scene::start();
    scene.run("ask-ok", "");
    let before = scene.memory();
    let port = scene.sink.port.to_string();
    for (command, status, outcome, cause) in [
        ("ask-hang", 504, "unknown", "it gave no answer in 1 s"),
        ("ask-drip", 504, "unknown", "it gave no answer in 1 s"),
        ("ask-huge", 504, "unknown", "its answer is larger than 65536 bytes"),
        ("ask-reset", 504, "unknown", "the connection to it broke before it answered"),
        ("ask-broken", 504, "unknown", "it answered with status 500 Internal Server Error"),
        ("ask-unreadable", 504, "unknown", "its answer is not the JSON"),
        ("ask-redirect", 502, "failed", "it answered with status 307 Temporary Redirect"),
        ("ask-missing", 502, "failed", "it answered with status 404 Not Found"),
        ("ask-closed", 502, "failed", "nothing listens at its address"),
        ("ask-unanswered", 502, "failed", "no connection to it came about in time"),
        ("ask-forbidden", 502, "failed", "its address is in no network that the target allows"),
        ("ask-named", 502, "failed", "its address is in no network that the target allows"),
    ] {
        let others_are_fast = thread::scope(|scope| {
            let asked = scope.spawn(|| scene.run(command, ""));
            let others: Vec<_> = (0..5).map(|_| scene.run("ask-silent", "").took).collect();
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
            let next = if status == 502 { "Nothing was done" } else { "look there before you run the command again" };
            assert!(message.contains(next), "{message}");
            for hidden in ["secret", "127.0.0.1", "localhost", "http", &port] {
                assert!(!message.contains(hidden), "{hidden}: {message}");
            }
            others.into_iter().max().expect("a time")
        });
        assert!(others_are_fast < Duration::from_millis(500), "beside {command}: {others_are_fast:?}");
    }
    assert_eq!(scene.tooltip(), "by ask-silent", "no change was made by one that failed");
    let grown = scene.memory().saturating_sub(before);
    assert!(grown < 30 * 1024, "memory grew by {grown} KiB");
    // The redirect was not followed, and the forbidden addresses were not called.
    assert_eq!(scene.sink.calls("/ok").len(), 1);
}

#[test]
fn what_is_not_known_is_answered_again_and_never_called_again_and_what_was_not_done_may_be_tried_again() {
    let scene = Scene::start();
    let key = "\r\nIdempotency-Key: one";
    assert_eq!(scene.run("ask-reset", key).header("idempotency-replayed"), None);
    let recorded = scene.execution();
    assert_eq!((&recorded["outcome"], &recorded["steps"][0]["result"]), (&json!("unknown"), &recorded["message"]));
    let again = scene.run("ask-reset", key);
    assert_eq!((again.status, again.header("idempotency-replayed")), (504, Some("true")));
    assert_eq!(again.body["Message"], recorded["message"], "the record keeps the cause");
    assert_eq!(again.header("x-command-outcome"), Some("unknown"));
    assert_eq!(scene.sink.calls("/reset").len(), 1);

    for _ in 0..2 {
        let got = scene.run("ask-missing", key);
        assert_eq!((got.status, got.header("idempotency-replayed")), (502, None));
    }
    assert_eq!(scene.sink.calls("/missing").len(), 2);

    scene.run("ask-no", key);
    let again = scene.run("ask-no", key);
    assert_eq!(
        (&again.body["Message"], again.header("idempotency-replayed")),
        (&json!("Not on a Friday."), Some("true"))
    );
    assert_eq!(scene.sink.calls("/no").len(), 1);
}

#[test]
fn a_dry_run_reports_webhooks_and_calls_nobody() {
    let scene = Scene::start();
    let before = scene.tooltip();
    for command in ["ask-ok", "tell-ok"] {
        let got = scene.run(command, "\r\nX-Dry-Run: true");
        assert!(
            got.body["Message"].as_str().expect("text").contains("The webhook ok would be called."),
            "{}",
            got.body
        );
        assert_eq!((got.header("x-dry-run"), &scene.tooltip()), (Some("applied"), &before));
    }
    assert!(scene.sink.calls("/ok").is_empty());
}

#[test]
fn a_target_is_told_after_the_commit_until_it_takes_it() {
    let scene = Scene::start();
    let got = scene.run("tell-ok", "");
    assert_eq!((got.status, scene.tooltip()), (200, json!("by tell-ok")));
    let call = scene.sink.wait_for("/ok", 1).remove(0);
    let body: Value = serde_json::from_str(&call.body).expect("JSON");
    assert_eq!(body["type"], "command.succeeded");
    assert_eq!(scene.webhook("delivered")["id"], call.id());
    assert_eq!(scene.execution()["steps"][0]["result"], call.id());

    // What it says beside its status does not matter.
    scene.run("tell-page", "");
    assert_eq!((&scene.webhook("delivered")["attempts"], scene.sink.calls("/page").len()), (&json!(0), 1));

    let started = Instant::now();
    scene.run("tell-flaky", "");
    let calls = scene.sink.wait_for("/flaky", 2);
    assert_eq!(calls[0].id(), calls[1].id());
    assert!(started.elapsed() >= Duration::from_secs(6), "Retry-After is respected: {:?}", started.elapsed());
    assert_eq!(scene.webhook("delivered")["attempts"], 1);
}

#[test]
fn a_dead_webhook_is_listed_and_sent_again() {
    let scene = Scene::start();
    scene.run("tell-gone", "");
    let dead = scene.webhook("dead");
    assert_eq!(
        (&dead["lastError"], &dead["nextAttemptAt"]),
        (&json!("it answered with status 410 Gone"), &Value::Null)
    );
    assert_eq!(scene.call("GET", "/_ext/webhooks?state=DEAD&target=gone", "").body["webhooks"], json!([dead]));
    let redrive = format!("/_ext/webhooks/{}/redrive", dead["id"].as_str().expect("an id"));
    let again = scene.call("POST", &redrive, "");
    assert_eq!((again.status, &again.body["state"]), (200, &json!("pending")));
    let calls = scene.sink.wait_for("/gone", 2);
    assert_eq!(calls[0].id(), calls[1].id());
    scene.webhook("delivered");
    assert_eq!(scene.call("POST", &redrive, "").status, 409);
    assert_eq!(scene.call("POST", "/_ext/webhooks/x/redrive", "").status, 404);
}

#[test]
fn sixteen_calls_to_a_target_are_under_way_at_most_and_five_failures_give_it_a_rest() {
    let scene = Scene::start();
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| assert_eq!(scene.run("ask-slow", "").status, 200));
        }
    });
    assert_eq!(scene.sink.calls("/slow").len(), 30);
    assert_eq!(scene.sink.most_in_flight(), 16);

    for _ in 0..8 {
        scene.run("ask-broken", "");
    }
    assert_eq!(scene.sink.calls("/broken").len(), 5);
    let got = scene.run("ask-broken", "");
    assert_eq!((got.status, got.header("x-command-outcome")), (502, Some("failed")));
    // What is told after a commit waits for the end of the rest, and does not count as tried.
    scene.run("tell-broken", "");
    assert_eq!(scene.webhook("pending")["attempts"], 0);
}

#[test]
fn an_unheard_of_target_stops_the_start() {
    let folder = folder();
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    define(folder.path(), "ask", "webhook: {target: hr, when: sync}");
    let log = Process::start(folder.path(), &["serve"], &[]).log();
    assert!(log.contains("commands.d/ask.yaml:6:23: there is no target `hr` in KOMMANDO_TARGETS"), "{log}");
    fs::write(folder.path().join("targets.yaml"), "hr: {url: nowhere, secrets: []}").expect("a file");
    let log = Process::start(folder.path(), &["serve", "--targets", "targets.yaml"], &[]).log();
    assert!(log.contains("target hr: `url` is no URL"), "{log}");
}
