//! Operation of a server: backup, port file, healthcheck, clock, log and systemd.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{Process, address, ask::Ask, folder, send};

const HELLO: &str =
    "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";

/// Runs a subcommand.
fn run(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
    command.args(words).current_dir(folder).env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1");
    command.output().expect("an end")
}

/// The standard output of a subcommand that must succeed.
#[track_caller]
fn out(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The standard error of a subcommand that must fail.
#[track_caller]
fn stderr_of_failure(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    assert!(!output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

/// The contents of a database.
fn export(folder: &Path) -> String {
    let parts: &[&[&str]] =
        &[&["user", "list"], &["app", "list"], &["executions", "export", "--format", "jsonl"], &["migrate", "status"]];
    parts.iter().map(|words| out(folder, words)).collect()
}

fn stop(mut process: Process) {
    process.signal("TERM");
    assert!(process.child.wait().expect("an end").success());
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_program_that_cannot_send_traces_says_how_to_build_one() {
    let folder = folder();
    let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    process.banner();
    process.signal("TERM");
    let log = process.log();
    assert_eq!(log.matches("build it with `--features otlp`").count(), 1, "{log}");
    assert!(log.contains("OTEL_EXPORTER_OTLP_ENDPOINT has no effect"), "{log}");
}

#[test]
fn a_backup_under_load_restores_every_record() {
    let folder = folder();
    let folder = folder.path();
    let mut process = Process::demo(folder);
    let address = address(&process.banner());
    let (end, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    let (before, backup) = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) {
                    assert!(send(&address, HELLO).expect("an answer").starts_with("HTTP/1.1 200"));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while answered.load(Ordering::Relaxed) < 50 {
            thread::yield_now();
        }
        let before = answered.load(Ordering::Relaxed);
        let backup = out(folder, &["backup", "first.backup"]);
        end.store(true, Ordering::Relaxed);
        (before, backup)
    });
    let key = folder.join("kommando.db.audit-key").display().to_string();
    assert!(backup.contains(&format!("also back up the key of the chain, in another place: {key}")), "{backup}");
    assert_eq!(fs::metadata(folder.join("first.backup")).expect("a file").permissions().mode() & 0o777, 0o600);
    let taken = stderr_of_failure(folder, &["backup", "first.backup"]);
    assert!(taken.contains("first.backup already exists; --force"), "{taken}");
    let used = stderr_of_failure(folder, &["restore", "first.backup", "--force"]);
    assert!(used.contains("has kommando.db open; stop it first"), "{used}");
    stop(process);

    // The backup is a consistent snapshot with every run that was answered before.
    fs::create_dir(folder.join("other")).expect("a folder");
    let other = folder.join("other");
    fs::copy(folder.join("kommando.db.audit-key"), other.join("kommando.db.audit-key")).expect("the key");
    assert!(out(&other, &["restore", "../first.backup"]).contains("run `kommando audit verify` to verify its records"));
    let head = backup.split("head ").nth(1).and_then(|rest| rest.split(',').next()).expect("a head");
    let proof = out(&other, &["audit", "verify", "--expect", head]);
    let held: u32 = proof.split(' ').next().and_then(|count| count.parse().ok()).expect("a count");
    let held = held - 3; // the demo, the definitions, and the restoration
    let newest = out(&other, &["audit", "export", "--format", "jsonl"]);
    let newest = newest.lines().next().unwrap_or_default();
    assert!(newest.contains(r#""action":"backup.restored""#) && newest.contains("first.backup"), "{newest}");
    assert!(held >= before && held <= answered.load(Ordering::Relaxed), "{held}, {before} before");

    // Back up, delete the database, restore.
    let whole = export(folder);
    out(folder, &["backup", "second.backup"]);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("kommando.db{end}")));
    }
    out(folder, &["restore", "second.backup"]);
    assert_eq!(fs::metadata(folder.join("kommando.db")).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(export(folder) == whole, "{}", export(folder));
    let there = stderr_of_failure(folder, &["restore", "second.backup"]);
    assert!(there.contains("kommando.db already exists; --force"), "{there}");
    out(folder, &["restore", "first.backup", "--force"]);
    assert!(export(folder) != whole);
    let mut process = Process::demo(folder);
    process.banner();
    stop(process);
}

/// As in "Recover a lost password or key" of docs/operating.md.
#[test]
fn password_disk_and_key_are_recovered_as_documented() {
    let folder = folder();
    let folder = folder.path();
    let log_in = |process: &mut Process, password: &str| {
        let server = address(&process.banner());
        let got = Ask::get("/api/v1/User/currentPrincipal").by("admin", password).send(&server).status;
        got == 200
    };
    let mut process = Process::demo(folder);
    assert!(log_in(&mut process, "it's a secret"));
    stop(process);

    // The password of the last administrator.
    let mut set = Command::new("sh");
    set.args(["-c", "echo 'another good secret' | \"$0\" user set-password admin --password-stdin"]);
    let set = set.arg(env!("CARGO_BIN_EXE_kommando")).current_dir(folder).output().expect("an end");
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    let start = || Process::start(folder, &["serve", "--demo"], &[]);
    let mut process = start();
    assert!(log_in(&mut process, "another good secret"));
    stop(process);

    // The disk with the database: the key and the backup are kept elsewhere.
    let elsewhere = crate::folder();
    let kept = |name: &str| elsewhere.path().join(name);
    let backup = kept("kommando.backup").display().to_string();
    let told = out(folder, &["backup", &backup]);
    let head = told.split("head ").nth(1).and_then(|rest| rest.split(',').next()).expect("a head");
    fs::copy(folder.join("kommando.db.audit-key"), kept("key")).expect("a copy");
    for entry in fs::read_dir(folder).expect("a folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("a removal");
    }
    let refused = stderr_of_failure(folder, &["restore", &backup]);
    assert!(refused.contains("the key of the audit chain is missing"), "{refused}");
    fs::copy(kept("key"), folder.join("kommando.db.audit-key")).expect("a copy");
    out(folder, &["restore", &backup]);
    out(folder, &["audit", "verify", "--expect", head]);
    let mut process = start();
    assert!(log_in(&mut process, "another good secret"));
    stop(process);

    // The key.
    fs::remove_file(folder.join("kommando.db.audit-key")).expect("a removal");
    let log = start().log();
    assert!(log.contains("kommando help recovery"), "{log}");
    out(folder, &["audit", "begin-anew", "--yes", "--reason", "the disk with the key broke"]);
    let mut process = start();
    assert!(log_in(&mut process, "another good secret"));
    stop(process);
    let verified = out(folder, &["audit", "verify"]);
    assert!(verified.contains("cannot be proven") && verified.contains("the disk with the key broke"), "{verified}");
}

#[test]
fn an_incomplete_or_newer_backup_is_refused() {
    let folder = folder();
    let folder = folder.path();
    let mut process = Process::demo(folder);
    process.banner();
    stop(process);
    out(folder, &["backup", "right"]);
    let right = fs::read(folder.join("right")).expect("a file");
    let before = fs::read(folder.join("kommando.db")).expect("a file");
    let refuse = |bytes: &[u8], expected: &str| {
        fs::write(folder.join("wrong"), bytes).expect("a file");
        let told = stderr_of_failure(folder, &["restore", "wrong", "--force"]);
        assert!(told.contains(expected), "{expected}: {told}");
        assert!(fs::read(folder.join("kommando.db")).expect("a file") == before, "{expected}: the database changed");
    };
    refuse(b"", "is not a kommando backup");
    refuse(&before, "is not a kommando backup");
    refuse(&right[..right.len() - 10], "is not a kommando backup");
    refuse(&right[4096..], "wrong is damaged");
    for place in [0, 100, right.len() / 3, right.len() / 2, right.len() - 200] {
        let mut damaged = right.clone();
        damaged[place] ^= 4;
        refuse(&damaged, if place == right.len() - 200 { "wrong" } else { "wrong is damaged" });
    }
    let mut newer = right.clone();
    let schema = b"; schema m";
    let place = newer.windows(schema.len()).rposition(|window| window == schema).expect("a tag");
    newer[place + schema.len()] = b'9';
    refuse(&newer, "use that version or a newer one");
    let leftover = fs::read_dir(folder).expect("a folder").filter_map(Result::ok).map(|one| one.file_name());
    assert!(leftover.into_iter().all(|name| !name.to_string_lossy().contains("partial")), "no partial file is left");
}

#[test]
fn scripts_get_the_port_and_the_health_of_a_server() {
    let folder = folder();
    let words = ["serve", "--demo", "--port-file", "port"];
    let process = Process::start(folder.path(), &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")]);
    let file = folder.path().join("port");
    while !file.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    let port: u16 = fs::read_to_string(file).expect("a file").trim_end().parse().expect("a port");
    let words = ["healthcheck", "--timeout", "60", "--listen", &format!("0.0.0.0:{port}")];
    assert_eq!(out(folder.path(), &words), "ready\n");
    drop(process);
    let ill = stderr_of_failure(folder.path(), &["healthcheck", "--listen", &format!("127.0.0.1:{port}")]);
    assert!(ill.contains("is the server running?"), "{ill}");
}

#[test]
fn a_server_goes_on_when_its_log_is_closed() {
    let folder = folder();
    let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("KOMMANDO_LOG", "debug")];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    process.logs("listening");
    process.close_log();
    for _ in 0..3 {
        let answer = send(&address, "GET /health/ready HTTP/1.1").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    process.signal("TERM");
    assert!(process.child.wait().expect("an end").success());
}

#[test]
fn the_clock_of_a_demo_can_be_stopped() {
    let folder = folder();
    let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("KOMMANDO_CLOCK", "2031-02-03T04:05:06Z")];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    for _ in 0..2 {
        assert!(send(&address, HELLO).expect("an answer").starts_with("HTTP/1.1 200"));
    }
    let list = "GET /_ext/executions?from=2031-02-03T04:05:06Z&to=2031-02-03T04:05:07Z HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";
    let list = send(&address, list).expect("an answer");
    assert_eq!(list.matches("\"startedAt\":\"2031-02-03T04:05:06.000000Z\"").count(), 2, "{list}");
    assert_eq!(list.matches("\"finishedAt\":\"2031-02-03T04:05:06.000000Z\"").count(), 2, "{list}");
    let log = Process::start(folder.path(), &["serve"], &variables).log();
    assert!(log.contains("KOMMANDO_CLOCK is allowed only with --demo"), "{log}");
    let log = Process::start(folder.path(), &["serve"], &[("KOMMANDO_CLOCK", "tomorrow")]).log();
    assert!(log.contains("'tomorrow' for '--clock <TIME>'"), "{log}");
}

#[test]
fn a_key_replays_an_answer_that_was_dropped() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let with_key = format!("{HELLO}\r\nIdempotency-Key: one");
    let dropped = send(&address, &format!("{with_key}\r\nX-Demo-Fault: drop"));
    assert_eq!(dropped.unwrap_or_default(), "");
    let again = send(&address, &with_key).expect("an answer");
    assert!(again.to_lowercase().contains("idempotency-replayed: true"), "{again}");
    let begun = Instant::now();
    let slow = send(&address, &format!("{HELLO}\r\nX-Demo-Fault: slow=1")).expect("an answer");
    assert!(slow.starts_with("HTTP/1.1 200") && begun.elapsed() >= Duration::from_secs(1), "{slow}");
}

#[test]
fn a_server_writes_only_beside_its_database() {
    let (data, elsewhere) = (folder(), folder());
    let url = format!("sqlite://{}?mode=rwc", data.path().join("kommando.db").display());
    let place = elsewhere.path().display().to_string();
    let (url, place) = (url.as_str(), place.as_str());
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", "it's a secret"),
        ("KOMMANDO_DATABASE_URL", url),
        ("HOME", place),
        ("TMPDIR", place),
    ];
    let mut process = Process::start(elsewhere.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    assert!(send(&address, HELLO).expect("an answer").starts_with("HTTP/1.1 200"));
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let while_serving =
        ["kommando.db", "kommando.db-shm", "kommando.db-wal", "kommando.db.audit-key", "kommando.db.lock"];
    assert_eq!(names(data.path()), while_serving);
    stop(process);
    assert_eq!(names(data.path()), ["kommando.db", "kommando.db.audit-key", "kommando.db.lock"]);
    assert!(names(elsewhere.path()).is_empty());
}

#[test]
fn systemd_is_notified_of_the_servers_state() {
    let folder = folder();
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let place = folder.path().join("notify").display().to_string();
    let variables =
        [("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("NOTIFY_SOCKET", place.as_str()), ("WATCHDOG_USEC", "200000")];
    let process = Process::start(folder.path(), &["serve"], &variables);
    let until = |expected: &str| {
        let mut seen = Vec::new();
        let mut buffer = [0; 512];
        loop {
            let length = socket.recv(&mut buffer).expect("a word");
            let word = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if word.contains(expected) {
                return seen;
            }
            seen.push(word);
        }
    };
    until("READY=1");
    until("WATCHDOG=1");
    until("WATCHDOG=1");
    process.signal("HUP");
    until("RELOADING=1\nMONOTONIC_USEC=");
    until("READY=1");
    process.signal("TERM");
    until("STOPPING=1");
}

#[test]
fn the_unit_names_the_binary_and_known_settings() {
    let unit = out(folder().path(), &["systemd-unit"]);
    assert!(unit.contains(&format!("ExecStart={} serve\n", env!("CARGO_BIN_EXE_kommando"))), "{unit}");
    let flags = ["--user", "eva", "--program", "/opt/kommando", "--settings", "/etc/k.toml"];
    let other = out(folder().path(), &[&["systemd-unit"][..], &flags].concat());
    for line in ["User=eva", "ExecStart=/opt/kommando serve", "Environment=KOMMANDO_CONFIG=/etc/k.toml"] {
        assert!(other.lines().any(|one| one == line), "{line}: {other}");
    }
    assert!(!other.contains("DynamicUser") && !other.contains("KOMMANDO_DATABASE_URL"), "{other}");
    for setting in unit.split("KOMMANDO_").skip(1) {
        let name = setting.split(|one: char| !(one.is_ascii_uppercase() || one == '_')).next().unwrap_or_default();
        assert!(kommando::config::Config::variables().contains(&format!("KOMMANDO_{name}")), "{name}");
    }
}

#[test]
#[ignore = "needs systemd-analyze: tests/all runs it"]
fn systemd_accepts_the_unit() {
    let folder = folder();
    let file = folder.path().join("kommando.service");
    fs::write(&file, out(folder.path(), &["systemd-unit"])).expect("a file");
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output();
    let output = output.expect("systemd-analyze does not run: apt-get install systemd");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
}
