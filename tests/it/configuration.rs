//! `config check` and `healthcheck`.

use std::{fs, io::Write};

use crate::command_line::{Line, said};

#[test]
fn valid_settings_pass_and_nothing_is_created() {
    let line = Line::new();
    let got = line.say(&["config", "check", "--demo"]);
    assert!(got.ok && got.out.ends_with("nothing wrong\n"), "{} {}", got.out, got.err);
    let key = line.folder.path().join("kommando.db.audit-key").display().to_string();
    let key = format!("creates the key of the audit chain at {key}");
    for remark in [key.as_str(), "first start creates kommando.db"] {
        assert!(got.out.contains(remark), "{}", got.out);
    }
    assert!(fs::read_dir(line.folder.path()).expect("a folder").next().is_none(), "no file is created");

    assert!(line.say(&["migrate", "up"]).ok);
    let files = || fs::read_dir(line.folder.path()).expect("a folder").count();
    let before = (fs::read(line.folder.path().join("kommando.db")).expect("a file"), files());
    let got = line.say(&["config", "check"]);
    assert!(got.ok && got.out.contains("its schema is up to date"), "{} {}", got.out, got.err);
    let after = (fs::read(line.folder.path().join("kommando.db")).expect("a file"), files());
    assert!(after == before, "no file is changed or created");
}

#[test]
fn every_error_is_printed_on_one_line() {
    let line = Line::new();
    let write = |name: &str, text: &str| fs::write(line.folder.path().join(name), text).expect("a file");
    fs::create_dir(line.folder.path().join("commands.d")).expect("a folder");
    write("commands.d/a.yaml", "name: a\ndisplay_name: A\nsteps:\n  - dance: {}\n");
    write("commands.d/b.yaml", "name: b\nsteps: []\n");
    write("targets.yaml", "hr: {url: nowhere, secrets: []}\n");
    write("kommando.db", "no database");
    let mut command = line.command(&["config", "check", "--targets", "targets.yaml", "--log", "=!"]);
    command.env("KOMMANDO_LISTN", "x").env("KOMMANDO_TICKET_HOUR", "1").env("KOMMANDO_AUDIT_KEY_FILE", "none");
    let got = said(command.output().expect("an end"));
    assert!(!got.ok);
    for (count, part) in [
        (1, "there is no setting KOMMANDO_LISTN; did you mean `KOMMANDO_LISTEN`?"),
        (1, "there is no setting KOMMANDO_TICKET_HOUR; did you mean `KOMMANDO_TICKET_HOURS`?"),
        (1, "KOMMANDO_LOG `=!` is invalid"),
        (1, "the file none of KOMMANDO_AUDIT_KEY_FILE cannot be read"),
        (1, "commands.d/a.yaml:4:5: "),
        (1, "commands.d/b.yaml:"),
        (1, "target hr: `url` is not a URL"),
        (1, "target hr: `secrets` must name one secret"),
        (1, "file is not a database"),
    ] {
        assert_eq!(got.err.lines().filter(|line| line.contains(part)).count(), count, "{part}: {}", got.err);
    }
    assert_eq!(got.err.lines().count(), 9, "{}", got.err);
}

#[test]
fn a_short_first_password_is_an_error_until_users_exist() {
    let line = Line::new();
    let check = || {
        let mut command = line.command(&["config", "check"]);
        said(command.env("KOMMANDO_ADMIN_PASSWORD", "elevenchars").output().expect("an end"))
    };
    let expected =
        "KOMMANDO_ADMIN_PASSWORD cannot be the password of the first administrator: it has fewer than 12 characters";
    let got = check();
    assert!(!got.ok && got.err.contains(expected), "no database: {}", got.err);
    assert!(line.say(&["migrate", "up"]).ok);
    let got = check();
    assert!(!got.ok && got.err.contains(expected), "no users: {}", got.err);
    assert!(line.say_with(&["user", "add", "eva", "--password-stdin"], "a long secret\n").ok);
    let got = check();
    assert!(got.ok, "{}", got.err);
}

#[test]
fn missing_targets_and_databases_are_errors() {
    let line = Line::new();
    fs::create_dir(line.folder.path().join("commands.d")).expect("a folder");
    let text = "name: a\ndisplay_name: A\nsteps:\n  - webhook: {target: hr, when: after_commit}\n";
    fs::write(line.folder.path().join("commands.d/a.yaml"), text).expect("a file");
    let got = line.say(&["config", "check", "--database-url", "sqlite://nowhere/x.db?mode=rwc"]);
    assert!(!got.ok && got.err.contains("there is no target `hr`"), "{}", got.err);
    assert!(got.err.contains("failed to create the database at nowhere/x.db"), "{}", got.err);
    let got = line.say(&["config", "check", "--database-url", "sqlite://x.db"]);
    assert!(got.err.contains("there is no database at x.db; add ?mode=rwc"), "{}", got.err);
}

#[test]
fn unknown_roles_and_groups_are_errors() {
    let line = Line::new();
    fs::create_dir(line.folder.path().join("commands.d")).expect("a folder");
    let text = "name: a\ndisplay_name: A\nallow_roles: [Admin, Administrator]\n\
        when: [{field: role, in: [Employee, Adminstrator]}, {field: group, not: User}]\n\
        steps:\n  - set_role: {role: Boss}\n  - set_group: {group: Nowhere}\n";
    fs::write(line.folder.path().join("commands.d/a.yaml"), text).expect("a file");
    assert!(line.say(&["migrate", "up"]).ok);
    // Before the first start, the built-in roles and groups count.
    for _ in 0..2 {
        let got = line.say(&["config", "check"]);
        for unknown in [
            "a.yaml:3:15: there is no role Admin; did you mean `Administrator`?; there are ",
            "a.yaml:6:22: there is no role Boss; ",
            "a.yaml:7:24: there is no group Nowhere; there are Users",
            "a.yaml:4:8: there is no role Adminstrator; did you mean `Administrator`?",
            "a.yaml:4:53: there is no group User; did you mean `Users`?",
        ] {
            assert_eq!(got.err.matches(unknown).count(), 1, "{unknown}: {}", got.err);
        }
        assert_eq!((got.ok, got.err.lines().count()), (false, 5), "{}", got.err);
        line.say_with(&["user", "add", "eva", "--password-stdin"], "a long secret\n");
    }
    assert!(line.say(&["user", "list"]).out.contains("eva"));
}

#[test]
fn inconsistent_proxy_settings_are_remarks() {
    let line = Line::new();
    let got = line.say(&["config", "check", "--demo", "--proxy-header", "forwarded"]);
    assert!(got.ok && got.out.contains("KOMMANDO_PROXY_HEADER has no effect without KOMMANDO_TRUSTED"), "{}", got.out);
    let proxied = ["config", "check", "--demo", "--trusted-proxies", "127.0.0.1/32"];
    let remark = "set KOMMANDO_HOSTS to the public host";
    assert!(line.say(&proxied).out.contains(remark));
    let public = ["config", "check", "--trusted-proxies", "127.0.0.1/32", "--listen", "0.0.0.0:0"];
    for words in [[&proxied[..], &["--hosts", "kommando.example.com"]].concat(), public.to_vec()] {
        let got = line.say(&words);
        assert!(got.ok && !got.out.contains(remark), "{words:?}: {}", got.out);
    }
    let got = line.say(&["config", "check", "--hosts", "*.example.com"]);
    assert!(!got.ok && got.err.contains("`*.example.com` is not a host"), "{}", got.err);
}

#[test]
fn healthcheck_fails_where_nothing_listens() {
    let line = Line::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let got = line.say(&["healthcheck", "--listen", &format!("0.0.0.0:{port}")]);
    let expected = format!("error: failed to connect to 127.0.0.1:{port}; is the server running?");
    assert!(!got.ok && got.err.starts_with(&expected), "{}", got.err);
    let got = line.say(&["healthcheck", "--listen", "127.0.0.1:0"]);
    assert!(!got.ok && got.err.contains("set it to the port that the server listens on"), "{}", got.err);
}

#[test]
fn healthcheck_fails_for_a_silent_or_unready_server() {
    let line = Line::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let silent = line.say(&["healthcheck", "--listen", &address, "--timeout", "1"]);
    assert!(!silent.ok && silent.err.contains("did not answer within 1 s"), "{}", silent.err);
    let answering = std::thread::spawn(move || {
        // The first connection is that of the healthcheck that timed out.
        for stream in listener.incoming().take(2) {
            let mut stream = stream.expect("a connection");
            let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\nThe database does not answer.");
        }
    });
    let ill = line.say(&["healthcheck", "--listen", &address]);
    let expected = "error: not ready: HTTP/1.1 503 Service Unavailable The database does not answer.\n";
    assert_eq!((ill.ok, ill.err.as_str()), (false, expected));
    answering.join().expect("an end");
}

#[test]
fn every_shell_gets_completions() {
    let line = Line::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let got = line.say(&["completions", shell]);
        assert!(got.ok && got.out.contains("healthcheck") && got.out.contains("database-url"), "{shell}: {}", got.err);
    }
}
