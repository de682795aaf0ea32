//! The settings file, `config show`, and secrets in files.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::command_line::{Line, Said, said};

const KEY: &str = "a key of the chain, which has more than 32 bytes";

/// Runs `config show` with these variables, and returns what it says.
fn show(line: &Line, words: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = line.command(&[&["config", "show"], words].concat());
    said(command.envs(variables.iter().copied()).output().expect("an end"))
}

fn write(line: &Line, name: &str, text: &str, mode: u32) {
    let file = line.folder.path().join(name);
    fs::write(&file, text).expect("a file");
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// The line of a setting.
fn shown(said: &Said, setting: &str) -> String {
    assert!(said.ok, "{}", said.err);
    let mut lines = said.out.lines().filter(|line| line.starts_with(setting));
    let words = lines.next().unwrap_or_else(|| panic!("{setting} in {}", said.out)).split_whitespace();
    assert!(lines.next().is_none(), "{setting} is shown once");
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn flags_override_variables_and_variables_override_the_file() {
    let line = Line::new();
    write(
        &line,
        "kommando.toml",
        "ticket_hours = 24\ntenant = \"Cust1\"\nhosts = [\"a.example\", \"b.example\"]\n",
        0o644,
    );
    let file = ["--config", "kommando.toml"];
    let plain = show(&line, &[], &[]);
    assert_eq!(shown(&plain, "ticket_hours ="), "ticket_hours = \"168\" # default");
    assert_eq!(shown(&plain, "# tenant"), "# tenant: not set");
    let read = show(&line, &file, &[]);
    assert_eq!(shown(&read, "ticket_hours ="), "ticket_hours = \"24\" # kommando.toml");
    assert_eq!(shown(&read, "hosts ="), "hosts = \"a.example,b.example\" # kommando.toml");
    assert_eq!(shown(&read, "migrate ="), "migrate = false # default");
    let variables = [("KOMMANDO_TICKET_HOURS", "36"), ("KOMMANDO_CONFIG", "kommando.toml")];
    let overridden = show(&line, &[], &variables);
    assert_eq!(shown(&overridden, "ticket_hours ="), "ticket_hours = \"36\" # KOMMANDO_TICKET_HOURS");
    assert_eq!(shown(&overridden, "tenant ="), "tenant = \"Cust1\" # kommando.toml");
    let flagged = show(&line, &["--ticket-hours", "48"], &variables);
    assert_eq!(shown(&flagged, "ticket_hours ="), "ticket_hours = \"48\" # --ticket-hours");
}

#[test]
fn what_is_shown_can_be_the_settings_file() {
    let line = Line::new();
    let variables = [("KOMMANDO_HOSTS", "a.example,b.example"), ("KOMMANDO_LOG", "info,sqlx=\"x\"")];
    let before = show(&line, &["--migrate"], &variables);
    write(&line, "kommando.toml", &before.out, 0o644);
    let after = show(&line, &["--config", "kommando.toml"], &[]);
    for (setting, value) in
        [("hosts =", "\"a.example,b.example\""), ("migrate =", "true"), ("log =", r#""info,sqlx=\"x\"""#)]
    {
        assert_eq!(shown(&after, setting), format!("{setting} {value} # kommando.toml"));
    }
}

#[test]
fn an_error_in_the_file_stops_every_command() {
    let line = Line::new();
    write(&line, "kommando.toml", "listen = \"127.0.0.1:0\"\nticket_hour = 1\nmigrate = 1\n", 0o644);
    let expected = "error: kommando.toml:2: there is no setting ticket_hour; did you mean `ticket_hours`?\n\
                    kommando.toml:3: migrate: it takes true or false\n";
    for words in [&["serve", "--demo"][..], &["config", "check"], &["user", "list"]] {
        let got = line.say(&[words, &["--config", "kommando.toml"]].concat());
        assert_eq!((got.ok, got.err.as_str()), (false, expected), "{words:?}");
    }
    let missing = line.say(&["config", "check", "--config", "none.toml"]);
    assert!(!missing.ok && missing.err.contains("the settings file none.toml cannot be read"), "{}", missing.err);
}

#[test]
fn secrets_are_not_shown() {
    let line = Line::new();
    let url = "postgres://eva:s3cr3t@db.example.com/kommando";
    let variables = [("KOMMANDO_DATABASE_URL", url), ("KOMMANDO_AUDIT_KEY", KEY)];
    let got = show(&line, &[], &variables);
    assert!(shown(&got, "# database_url =").contains("postgres://eva:***@db.example.com/kommando"), "{}", got.out);
    assert_eq!(shown(&got, "# KOMMANDO_AUDIT_KEY"), "# KOMMANDO_AUDIT_KEY: set");
    assert_eq!(shown(&got, "# KOMMANDO_ADMIN_PASSWORD"), "# KOMMANDO_ADMIN_PASSWORD: not set");
    assert!(!got.out.contains("s3cr3t") && !got.out.contains(KEY), "{}", got.out);
}

#[test]
fn the_url_of_the_database_may_be_in_a_file() {
    let line = Line::new();
    write(&line, "url", "sqlite://other.db?mode=rwc\n", 0o600);
    let words = ["migrate", "up", "--database-url-file", "url"];
    assert!(line.say(&words).ok && line.folder.path().join("other.db").exists());
    let both = line.say(&[&words[..], &["--database-url", "sqlite://third.db?mode=rwc"]].concat());
    let expected = "error: KOMMANDO_DATABASE_URL and KOMMANDO_DATABASE_URL_FILE are both set; keep one\n";
    assert_eq!((both.ok, both.err.as_str()), (false, expected));
    write(&line, "kommando.toml", "database_url = \"sqlite://third.db?mode=rwc\"\n", 0o644);
    let words_and_file = [&words[..], &["--config", "kommando.toml"]].concat();
    assert!(
        line.say(&words_and_file).ok && !line.folder.path().join("third.db").exists(),
        "the flag overrides the file"
    );
    let shown_url = show(&line, &["--database-url-file", "url", "--config", "kommando.toml"], &[]);
    assert_eq!(shown(&shown_url, "# database_url:"), "# database_url: in the file url");
    let variables = [("KOMMANDO_DATABASE_URL_FILE", "url")];
    let overridden = show(&line, &["--database-url", "sqlite://third.db"], &variables);
    assert_eq!(shown(&overridden, "database_url ="), "database_url = \"sqlite://third.db\" # --database-url");
    write(&line, "url", "\n", 0o600);
    let empty = line.say(&words);
    assert!(!empty.ok && empty.err.contains("KOMMANDO_DATABASE_URL is empty"), "{}", empty.err);
}

#[test]
fn files_with_secrets_that_others_can_read_are_refused() {
    let line = Line::new();
    write(&line, "url", "sqlite://other.db?mode=rwc\n", 0o644);
    write(&line, "key", KEY, 0o644);
    write(&line, "kommando.toml", "database_url = \"postgres://eva:s3cr3t@127.0.0.1:1/kommando\"\n", 0o644);
    write(&line, "password", "a long first password", 0o644);
    for (words, file) in [
        (["migrate", "up", "--database-url-file", "url"], "url"),
        (["config", "check", "--database-url-file", "url"], "url"),
        (["config", "check", "--admin-password-file", "password"], "password"),
        (["config", "check", "--audit-key-file", "key"], "key"),
        (["user", "list", "--config", "kommando.toml"], "kommando.toml"),
    ] {
        let got = line.say(&words);
        let expected =
            format!("the file {file} holds a secret, and others can read or change it (mode 0644): `chmod 600");
        assert!(!got.ok && got.err.contains(&expected), "{words:?}: {}", got.err);
        assert!(!got.err.contains("s3cr3t"), "{}", got.err);
    }
}

#[test]
fn a_kubernetes_service_of_our_name_does_not_stop_the_start() {
    let line = Line::new();
    let of_service = [
        ("KOMMANDO_SERVICE_HOST", "10.0.0.7"),
        ("KOMMANDO_SERVICE_PORT", "80"),
        ("KOMMANDO_PORT", "tcp://10.0.0.7:80"),
        ("KOMMANDO_PORT_80_TCP_ADDR", "10.0.0.7"),
    ];
    let got = said(line.command(&["migrate", "up"]).envs(of_service).output().expect("an end"));
    assert!(got.ok, "{}", got.err);
}

#[test]
fn a_settings_file_that_everybody_can_change_is_refused() {
    let line = Line::new();
    write(&line, "kommando.toml", "ticket_hours = 24\n", 0o646);
    let got = line.say(&["config", "check", "--config", "kommando.toml"]);
    let expected = "error: all users can change the settings file kommando.toml: `chmod o-w kommando.toml`\n";
    assert_eq!((got.ok, got.err.as_str()), (false, expected));
}

#[test]
fn a_missing_file_of_the_url_stops_only_what_needs_the_database() {
    let line = Line::new();
    let words = ["--database-url-file", "none"];
    assert!(line.say(&[&["openapi", "--client", "python"], &words[..]].concat()).ok);
    let got = line.say(&[&["user", "list"], &words[..]].concat());
    assert!(!got.ok && got.err.contains("the file none of KOMMANDO_DATABASE_URL_FILE cannot be read"), "{}", got.err);
}

#[test]
fn config_show_refuses_unknown_variables() {
    let got = show(&Line::new(), &[], &[("KOMMANDO_TICKET_HOUR", "1")]);
    assert!(!got.ok && got.err.contains("did you mean `KOMMANDO_TICKET_HOURS`?"), "{}", got.err);
}
