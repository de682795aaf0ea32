//! Only one process serves an SQLite file, and exclusive commands are refused meanwhile.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Output},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{Process, address, folder, send};

fn run(folder: &std::path::Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
    command.args(words).current_dir(folder).env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1");
    command.output().expect("an end")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

const SERVE: [&str; 6] = ["serve", "--demo", "--commands", "commands.d", "--targets", "targets.yaml"];
const VARIABLES: [(&str, &str); 1] = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret")];

#[test]
fn a_second_server_is_refused_and_the_first_finishes_its_run() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    let ask = "name: ask\ndisplay_name: Ask\nallow_roles: [Administrator]\ntimeout: 60s\n\
               steps:\n  - webhook: {target: slow, when: sync}\n";
    fs::write(folder.path().join("commands.d/ask.yaml"), ask).expect("a file");
    fs::write(folder.path().join("secret"), "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    let target = format!(
        "slow: {{url: 'http://127.0.0.1:{port}/', secrets: [{{file: secret}}], allow_networks: [127.0.0.0/8]}}\n"
    );
    fs::write(folder.path().join("targets.yaml"), target).expect("a file");
    let mut first = Process::start(folder.path(), &SERVE, &VARIABLES);
    let address = address(&first.banner());

    // The target responds after the second server was refused.
    let (called, wait_for_call) = mpsc::channel();
    let (answer, wait_for_answer) = mpsc::channel::<()>();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let _ = stream.read(&mut [0; 4096]);
        called.send(()).expect("a test");
        let _ = wait_for_answer.recv_timeout(Duration::from_secs(50));
        let body = r#"{"success": true, "message": "Done."}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
        let _ = stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    });
    let run = thread::spawn(move || {
        let ask = "POST /api/v1/User/3/CustomCommand/ask HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";
        send(&address, ask).expect("an answer")
    });
    wait_for_call.recv_timeout(Duration::from_secs(50)).expect("a call");
    let mut second = Process::start(folder.path(), &SERVE, &VARIABLES);
    let banner = second.try_banner();
    answer.send(()).expect("a target");
    let got = run.join().expect("an answer");
    assert!(got.starts_with("HTTP/1.1 200") && got.contains("Done."), "{got}");
    assert_eq!(banner, None, "a second server serves");
    let log = second.log();
    assert!(log.contains("a server has kommando.db open") && log.contains("use PostgreSQL"), "{log}");
}

#[test]
fn exclusive_commands_are_refused_beside_a_server() {
    let folder = folder();
    let path = folder.path();
    std::os::unix::fs::symlink("kommando.db", path.join("link.db")).expect("a link");
    let mut server = Process::demo(path);
    server.banner();
    for words in [
        &["user", "list"][..],
        &["ticket", "issue", "--user", "anna"],
        &["app", "list"],
        &["audit", "verify"],
        &["audit", "seal"],
        &["audit", "cut", "--older-than", "5d"],
        &["migrate", "status"],
        &["config", "check"],
        &["executions", "export", "--format", "csv"],
        &["backup", "first.backup"],
    ] {
        let got = run(path, words);
        assert!(got.status.success(), "{words:?}: {}", text(&got));
    }
    let by_link = ["--database-url", "sqlite://link.db"];
    for words in [
        &["migrate", "up"][..],
        &["migrate", "down", "--yes"],
        &[&by_link[..], &["migrate", "up"]].concat(),
        &[&by_link[..], &["serve", "--demo", "--listen", "127.0.0.1:0"]].concat(),
        &["restore", "first.backup", "--force"],
    ] {
        let got = run(path, words);
        assert!(!got.status.success() && text(&got).contains("open"), "{words:?}: {}", text(&got));
    }
    server.kill();
    for words in [&["migrate", "up"][..], &["restore", "first.backup", "--force"]] {
        let got = run(path, words);
        assert!(got.status.success(), "the lock of a dead process is free: {words:?}: {}", text(&got));
    }
}
