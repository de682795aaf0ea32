//! Cache invalidation under load: changes over HTTP hold at once, and changes by the command line within a second.

use std::{
    fs,
    io::Write,
    iter,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Process, address, ask::Ask, folder};

/// The password of every demo user.
const PASSWORD: &str = "it's a secret";
/// How often each change over HTTP is repeated.
const ROUNDS: usize = 3;
/// The limit for a change by the server itself.
const AT_ONCE: Duration = Duration::ZERO;
/// The limit for a change by another process.
const WITHIN_A_SECOND: Duration = Duration::from_secs(1);
/// The number of clients per request.
const CLIENTS: usize = 2;
const BREATH: Duration = Duration::from_millis(2);

const DEFINITIONS: [(&str, &str); 5] = [
    ("demote", "set_role: {role: ExternalUser}"),
    ("promote", "set_role: {role: Employee}"),
    ("revoke", "revoke_tickets: {}"),
    ("retire", "set_deleted: {value: true}"),
    ("restore", "set_deleted: {value: false}"),
];

/// A server, and the command line on the same database.
struct Serving {
    folder: TempDir,
    address: String,
    _process: Process,
}

impl Serving {
    fn start(words: &[&str]) -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("definitions")).expect("a folder");
        for (name, step) in DEFINITIONS {
            let text = format!("name: {name}\ndisplay_name: X\nallow_roles: [Administrator]\nsteps:\n  - {step}\n");
            fs::write(folder.path().join(format!("definitions/{name}.yaml")), text).expect("a file");
        }
        let words: Vec<_> = ["serve", "--demo", "--commands", "definitions"].iter().chain(words).copied().collect();
        let variables = [
            ("KOMMANDO_ADMIN_PASSWORD", PASSWORD),
            ("KOMMANDO_GUESS_LIMITS", "1000000,1000000,1000000"),
            ("KOMMANDO_LOG", "warn"), // the test does not read the log; a full pipe would stop the server
        ];
        let mut process = Process::start(folder.path(), &words, &variables);
        let address = address(&process.banner());
        Self { folder, address, _process: process }
    }

    fn ask(&self, ask: &Ask) -> u16 {
        ask.send(&self.address).status
    }

    /// Sends a request that must succeed, and returns the body.
    fn done(&self, ask: Ask) -> Value {
        ask.send(&self.address).done()
    }

    fn run_command(&self, name: &str) {
        let ask = Ask::post(&format!("/api/v1/User/2/CustomCommand/{name}")).by("admin", PASSWORD);
        assert_eq!(self.done(ask)["Success"], true, "{name}");
    }

    fn agent(&self, operation: &str, body: Value) {
        self.done(Ask::post(&format!("/api/v1/Agents/User/{operation}")).by("admin", PASSWORD).json(body));
    }

    /// The `Authorization` value of a new ticket of anna.
    fn ticket(&self, password: &str) -> String {
        let log_in = json!({"userName": "anna", "password": password});
        let session = self.done(Ask::post("/_ext/session").json(log_in));
        format!("SoTicket {}", session["ticket"].as_str().expect("a ticket"))
    }

    /// The `Authorization` value of a new access token.
    fn token(&self, ask: Ask) -> String {
        format!("Bearer {}", self.done(ask).as_str().expect("a token"))
    }

    /// Requests for a user, with each kind of anna's credentials.
    fn reads(&self, user: i32, password: &str) -> Vec<Ask> {
        let read = || Ask::get(&format!("/api/v1/User/{user}"));
        let ticket = self.ticket(password);
        let token = self.token(Ask::get("/api/v1/User/currentToken").by("anna", password));
        let proved = [ticket, token].map(|proof| read().authorized(proof));
        [read().by("anna", password)].into_iter().chain(proved).collect()
    }

    /// Runs the command line on the server's database.
    fn command_line(&self, words: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        command.args(words).current_dir(self.folder.path()).env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a start");
        child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("input");
        let output = child.wait_with_output().expect("an end");
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    fn run_from_command_line(&self, name: &str) {
        let words = ["--commands", "definitions", "commands", "run", name, "--user", "anna", "--as", "admin"];
        self.command_line(&words, "");
    }

    /// Sends requests repeatedly during a change, which keeps the caches filled. Requests that begin later than `limit`
    /// after the change must get the new status.
    fn changes(&self, what: &str, asks: &[Ask], (old, new): (u16, u16), limit: Duration, change: impl FnOnce()) {
        for ask in asks {
            assert_eq!(self.ask(ask), old, "before {what}: {ask:?}");
        }
        let (stop, asked, asked_late) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
        let changed = OnceLock::new();
        let keep_asking = |ask: &Ask| {
            let mut answers = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                answers.push((began, self.ask(ask)));
                asked.fetch_add(1, Ordering::Relaxed);
                let is_late = changed.get().is_some_and(|changed| began > *changed + limit);
                asked_late.fetch_add(usize::from(is_late), Ordering::Relaxed);
                thread::sleep(BREATH);
            }
            answers
        };
        let keep_asking = &keep_asking;
        let answers = thread::scope(|scope| {
            let clients = asks.iter().flat_map(|ask| iter::repeat_n(ask, CLIENTS));
            let clients: Vec<_> = clients.map(|ask| scope.spawn(move || keep_asking(ask))).collect();
            let wait_for = |count: &AtomicUsize| {
                while count.load(Ordering::Relaxed) < 4 * clients.len() && !clients.iter().any(|one| one.is_finished())
                {
                    thread::sleep(BREATH);
                }
            };
            wait_for(&asked);
            change();
            changed.get_or_init(Instant::now);
            // A stale entry loaded during the change would be in the cache by now.
            thread::sleep(Duration::from_millis(100));
            wait_for(&asked_late);
            stop.store(true, Ordering::Relaxed);
            clients.into_iter().flat_map(|client| client.join().expect("an end")).collect::<Vec<_>>()
        });
        let changed = *changed.get().expect("a change");
        let after = |began: &Instant| began.saturating_duration_since(changed);
        let old_answers = answers.iter().filter(|(_, status)| *status == old);
        let last = old_answers.map(|(began, _)| after(began)).max().unwrap_or_default();
        println!("{what}: {} requests, and the last old answer to one that began {last:?} after it", answers.len());
        for (began, status) in &answers {
            assert!([old, new].contains(status), "{what}: {status}");
            assert!(*status == new || after(began) <= limit, "{what}: still {status} after {:?}", after(began));
        }
    }
}

#[test]
fn changes_over_http_hold_at_once() {
    let server = Serving::start(&[]);
    for round in 0..ROUNDS {
        let changed = format!("a new password {round}");
        let own = json!({"userName": "anna", "oldPassword": PASSWORD, "newPassword": changed});
        server.changes("the own password", &server.reads(3, PASSWORD), (200, 401), AT_ONCE, || {
            server.done(Ask::post("/_ext/password").json(own));
        });
        server.changes("a password", &server.reads(3, &changed), (200, 401), AT_ONCE, || {
            server.agent("SetPassword", json!({"AssociateId": 2, "Password": PASSWORD}));
        });
        let chris = [Ask::get("/api/v1/User/4").by("chris", PASSWORD)];
        server.changes("a password of one without tickets", &chris, (200, 401), AT_ONCE, || {
            server.agent("DeleteCredential", json!({"UserId": 4, "CredentialType": "CRM5/PASSWORD"}));
        });
        server.agent("SetPassword", json!({"AssociateId": 4, "Password": PASSWORD}));
        let reads = server.reads(3, PASSWORD);
        server.changes("a role, by a command", &reads, (200, 403), AT_ONCE, || server.run_command("demote"));
        server.changes("a role, back", &reads, (403, 200), AT_ONCE, || server.run_command("promote"));
        server.changes("a role", &reads, (200, 403), AT_ONCE, || {
            let role = json!({"Role": {"Id": 3}});
            server.done(Ask::new("PATCH", "/api/v1/User/2").by("admin", PASSWORD).json(role));
        });
        server.run_command("promote");
        server.changes("a role's rights", &reads, (200, 403), AT_ONCE, || {
            server.agent("SetFunctionalRights", json!({"RoleId": 2, "FunctionalRightIds": []}));
        });
        server.agent("SetFunctionalRights", json!({"RoleId": 2, "FunctionalRightIds": [1]}));
        server.changes("a user's end", &server.reads(2, PASSWORD), (200, 401), AT_ONCE, || {
            server.done(Ask::new("DELETE", "/api/v1/User/2").by("admin", PASSWORD));
        });
        let basic = [Ask::get("/api/v1/User/2").by("anna", PASSWORD)];
        server.changes("a user's return", &basic, (401, 200), AT_ONCE, || server.run_command("restore"));
        server.changes("a user's end, by a command", &server.reads(2, PASSWORD), (200, 401), AT_ONCE, || {
            server.run_command("retire");
        });
        server.agent("MakeRetired", json!({"AssociateId": 2, "Retired": false}));
        let proved = server.reads(2, PASSWORD).split_off(1);
        server.changes("all tickets, by a command", &proved, (200, 401), AT_ONCE, || server.run_command("revoke"));
    }
}

#[test]
fn ending_a_ticket_or_role_holds_at_once() {
    let server = Serving::start(&[]);
    for _ in 0..ROUNDS {
        let read = |ticket: &String| [Ask::get("/api/v1/User/2").authorized(ticket.as_str())];
        let ticket = server.ticket(PASSWORD);
        server.changes("a log-out", &read(&ticket), (200, 401), AT_ONCE, || {
            server.done(Ask::new("DELETE", "/_ext/session").authorized(ticket.as_str()));
        });
        let ticket = server.ticket(PASSWORD);
        let listed = server.done(Ask::get("/_ext/tickets?user=2").by("admin", PASSWORD));
        let id = listed["tickets"][0]["id"].as_str().expect("an id").to_owned();
        server.changes("a ticket", &read(&ticket), (200, 401), AT_ONCE, || {
            server.done(Ask::new("DELETE", &format!("/_ext/tickets/{id}")).by("admin", PASSWORD));
        });

        let agent = |operation: &str| Ask::post(&format!("/api/v1/Agents/User/{operation}")).by("admin", PASSWORD);
        let mut role = server.done(agent("CreateDefaultRoleEntityFromType").json(json!({"type": "ExternalUser"})));
        role["Name"] = "Partner".into();
        let id = server.done(agent("SaveRoleEntity").json(role))["RoleId"].clone();
        server.agent("SetFunctionalRights", json!({"RoleId": id, "FunctionalRightIds": [1]}));
        server.done(Ask::new("PATCH", "/api/v1/User/2").by("admin", PASSWORD).json(json!({"Role": {"Id": id}})));
        server.changes("a role that is deleted", &server.reads(3, PASSWORD), (200, 403), AT_ONCE, || {
            server.agent("DeleteRole", json!({"RoleIdToDelete": id, "ReplacingRoleId": 3}));
        });
        server.run_command("promote");
    }
}

#[test]
fn changes_by_the_command_line_hold_within_a_second() {
    let server = Serving::start(&[]);
    server.changes("a password", &server.reads(3, PASSWORD), (200, 401), WITHIN_A_SECOND, || {
        server.command_line(&["user", "set-password", "anna", "--password-stdin"], "a new password");
    });
    let reads = server.reads(3, "a new password");
    let bjorn = [Ask::get("/api/v1/User/3").by("bjorn", PASSWORD)];
    server.changes("a password of one without tickets", &bjorn, (200, 401), WITHIN_A_SECOND, || {
        server.command_line(&["user", "set-password", "bjorn", "--password-stdin"], "a new password");
    });
    server.changes("a role", &reads, (200, 403), WITHIN_A_SECOND, || server.run_from_command_line("demote"));
    server.changes("a role, back", &reads, (403, 200), WITHIN_A_SECOND, || server.run_from_command_line("promote"));
    server.changes("all tickets", &reads[1..], (200, 401), WITHIN_A_SECOND, || server.run_from_command_line("revoke"));
    server.changes("a user's end", &server.reads(3, "a new password"), (200, 401), WITHIN_A_SECOND, || {
        server.command_line(&["user", "deactivate", "anna"], "");
    });
    let basic = [Ask::get("/api/v1/User/3").by("anna", "a new password")];
    server.changes("a user's return", &basic, (401, 200), WITHIN_A_SECOND, || {
        server.command_line(&["user", "reactivate", "anna"], "");
    });
}

#[test]
fn a_revoked_application_ends_with_its_tokens_in_a_second() {
    let server = Serving::start(&["--installation", "online"]);
    let app = server.command_line(&["app", "add", "partner", "--user-agent"], "");
    let ticket = server.ticket(PASSWORD);
    let through = |path: &str| Ask::get(path).authorized(ticket.as_str()).header("SO-AppToken", app.as_str());
    let token = server.token(through("/api/v1/User/currentToken"));
    let asks = [through("/api/v1/User/2"), Ask::get("/api/v1/User/2").authorized(token)];
    server.changes("an application", &asks, (200, 401), WITHIN_A_SECOND, || {
        server.command_line(&["app", "revoke", "partner"], "");
    });
}
