//! Searches all output (responses, logs at level trace, command line, database) for secrets that the test planted.

mod search;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::search::Search;
use crate::{
    ask::{Answer, Ask},
    folder,
    issuer::{AUDIENCE, ISSUER, Issuer, Shows, SigningKey, claims},
};

const TARGETS: &str = "
hr:
  url: http://127.0.0.1:1/URL
  secrets: [{env: HR_SECRET}]
  allow_networks: [127.0.0.0/8]
";
const DEFINITIONS: [(&str, &str); 5] = [
    ("reset", "reset_password: {}"),
    ("given", "reset_password: {password: {input: pin}}\ninputs:\n  pin: {type: secret, min_length: 12}"),
    (
        "take",
        "webhook: {target: hr, when: sync}\n  - note: {text: Done}\ninputs:\n  pin: {type: secret, min_length: 12}\n  \
         n: {type: integer, default: 1}\nconfirm: ok\nquestion: 'Take {{ inputs.n }}?'",
    ),
    ("ask", "webhook: {target: hr, when: sync}"),
    ("tell", "webhook: {target: hr, when: after_commit}"),
];

/// A server with its log in a file, and the command line in the same folder.
struct Installation {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
    server: Option<Child>,
    address: String,
}

impl Installation {
    fn new() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("commands.d")).expect("a folder");
        for (name, step) in DEFINITIONS {
            let text = format!("name: {name}\ndisplay_name: X\nallow_roles: [Administrator]\nsteps:\n  - {step}\n");
            fs::write(folder.path().join(format!("commands.d/{name}.yaml")), text).expect("a file");
        }
        Self { folder, variables: Vec::new(), server: None, address: String::new() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        command.args(words).current_dir(self.path()).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1").env("KOMMANDO_LOG", "trace");
        command
    }

    fn serve(&mut self) {
        let file = |name: &str| fs::File::create(self.path().join(name)).expect("a file");
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(file("out")).stderr(file("log"));
        self.server = Some(command.spawn().expect("a start"));
        while self.address.is_empty() {
            thread::sleep(Duration::from_millis(20));
            let log = fs::read_to_string(self.path().join("log")).expect("a log");
            let line = log.lines().find(|line| line.contains("\"listening\""));
            let line = line.and_then(|line| serde_json::from_str::<Value>(line).ok());
            self.address = line.and_then(|line| line["address"].as_str().map(str::to_owned)).unwrap_or_default();
        }
    }

    fn run(&self, words: &[&str], input: &str) -> Output {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a start");
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().expect("standard input").write_all(input.as_bytes());
        child.wait_with_output().expect("an end")
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Sends requests and records all output.
struct Visitor<'a> {
    installation: &'a Installation,
    search: Search,
}

impl Visitor<'_> {
    /// Sends a request; its response may contain only these secrets.
    fn ask(&mut self, ask: Ask, shows: &[&'static str]) -> Answer {
        let answer = ask.send(&self.installation.address);
        let text = format!("{}\n\n{}", answer.head, answer.body);
        self.search.emitted(format!("the answer to {ask:?}"), text, shows);
        answer
    }

    /// Runs the command line; standard output may contain only these secrets, and standard error none.
    fn run(&mut self, words: &[&str], input: &str, shows: &[&'static str]) -> Output {
        let output = self.installation.run(words, input);
        self.search.emitted(format!("the output of {words:?}"), output.stdout.clone(), shows);
        self.search.emitted(format!("the log of {words:?}"), output.stderr.clone(), &[]);
        output
    }
}

fn current() -> Ask {
    Ask::get("/api/v1/User/current")
}

fn agent(operation: &str) -> Ask {
    Ask::post(&format!("/api/v1/Agents/User/{operation}"))
}

/// Sends valid and invalid credentials in every place that accepts them.
fn show_credentials(visitor: &mut Visitor<'_>, admin: &str) -> String {
    let wrong = visitor.search.plant("a wrong password");
    let basic = visitor.search.basic("a refused Basic", "admin", &wrong);
    visitor.ask(current().authorized(basic), &[]);
    let wrong = visitor.search.plant("a password of an absent user");
    visitor.ask(Ask::post("/_ext/session").json(json!({"userName": "absent", "password": wrong})), &[]);
    let basic = visitor.search.basic("Basic", "admin", admin);
    visitor.ask(current().authorized(&basic), &[]).done();

    let log_in = Ask::post("/_ext/session").json(json!({"userName": "admin", "password": admin}));
    let session = log_in.send(&visitor.installation.address);
    let ticket = session.done()["ticket"].as_str().expect("a ticket").to_owned();
    visitor.search.note("a ticket", &ticket[3..]);
    let xsrf = session.head.split("XSRF-TOKEN=").nth(1).and_then(|rest| rest.split(';').next()).expect("a token");
    visitor.search.note("an XSRF token", xsrf);
    let secret = session.head.split("kommando-session=").nth(1).and_then(|rest| rest.split(';').next());
    let secret = secret.expect("a session");
    visitor.search.note("a session", &secret[3..]);
    let cookie = format!("kommando-session={secret}; XSRF-TOKEN={xsrf}");
    visitor.ask(current().header("Cookie", &cookie).header("X-XSRF-TOKEN", xsrf), &[]).done();
    let wrong = visitor.search.plant("a wrong XSRF token");
    visitor.ask(current().header("Cookie", &cookie).header("X-XSRF-TOKEN", wrong), &[]);
    let wrong = visitor.search.plant("a wrong session");
    visitor.ask(current().header("Cookie", format!("kommando-session=7T:{wrong}")).header("X-XSRF-TOKEN", xsrf), &[]);

    let ticket = format!("SoTicket {ticket}");
    visitor.ask(current().authorized(&ticket), &[]).done();
    let token = Ask::get("/api/v1/User/currentToken").authorized(&ticket).send(&visitor.installation.address).done();
    let token = token.as_str().expect("a token");
    visitor.search.note("an access token", &token[3..]);
    visitor.ask(current().authorized(format!("Bearer {token}")), &[]).done();
    for scheme in ["SoTicket 7T:", "Bearer 8A:", "Bearer ", "Basic 7T:", "Negotiate ", "", "Basic "] {
        let wrong = visitor.search.plant("a wrong credential");
        visitor.ask(current().authorized(format!("{scheme}{wrong}")), &[]);
    }
    let wrong = visitor.search.plant("a wrong app token");
    visitor.ask(current().authorized(&ticket).header("SO-AppToken", wrong), &[]).done();
    ticket
}

/// Sends valid and invalid JWTs.
fn show_tokens_of_the_provider(visitor: &mut Visitor<'_>) {
    let right = SigningKey::ec().sign(&claims("admin"));
    let foreign = SigningKey::foreign().sign(&claims("admin"));
    let [signature, wrong] = [&right, &foreign].map(|token| token.rsplit('.').next().expect("a part").to_owned());
    visitor.search.note("a JWT", &signature);
    visitor.search.note("a wrong JWT", &wrong);
    visitor.ask(current().authorized(format!("Bearer {right}")), &[]).done();
    visitor.ask(current().authorized(format!("Bearer {foreign}")), &[]);
    let planted = visitor.search.plant("a claim");
    for claims in [json!({"exp": planted}), json!({"iss": planted, "exp": 1}), json!(planted)] {
        visitor.ask(current().authorized(format!("Bearer {}", SigningKey::ec().sign(&claims))), &[]);
    }
}

/// Sends bodies with passwords, most of them invalid.
fn send_passwords(visitor: &mut Visitor<'_>, admin: &str, ticket: &str) {
    for (place, body) in [
        ("a body that breaks off", r#"{"userName":"admin","password":"CANARY""#),
        ("a body that begins wrong", r#"{"password":CANARY}"#),
        ("a password that is an object", r#"{"userName":"admin","password":{"x":"CANARY"}}"#),
        ("a password that is a list", r#"{"userName":"admin","password":["CANARY"]}"#),
        ("a body without a name", r#"{"password":"CANARY"}"#),
        ("a name that is a number", r#"{"userName":1,"password":"CANARY"}"#),
        ("a password that stands alone", r#""CANARY""#),
        ("a password as a key", r#"{"userName":"admin","CANARY":1}"#),
    ] {
        let secret = visitor.search.plant(place);
        let body = body.replace("CANARY", &secret);
        let agents = ["SetPassword", "SetPasswordFromName", "ChangeOwnPassword", "IsPasswordValid", "SaveUser"];
        let mut asks = vec![Ask::post("/_ext/session"), Ask::post("/_ext/password")];
        asks.extend(agents.map(|operation| agent(operation).authorized(ticket)));
        asks.extend(
            [("POST", "/api/v1/User"), ("PUT", "/api/v1/User/1"), ("PATCH", "/api/v1/User/1")]
                .map(|(method, path)| Ask::new(method, path).authorized(ticket)),
        );
        for ask in asks {
            visitor.ask(ask.body(body.as_str()), &[]);
        }
    }
    let eva = visitor.search.plant("the password of a new user");
    let credentials = json!([{"Type": {"Type": "CRM5/PASSWORD"}, "Value": eva}]);
    let user = json!({"Name": "eva", "Credentials": credentials});
    visitor.ask(Ask::post("/api/v1/User").authorized(ticket).json(user), &[]).done();
    visitor.ask(current().by("eva", &eva), &[]).done();
    let own = visitor.search.plant("an own password");
    let change = json!({"userName": "eva", "oldPassword": eva, "newPassword": own});
    visitor.ask(Ask::post("/_ext/password").json(change), &[]).done();
    let change = json!({"userName": "eva", "oldPassword": own, "newPassword": own});
    visitor.ask(Ask::post("/_ext/password").json(change), &[]);
    let set = visitor.search.plant("a password that is set");
    visitor.ask(agent("SetPassword").authorized(ticket).json(json!({"AssociateId": 2, "Password": set})), &[]).done();
    let changed = visitor.search.plant("a password that is changed");
    let change = json!({"OldPassword": set, "NewPassword": changed});
    visitor.ask(agent("ChangeOwnPassword").by("eva", &set).json(change), &[]).done();
    let valid = visitor.search.plant("a password that is judged");
    visitor.ask(agent("IsPasswordValidWithReason").authorized(ticket).json(json!({"Password": valid})), &[]).done();
    let long = visitor.search.plant("a password that is too long");
    let set = json!({"AssociateId": 2, "Password": long.repeat(100)});
    visitor.ask(agent("SetPassword").authorized(ticket).json(set), &[]);
    let generate = agent("SetGeneratedPassword").authorized(ticket).json(json!({"AssociateId": 2}));
    let generated = generate.send(&visitor.installation.address).done();
    visitor.search.note("a generated password", generated.as_str().expect("a password"));
    visitor.ask(current().by("admin", admin), &[]).done();
}

/// Runs commands that create or use a secret.
fn run_commands(visitor: &mut Visitor<'_>, ticket: &str) {
    let run = |name: &str| Ask::post(&format!("/api/v1/User/2/CustomCommand/{name}")).authorized(ticket);
    let reset = run("reset").header("Idempotency-Key", "once");
    let shown = reset.send(&visitor.installation.address).done();
    let shown = shown["Message"].as_str().expect("a message").to_owned();
    let words = shown.split(|character: char| !character.is_ascii_alphanumeric());
    let temporary = words.max_by_key(|word| word.len()).expect("a word").to_owned();
    assert_eq!(temporary.len(), 16, "{shown}");
    visitor.search.note("a temporary password", &temporary);
    visitor.ask(reset, &[]).done();
    visitor.ask(current().by("eva", &temporary), &[]);
    visitor.ask(run("ask"), &[]);
    give_secrets(visitor, ticket);
    visitor.ask(run("tell"), &[]).done();
    // The first attempt of an after-commit webhook is immediate.
    thread::sleep(Duration::from_millis(500));
}

/// Gives secrets as inputs of commands, valid and invalid ones.
fn give_secrets(visitor: &mut Visitor<'_>, ticket: &str) {
    let run = |path: &str| Ask::post(&format!("/api/v1/User/2/CustomCommand/{path}")).authorized(ticket);
    for command in ["given", "take", "take?actionResult=Ok", "take?actionResult=Cancel", "hello"] {
        for (place, dry_run) in [("a secret input", false), ("a secret input of a dry run", true)] {
            let secret = visitor.search.plant(place);
            let ask = run(command).json(json!({"pin": secret}));
            visitor.ask(if dry_run { ask.header("X-Dry-Run", "true") } else { ask }, &[]);
        }
        let once = visitor.search.plant("a secret input with a key");
        for _ in 0..2 {
            visitor.ask(run(command).header("Idempotency-Key", command).json(json!({"pin": once})), &[]);
        }
        let other = visitor.search.plant("another secret with the same key");
        visitor.ask(run(command).header("Idempotency-Key", command).json(json!({"pin": other})), &[]);
        for body in [json!({"pin": ["CANARY"]}), json!({"pin": "CANARY", "n": "x"}), json!({"PIN": "CANARY", "pin": 1})]
        {
            let secret = visitor.search.plant("a secret in an invalid body");
            let body = body.to_string().replace("CANARY", &secret);
            visitor.ask(run(command).body(body.as_str()), &[]);
        }
        let long = visitor.search.plant("a secret that is too long");
        visitor.ask(run(command).json(json!({"pin": long.repeat(50)})), &[]);
        let text = visitor.search.plant("a secret as name=value");
        let name = command.split('?').next().expect("a name");
        let body = json!({"CommandName": name, "User": {"AssociateId": 2}, "AdditionalData": [format!("pin={text}")]});
        visitor.ask(agent("ExecuteUserCommand").authorized(ticket).json(body), &[]);
    }
}

/// Keeps secrets on the server and reads them, sends invalid ones, and asks with a wrong key.
fn keep_secrets(visitor: &mut Visitor<'_>, ticket: &str) {
    let ask = |operation: &str, body: Value| agent(operation).authorized(ticket).json(body);
    let secret = visitor.search.plant("a stored credential");
    let credentials =
        |secret: Value| json!({"Type": "HR", "Credentials": {"PublicValue": "me", "SecretValue": secret}});
    visitor.ask(ask("SaveUntrustedCredentials", credentials(secret.as_str().into())), &[]).done();
    let read = visitor.ask(ask("GetUntrustedCredentials", json!({"Type": "HR"})), &["a stored credential"]).done();
    assert_eq!(read[0]["SecretValue"], secret);
    let long = visitor.search.plant("a credential that is too long");
    visitor.ask(ask("SaveUntrustedCredentials", credentials(long.repeat(10).into())), &[]);
    let listed = visitor.search.plant("a credential that is a list");
    visitor.ask(ask("SaveUntrustedCredentials", credentials(json!([listed]))), &[]);
    let tokens = ["a token", "a refresh token"].map(|place| visitor.search.plant(place));
    let tokens = json!({"Provider": "calendar", "AccessToken": tokens[0], "RefreshToken": tokens[1]});
    let save = ask("SaveExternalTokens", json!({"TokenManagementInfo": tokens}));
    let key = save.send(&visitor.installation.address).done();
    visitor.search.note("a key of tokens", key.as_str().expect("a key"));
    let read = visitor.ask(ask("GetExternalTokens", json!({"Key": key})), &["a token", "a refresh token"]).done();
    assert_eq!(read["AccessToken"], tokens["AccessToken"]);
    let wrong = visitor.search.plant("a wrong key of tokens");
    visitor.ask(ask("GetExternalTokens", json!({"Key": wrong})), &[]).done();
    let service = visitor.search.plant("a password of a service");
    let auth = json!({"Server": "mail.example.com", "Password": service});
    let saved = visitor.ask(ask("SaveServiceAuth", auth), &["a password of a service"]).done();
    let get = agent(&format!("GetServiceAuth?serviceAuthId={}", saved["ServiceAuthId"])).authorized(ticket);
    assert_eq!(visitor.ask(get, &["a password of a service"]).done()["Password"], service);
    let get = Ask::post("/api/v1/Agents/Associate/GetEncryptionKey").authorized(ticket);
    let key = get.send(&visitor.installation.address).done();
    visitor.search.note("a key for local storage", key.as_str().expect("a key"));
    visitor.ask(get, &["a key for local storage"]).done();
}

/// Reads everything that the API shows.
fn read_everything(visitor: &mut Visitor<'_>, ticket: &str) {
    for path in [
        "/openapi.json",
        "/openapi.yaml",
        "/docs",
        "/",
        "/api",
        "/api/v1",
        "/api/v1/User",
        "/api/v1/User/1",
        "/api/v1/User/2",
        "/api/v1/User/currentPrincipal",
        "/_ext/executions",
        "/_ext/webhooks",
        "/_ext/tickets",
        "/_ext/tickets?user=2",
        "/health/ready",
    ] {
        visitor.ask(Ask::get(path).authorized(ticket), &[]);
    }
    visitor.ask(Ask::get("/metrics"), &[]).done();
}

fn use_the_command_line(visitor: &mut Visitor<'_>) -> String {
    let added = visitor.search.plant("a password on standard input");
    visitor.run(&["user", "add", "finn", "--password-stdin"], &added, &[]);
    let set = visitor.search.plant("another one");
    visitor.run(&["user", "set-password", "finn", "--password-stdin"], &set, &[]);
    for words in [
        &["user", "list"][..],
        &["app", "list"],
        &["audit", "verify"],
        &["commands", "check"],
        &["openapi"],
        &["--help"],
        &["serve", "--help"],
        &["user", "add", "finn", "--password-stdin"],
    ] {
        visitor.run(words, &set, &[]);
    }
    let issued = visitor.installation.run(&["ticket", "issue", "--user", "finn"], "");
    let app = visitor.installation.run(&["app", "add", "partner"], "");
    let [_, app] = [("an issued ticket", issued), ("an app token", app)].map(|(place, output)| {
        let shown = String::from_utf8(output.stdout).expect("text");
        let secret = shown.trim_end().trim_start_matches("7T:").to_owned();
        visitor.search.note(place, &secret);
        visitor.search.emitted(format!("the log of making {place}"), output.stderr, &[]);
        secret
    });
    // A database URL with a password, of a server that does not exist.
    let password = visitor.search.plant("the password of a database");
    let url = format!("postgres://kommando:{password}@127.0.0.1:1/kommando");
    visitor.run(&["user", "list", "--database-url", &url], "", &[]);
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_appears_where_it_does_not_belong() {
    let issuer = Issuer::start(Shows::keys(&[SigningKey::ec(), SigningKey::rsa()])).await;
    let (mut installation, mut search) = (Installation::new(), Search::default());
    let admin = search.plant("the first administrator's password");
    let webhook = STANDARD.encode(search.plant("seed of the webhook's secret"));
    search.note("the webhook's secret", &webhook);
    let targets = TARGETS.replace("URL", &search.plant("the address of a target"));
    fs::write(installation.path().join("targets.yaml"), targets).expect("a file");
    installation.variables = vec![
        ("KOMMANDO_ADMIN_PASSWORD", admin.clone()),
        ("KOMMANDO_AUDIT_KEY", search.plant("the audit key") + &search.plant("its second half")),
        ("KOMMANDO_TARGETS", "targets.yaml".to_owned()),
        ("KOMMANDO_OIDC_ISSUER", ISSUER.to_owned()),
        ("KOMMANDO_OIDC_AUDIENCE", AUDIENCE.to_owned()),
        ("KOMMANDO_OIDC_JWKS_URL", issuer.url()),
        ("KOMMANDO_GUESS_LIMITS", "1000,1000,1000".to_owned()),
        ("KOMMANDO_METRICS", "path".to_owned()),
        ("HR_SECRET", format!("whsec_{webhook}")),
    ];
    installation.serve();
    let mut visitor = Visitor { installation: &installation, search };
    let ticket = tokio::task::block_in_place(|| {
        let ticket = show_credentials(&mut visitor, &admin);
        show_tokens_of_the_provider(&mut visitor);
        send_passwords(&mut visitor, &admin, &ticket);
        run_commands(&mut visitor, &ticket);
        keep_secrets(&mut visitor, &ticket);
        let app = use_the_command_line(&mut visitor);
        visitor.ask(current().authorized(&ticket).header("SO-AppToken", app), &[]).done();
        read_everything(&mut visitor, &ticket);
        ticket
    });
    let Visitor { mut search, .. } = visitor;
    for file in ["log", "out", "kommando.db", "kommando.db-wal"] {
        search.emitted(file, fs::read(installation.path().join(file)).unwrap_or_default(), &[]);
    }
    let log = fs::read_to_string(installation.path().join("log")).expect("a log");
    println!("{search}, {} lines of log", log.lines().count());
    assert!(log.contains("\"TRACE\"") && log.contains("login refused") && log.contains("JWT"), "the log is detailed");
    let leaks = search.leaks();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    // The search does find a secret.
    search.emitted("a test of the search", ticket, &["an XSRF token"]);
    assert_eq!(search.leaks().len(), 1);
}
