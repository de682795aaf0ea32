//! Runs the commands of `commands.d/examples`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    Process, address,
    ask::{Answer, Ask},
    folder,
    sink::Sink,
};

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

    fn ask(&self, ask: Ask) -> Answer {
        ask.by("admin", "it's a secret").send(&self.address)
    }

    fn call(&self, method: &'static str, path: &str) -> Value {
        self.ask(Ask::new(method, path)).done()
    }

    fn is_listed(&self, user: i32, command: &str) -> bool {
        let listed = self.call("GET", &format!("/api/v1/User/{user}/CustomCommand"));
        listed.as_array().expect("a list").iter().any(|one| one["Name"] == command)
    }

    /// Runs a command and returns its message.
    fn run(&self, user: i32, command: &str, answer: &str, inputs: &Value) -> String {
        assert!(self.is_listed(user, command), "{command} is not listed");
        let path = format!("/api/v1/User/{user}/CustomCommand/{command}");
        let mut confirmation = None;
        if answer != "Implicit" {
            let asked = self.ask(Ask::post(&path).json(inputs.clone()));
            assert_eq!(asked.done()["Success"], false, "{command} asks first");
            confirmation = asked.header("X-Confirmation").map(str::to_owned);
        }
        let ask = Ask::post(&format!("{path}?actionResult={answer}")).json(inputs.clone());
        let ask = if let Some(token) = confirmation { ask.header("X-Confirmation", token) } else { ask };
        let told = self.ask(ask).done();
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
    let mut run_with = |user: i32, name: &str, answer: &str, inputs: Value| {
        names.retain(|known| known != name);
        server.run(user, name, answer, &inputs)
    };
    let today = chrono::Utc::now().date_naive().to_string();
    let (anna, bjorn, chris, dora) = (2, 3, 4, 5);

    let moved = run_with(anna, "move-to-group", "Yes", json!({"group": "Field sales"}));
    assert!(moved.contains("moved from Head office to Field sales"), "{moved}");
    assert_eq!(server.user(anna)["UserGroup"]["Value"], "Field sales");

    run_with(anna, "travel", "Implicit", json!({"until": today}));
    let presence = server.remark("set_presence");
    assert_eq!(presence, "", "the step has no text");
    assert_eq!((&server.user(anna)["IsOnTravel"], server.is_listed(anna, "travel")), (&json!(true), false));
    run_with(anna, "return-from-travel", "Implicit", json!({}));
    assert_eq!((&server.user(anna)["IsOnTravel"], server.is_listed(anna, "travel")), (&json!(false), true));

    run_with(anna, "make-user-admin", "Yes", json!({"reason": "Heads the service desk"}));
    assert_eq!(server.user(anna)["Role"]["Value"], "UserAdmin");
    let remark = server.remark("note");
    assert!(remark.contains("Was Employee; made UserAdmin by admin: Heads the service desk"), "{remark}");
    assert!(!server.is_listed(chris, "make-user-admin"));

    let leave = json!({"kind": "holiday", "from": today, "days": 5});
    assert_eq!(run_with(bjorn, "request-leave", "Yes", leave.clone()), "Done by HR.");
    let called: Value = serde_json::from_str(&server.sink.calls("/ok")[0].body).expect("JSON");
    assert_eq!((&called["type"], &called["data"]["command"]), (&json!("command.run"), &json!("request-leave")));
    assert_eq!(called["data"]["inputs"], leave);

    let position = json!({"position": "Sales representative", "manager": chris});
    let password = run_with(bjorn, "onboard", "Ok", position);
    assert!(!password.is_empty() && !server.remark("reset_password").contains(&password));
    let user = server.user(bjorn);
    let (group, position) = (&user["UserGroup"]["Value"], &user["Tooltip"]);
    assert_eq!((group, position), (&json!("Head office"), &json!("Sales representative")));

    assert!(run_with(bjorn, "log-out-everywhere", "Ok", json!({})).contains("is logged out"));
    run_with(dora, "note-a-call", "Implicit", json!({"summary": "Back in May.\nCall again."}));
    let remark = server.remark("note");
    assert!(remark.contains("admin called Dora Nilsen") && remark.contains("Back in May.\nCall again."), "{remark}");

    assert!(!server.is_listed(chris, "approve"));
    server.ask(Ask::new("PATCH", "/api/v1/User/4").json(json!({"WaitingForApproval": true}))).done();
    assert!(run_with(chris, "approve", "Ok", json!({"remark": "As agreed"})).contains("is approved"));
    assert!(!server.is_listed(chris, "approve"));

    let leaving = json!({"reason": "Found another job", "last_day": today, "successor": anna});
    run_with(bjorn, "offboard", "Yes", leaving);
    assert_eq!(server.user(bjorn)["Deleted"], true);
    let told: Value = serde_json::from_str(&server.sink.wait_for("/ok", 2)[1].body).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["command"]), (&json!("command.succeeded"), &json!("offboard")));
    assert_eq!(told["data"]["inputs"]["successor"]["id"], anna);
    assert!(server.remark("note").contains(&format!("Last day {today}, followed by")), "{}", server.remark("note"));
    assert_eq!(names, [""; 0], "not run");
}
