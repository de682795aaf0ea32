//! `config check` reports the errors with which `serve` refuses to start.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use kommando::store::FileLock;

use crate::command_line::{Line, Said, said};

/// Settings with which `serve` fails.
struct Case {
    name: &'static str,
    words: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    /// A part of the error message of both commands.
    told: &'static str,
    prepare: fn(&Line),
}

const BLANK: Case = Case { name: "", words: &[], variables: &[], told: "", prepare: |_| {} };

fn write(line: &Line, name: &str, text: &str) {
    let file = line.folder.path().join(name);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

fn write_secret(line: &Line, name: &str, text: &str) {
    write(line, name, text);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(line.folder.path().join(name), mode).expect("a mode");
}

fn done(line: &Line, words: &[&str]) {
    let got = line.say_with(words, "a long secret\n");
    assert!(got.ok, "{words:?}: {}", got.err);
}

/// Creates a database with an audit chain and a user.
fn begin_chain(line: &Line) {
    done(line, &["commands", "init"]);
    done(line, &["user", "add", "eva", "--role", "Administrator", "--password-stdin"]);
    done(line, &["commands", "run", "hello", "--user", "eva", "--as", "eva"]);
}

fn remove_key(line: &Line) {
    fs::remove_file(line.folder.path().join("kommando.db.audit-key")).expect("a key");
}

fn say_to_database(line: &Line, sql: &str) {
    let database = rusqlite::Connection::open(line.folder.path().join("kommando.db")).expect("a database");
    database.execute_batch(sql).expect("a change");
}

const KEY: &str = "another key, which has more than 32 bytes";

const WITHOUT_AUTHORITIES: [(&str, &str); 3] = [
    ("SSL_CERT_FILE", "/dev/null"),
    ("SSL_CERT_DIR", "/nonexistent"),
    ("SECRET", "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM="),
];

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "an unknown variable",
            variables: &[("KOMMANDO_LISTN", "x")],
            told: "did you mean `KOMMANDO_LISTEN`?",
            ..BLANK
        },
        Case {
            name: "a demo for all",
            words: &["--demo", "--listen", "0.0.0.0:0"],
            told: "use --listen 127.0.0.1:0",
            ..BLANK
        },
        Case {
            name: "a clock",
            words: &["--clock", "2026-01-01T00:00:00Z"],
            told: "KOMMANDO_CLOCK is allowed only with --demo",
            ..BLANK
        },
        Case {
            name: "a log that is silent",
            variables: &[("KOMMANDO_LOG", "verbose")],
            told: "`verbose` is not a level",
            ..BLANK
        },
        Case {
            name: "a log of nothing",
            variables: &[("KOMMANDO_LOG", "komando=debug")],
            told: "did you mean `kommando`?",
            ..BLANK
        },
        Case {
            name: "half a provider",
            variables: &[("KOMMANDO_OIDC_ISSUER", "https://id.example.com")],
            told: "also set KOMMANDO_OIDC_AUDIENCE",
            ..BLANK
        },
        Case {
            name: "no connections",
            variables: &[("KOMMANDO_MAX_CONNECTIONS", "0")],
            told: "0 is not in 1..=1000000",
            ..BLANK
        },
        Case {
            name: "a network that is none",
            variables: &[("KOMMANDO_TRUSTED_PROXIES", "127.0.0.1,proxy")],
            told: "`proxy` is neither a network, such as 10.0.0.0/8, nor an address",
            ..BLANK
        },
        Case {
            name: "a host with an empty label",
            variables: &[("KOMMANDO_HOSTS", "a..b")],
            told: "`a..b` is not a host",
            ..BLANK
        },
        Case {
            name: "one address twice",
            words: &["--listen", "127.0.0.1:18231", "--metrics", "127.0.0.1:18231"],
            told: "are both 127.0.0.1:18231",
            ..BLANK
        },
        Case {
            name: "another's address",
            words: &["--listen", "203.0.113.7:8080"],
            told: "listen on 203.0.113.7:8080",
            ..BLANK
        },
        Case {
            name: "metrics at another's address",
            words: &["--metrics", "203.0.113.7:9090"],
            told: "203.0.113.7:9090",
            ..BLANK
        },
        Case {
            name: "a wrong definition",
            told: "commands.d/a.yaml:4:5: `dance` is unknown here",
            prepare: |line| write(line, "commands.d/a.yaml", "name: a\ndisplay_name: A\nsteps:\n  - dance: {}\n"),
            ..BLANK
        },
        Case {
            name: "no definitions",
            words: &["--commands", "missing"],
            told: "missing: there is no such folder; `kommando commands init missing` creates it",
            ..BLANK
        },
        Case {
            name: "no targets",
            words: &["--targets", "missing"],
            told: "failed to read the targets from missing",
            ..BLANK
        },
        Case {
            name: "a wrong target",
            words: &["--targets", "t.yaml"],
            told: "target hr: `url` is not a URL",
            prepare: |line| write(line, "t.yaml", "hr: {url: nowhere, secrets: []}\n"),
            ..BLANK
        },
        Case {
            name: "a definition without its target",
            told: "there is no target `hr`",
            prepare: |line| {
                write(
                    line,
                    "commands.d/a.yaml",
                    "name: a\ndisplay_name: A\nsteps:\n  - webhook: {target: hr, when: sync}\n",
                )
            },
            ..BLANK
        },
        Case {
            name: "an empty password",
            variables: &[("KOMMANDO_ADMIN_PASSWORD", "")],
            told: "KOMMANDO_ADMIN_PASSWORD is empty",
            ..BLANK
        },
        Case {
            name: "a short password",
            variables: &[("KOMMANDO_ADMIN_PASSWORD", "short")],
            told: "it has fewer than 12 characters",
            ..BLANK
        },
        Case {
            name: "a short password, and tables",
            variables: &[("KOMMANDO_ADMIN_PASSWORD", "short")],
            told: "it has fewer than 12 characters",
            prepare: |line| done(line, &["migrate", "up"]),
            ..BLANK
        },
        Case {
            name: "no file of a password",
            variables: &[("KOMMANDO_ADMIN_PASSWORD_FILE", "missing")],
            told: "the file missing of KOMMANDO_ADMIN_PASSWORD_FILE cannot be read",
            ..BLANK
        },
        Case {
            name: "two keys",
            variables: &[("KOMMANDO_AUDIT_KEY", KEY), ("KOMMANDO_AUDIT_KEY_FILE", "x")],
            told: "are both set; keep one",
            ..BLANK
        },
        Case {
            name: "a certificate without its key",
            words: &["--tls-cert", "x.pem"],
            told: "KOMMANDO_TLS_CERT is set without KOMMANDO_TLS_KEY",
            ..BLANK
        },
        Case {
            name: "no file of a certificate",
            words: &["--tls-cert", "x.pem", "--tls-key", "x.key"],
            told: "the file x.pem of KOMMANDO_TLS_CERT cannot be read",
            ..BLANK
        },
        Case {
            name: "a key that others can read",
            words: &["--tls-cert", "x.pem", "--tls-key", "x.key"],
            told: "the file x.key holds a secret, and others can read or change it",
            prepare: |line| {
                write(line, "x.pem", include_str!("../process/tls/one.pem"));
                write(line, "x.key", include_str!("../process/tls/one.key"));
            },
            ..BLANK
        },
        Case {
            name: "a certificate with another key",
            words: &["--tls-cert", "x.pem", "--tls-key", "x.key"],
            told: "the certificate and the key cannot be used",
            prepare: |line| {
                write(line, "x.pem", include_str!("../process/tls/one.pem"));
                write_secret(line, "x.key", include_str!("../process/tls/two.key"));
            },
            ..BLANK
        },
        Case {
            name: "a certificate that is not PEM",
            words: &["--tls-cert", "x.pem", "--tls-key", "x.key"],
            told: "the file x.pem of KOMMANDO_TLS_CERT has no certificate",
            prepare: |line| {
                write(line, "x.pem", "a certificate");
                write_secret(line, "x.key", include_str!("../process/tls/two.key"));
            },
            ..BLANK
        },
        Case {
            name: "a target, and no certificate authorities",
            words: &["--targets", "targets.yaml"],
            variables: &WITHOUT_AUTHORITIES,
            told: "target hr: unexpected error: No CA certificates were loaded from the system; install the \
                   system's certificate authorities (Debian: ca-certificates), or set `ca_file`",
            prepare: |line| {
                write(line, "targets.yaml", "hr: {url: 'https://hr.example.com', secrets: [{env: SECRET}]}\n")
            },
        },
        Case {
            name: "an identity provider, and no certificate authorities",
            words: &["--oidc-issuer", "x", "--oidc-audience", "x", "--oidc-jwks-url", "https://id.example.com/keys"],
            variables: &WITHOUT_AUTHORITIES,
            told: "install the system's certificate authorities",
            ..BLANK
        },
        Case {
            name: "no settings file",
            words: &["--config", "x.toml"],
            told: "the settings file x.toml cannot be read",
            ..BLANK
        },
        Case {
            name: "a short key",
            variables: &[("KOMMANDO_AUDIT_KEY", "short")],
            told: "the key of the audit chain has 5 bytes",
            ..BLANK
        },
        Case {
            name: "a chain without its key",
            told: "kommando.db.audit-key; restore it from its backup, or set KOMMANDO_AUDIT_KEY. If it is lost, see `kommando help recovery`",
            prepare: |line| {
                begin_chain(line);
                remove_key(line);
            },
            ..BLANK
        },
        Case {
            name: "the same, and an old schema",
            told: "kommando.db.audit-key; restore it from its backup, or set KOMMANDO_AUDIT_KEY. If it is lost, see `kommando help recovery`",
            prepare: |line| {
                done(line, &["commands", "init"]);
                let database = include_bytes!("earlier/database");
                fs::write(line.folder.path().join("kommando.db"), database).expect("a file");
            },
            ..BLANK
        },
        Case {
            name: "a chain with another key",
            variables: &[("KOMMANDO_AUDIT_KEY", KEY)],
            told: "is not the key of the audit chain in this database",
            prepare: begin_chain,
            ..BLANK
        },
        Case {
            name: "PostgreSQL without a key",
            words: &["--database-url", "postgres://eva@127.0.0.1:1/x"],
            told: "set KOMMANDO_AUDIT_KEY or KOMMANDO_AUDIT_KEY_FILE",
            ..BLANK
        },
        Case {
            name: "PostgreSQL that is not there",
            words: &["--database-url", "postgres://eva@127.0.0.1:1/x"],
            told: "Connection refused",
            ..BLANK
        },
        Case {
            name: "another kind of database",
            words: &["--database-url", "mysql://x"],
            told: "must begin with sqlite://",
            ..BLANK
        },
        Case {
            name: "a missing database",
            words: &["--database-url", "sqlite://x.db"],
            told: "add ?mode=rwc",
            ..BLANK
        },
        Case {
            name: "a missing folder",
            words: &["--database-url", "sqlite://missing/x.db?mode=rwc"],
            told: "missing/x.db",
            ..BLANK
        },
        Case {
            name: "no database",
            told: "file is not a database",
            prepare: |line| write(line, "kommando.db", "it is a text, and none that SQLite wrote"),
            ..BLANK
        },
        Case {
            name: "two names",
            told: "has 2 names (hard links)",
            prepare: |line| {
                done(line, &["migrate", "up"]);
                let folder = line.folder.path();
                fs::hard_link(folder.join("kommando.db"), folder.join("x.db")).expect("a link");
            },
            ..BLANK
        },
        Case {
            name: "a newer database",
            told: "was migrated by a newer kommando with m9999_later",
            prepare: |line| {
                done(line, &["migrate", "up"]);
                say_to_database(line, "INSERT INTO seaql_migrations VALUES ('m9999_later', 0)");
            },
            ..BLANK
        },
        Case {
            name: "a demo of another's users",
            words: &["--demo"],
            told: "the database has users that are not of the demo",
            prepare: |line| done(line, &["user", "add", "eva", "--password-stdin"]),
            ..BLANK
        },
    ]
}

/// Runs a subcommand to its end, with a time limit.
fn run(line: &Line, word: &[&str], case: &Case) -> Said {
    let mut command = line.command(&[word, case.words].concat());
    command.envs(case.variables.iter().copied());
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a start");
    let limit = Instant::now() + Duration::from_secs(60);
    while child.try_wait().expect("an answer").is_none() {
        if Instant::now() > limit {
            child.kill().expect("an end");
            panic!("{}: {word:?} does not end", case.name);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    said(child.wait_with_output().expect("an end"))
}

#[test]
fn config_check_reports_every_refusal_of_serve() {
    for case in cases() {
        let line = Line::new();
        (case.prepare)(&line);
        let checked = run(&line, &["config", "check"], &case);
        assert!(
            !checked.ok && checked.err.contains(case.told),
            "{}: config check: {} {}",
            case.name,
            checked.out,
            checked.err
        );
        let served = run(&line, &["serve"], &case);
        assert!(!served.ok && served.err.contains(case.told), "{}: serve: {} {}", case.name, served.out, served.err);
    }
}

#[test]
fn several_errors_are_reported_at_once() {
    let line = Line::new();
    let mut command = line.command(&["serve", "--targets", "missing", "--clock", "2026-01-01T00:00:00Z"]);
    command.env("KOMMANDO_ADMIN_PASSWORD", "short").env("KOMMANDO_OIDC_ISSUER", "x");
    let got = said(command.stdin(Stdio::null()).output().expect("an end"));
    let told = ["KOMMANDO_CLOCK", "KOMMANDO_OIDC_AUDIENCE", "failed to read the targets", "fewer than 12 characters"];
    for part in told {
        assert_eq!(got.err.lines().filter(|line| line.contains(part)).count(), 1, "{part}: {}", got.err);
    }
    assert!(!line.folder.path().join("kommando.db").exists(), "the database is created");
}

#[tokio::test]
async fn a_database_in_use_is_a_remark() {
    let line = Line::new();
    done(&line, &["migrate", "up"]);
    let file = line.folder.path().join("kommando.db");
    let lock = FileLock::of_file(Path::new(&file)).await.expect("a lock");
    let checked = run(&line, &["config", "check"], &Case { words: &["--demo"], ..BLANK });
    assert!(
        checked.ok && checked.out.contains("a second server on it would not start"),
        "{} {}",
        checked.out,
        checked.err
    );
    let served = run(&line, &["serve"], &Case { words: &["--demo"], ..BLANK });
    assert!(!served.ok && served.err.contains("a server has kommando.db open"), "{}", served.err);
    drop(lock);
}

#[test]
fn an_address_in_use_is_a_remark() {
    let line = Line::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let got = line.say(&["config", "check", "--demo", "--listen", &address]);
    assert!(got.ok && got.out.contains(&format!("another program listens on {address}")), "{} {}", got.out, got.err);
}

#[test]
fn a_setting_without_effect_is_a_remark() {
    let line = Line::new();
    done(&line, &["user", "add", "eva", "--password-stdin"]);
    let case =
        Case { variables: &[("KOMMANDO_ADMIN_PASSWORD", "another secret"), ("KOMMANDO_LOG", "sqlx=debug")], ..BLANK };
    let got = run(&line, &["config", "check"], &case);
    for part in ["KOMMANDO_ADMIN_PASSWORD has no effect", "KOMMANDO_LOG hides all log lines of kommando itself"] {
        assert!(got.ok && got.out.contains(part), "{part}: {} {}", got.out, got.err);
    }
}

#[test]
fn a_database_without_an_administrator_is_a_remark() {
    let line = Line::new();
    let check = |part: &str| {
        let got = run(&line, &["config", "check"], &BLANK);
        assert!(got.ok && got.out.contains(part), "{part}: {} {}", got.out, got.err);
    };
    check("there are no users, so nothing can log in: add one with `kommando user add admin --role Administrator`");
    done(&line, &["user", "add", "eva", "--password-stdin"]);
    check("no administrator can log in: add one with `kommando user add admin --role Administrator`");
    done(&line, &["user", "add", "admin", "--role", "Administrator", "--password-stdin"]);
    let got = run(&line, &["config", "check"], &BLANK);
    assert!(got.ok && !got.out.contains("administrator can log in"), "{}", got.out);
}

#[test]
fn a_target_that_can_never_be_called_is_an_error() {
    let line = Line::new();
    write(&line, "secret", "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=");
    write(&line, "targets.yaml", "hr: {url: 'https://127.0.0.1/', secrets: [{file: secret}]}");
    let got = line.say(&["config", "check", "--targets", "targets.yaml"]);
    let told = "target hr: it is never called: 127.0.0.1 is in no network that the target allows";
    assert!(!got.ok && got.err.contains(told), "{} {}", got.out, got.err);
}

#[test]
fn without_tls_no_certificate_authorities_are_needed() {
    let line = Line::new();
    let http = "hr: {url: 'http://127.0.0.1:9/', secrets: [{env: SECRET}], allow_networks: [127.0.0.0/8]}\n";
    write(&line, "targets.yaml", http);
    let words = ["--targets", "targets.yaml", "--oidc-issuer", "x", "--oidc-audience", "x"];
    let words = [&words[..], &["--oidc-jwks-url", "http://127.0.0.1:9/keys"]].concat();
    let words = Vec::leak(words);
    let checked = run(&line, &["config", "check"], &Case { words, variables: &WITHOUT_AUTHORITIES, ..BLANK });
    assert!(checked.ok, "{}", checked.err);
}
