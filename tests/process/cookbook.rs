//! Runs the commands of `commands.d/examples`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{Process, address, folder, send, sink::Sink};

const SECRET: &str = "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=";

/// A server with the examples as its commands.
struct ExampleServer {
    address: String,
    sink: Sink,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl ExampleServer {
    fn open(examples: &Path) -> Self {
        let (folder, sink) = (folder(), Sink::start());
        fs::write(folder.path().join("secret"), SECRET).expect("a file");
        let port = sink.port;
        let target = format!(
            "hr: {{url: 'http://127.0.0.1:{port}/ok', secrets: [{{file: secret}}], allow_networks: [127.0.0.0/8]}}\n"
        );
        fs::write(folder.path().join("targets.yaml"), target).expect("a file");
        let examples = examples.display().to_string();
        let words = ["serve", "--demo", "--commands", &examples, "--targets", "targets.yaml"];
        let mut process = Process::start(folder.path(), &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")]);
        let address = address(&process.banner());
        Self { address, sink, _process: process, _folder: folder }
    }

    fn call(&self, method: &str, path: &str) -> Value {
        let head = format!("{method} {path} HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==");
        let answer = send(&self.address, &head).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).expect("JSON")
    }

    fn is_listed(&self, user: i32, command: &str) -> bool {
        let listed = self.call("GET", &format!("/api/v1/User/{user}/CustomCommand"));
        listed.as_array().expect("a list").iter().any(|one| one["Name"] == command)
    }

    /// Runs a command and returns its message.
    fn run(&self, user: i32, command: &str, answer: &str) -> String {
        assert!(self.is_listed(user, command), "{command} is not listed");
        let path = format!("/api/v1/User/{user}/CustomCommand/{command}");
        if answer != "Implicit" {
            assert_eq!(self.call("POST", &path)["Success"], false, "{command} asks first");
        }
        let told = self.call("POST", &format!("{path}?actionResult={answer}"));
        assert_eq!(told["Success"], true, "{command}: {told}");
        told["Message"].as_str().expect("a message").to_owned()
    }

    fn user(&self, id: i32) -> Value {
        self.call("GET", &format!("/api/v1/User/{id}"))
    }

    /// The result of the step with this name in the newest execution.
    fn remark(&self, step: &str) -> String {
        let newest = self.call("GET", "/_ext/executions?limit=1")["executions"][0]["id"].take();
        let whole = self.call("GET", &format!("/_ext/executions/{}", newest.as_str().expect("an id")));
        let steps = whole["steps"].as_array().expect("steps").iter();
        steps.filter(|one| one["name"] == step).map(|one| one["result"].as_str().expect("a text").to_owned()).collect()
    }
}

#[test]
fn every_example_does_what_it_says() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands.d/examples");
    let server = ExampleServer::open(&examples);
    let mut names: Vec<_> = fs::read_dir(&examples)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let mut run = |user: i32, name: &str, answer: &str| {
        names.retain(|known| known != name);
        server.run(user, name, answer)
    };
    let (anna, bjorn, chris, dora) = (2, 3, 4, 5);

    assert!(run(anna, "move-to-field-sales", "Implicit").contains("moved from Head office to Field sales"));
    assert_eq!(server.user(anna)["UserGroup"]["Value"], "Field sales");
    assert!(!server.is_listed(anna, "move-to-field-sales"));

    run(anna, "travel", "Implicit");
    assert_eq!((&server.user(anna)["IsOnTravel"], server.is_listed(anna, "travel")), (&json!(true), false));
    run(anna, "return-from-travel", "Implicit");
    assert_eq!((&server.user(anna)["IsOnTravel"], server.is_listed(anna, "travel")), (&json!(false), true));

    run(anna, "make-user-admin", "Yes");
    assert_eq!(server.user(anna)["Role"]["Value"], "UserAdmin");
    assert!(server.remark("note").contains("Was Employee; made UserAdmin by admin."), "{}", server.remark("note"));
    assert!(!server.is_listed(chris, "make-user-admin"));

    assert_eq!(run(bjorn, "request-leave", "Yes"), "Done by HR.");
    let called: Value = serde_json::from_str(&server.sink.calls("/ok")[0].body).expect("JSON");
    assert_eq!((&called["type"], &called["data"]["command"]), (&json!("command.run"), &json!("request-leave")));

    let password = run(bjorn, "onboard", "Ok");
    assert!(!password.is_empty() && !server.remark("reset_password").contains(&password));
    assert_eq!(server.user(bjorn)["UserGroup"]["Value"], "Head office");

    assert!(run(bjorn, "log-out-everywhere", "Ok").contains("is logged out"));
    run(dora, "note-a-call", "Implicit");
    assert!(server.remark("note").contains("admin called Dora Nilsen"));

    assert!(!server.is_listed(chris, "approve"));
    let head = "PATCH /api/v1/User/4 HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==\r\nContent-Type: application/json\r\n\
                Content-Length: 27";
    let body = r#"{"WaitingForApproval":true}"#;
    assert!(patch(&server.address, head, body).starts_with("HTTP/1.1 200"));
    assert!(run(chris, "approve", "Ok").contains("is approved"));
    assert!(!server.is_listed(chris, "approve"));

    run(bjorn, "offboard", "Yes");
    assert_eq!(server.user(bjorn)["Deleted"], true);
    let told: Value = serde_json::from_str(&server.sink.wait_for("/ok", 2)[1].body).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["command"]), (&json!("command.succeeded"), &json!("offboard")));
    assert_eq!(names, [""; 0], "not run");
}

/// Sends a request with a body.
fn patch(address: &str, head: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    let request = format!("{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
