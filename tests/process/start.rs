//! Start and stop of a server, its banner and its first log lines.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use kommando::store::Store;
use sea_orm::ConnectionTrait;

use crate::{Process, address, folder, send};

/// The words of a line, split by a shell.
fn words(line: &str) -> Vec<String> {
    let script = format!("set -- {line}; printf '%s\\n' \"$@\"");
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn the_curl_line_of_the_banner_works() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let banner = process.banner();
    assert!(banner.contains("Password    it's a secret"));
    let words = words(banner.lines().find(|line| line.contains("curl ")).expect("a line"));
    let [curl, method, post, user, credentials, flag, language, url] = words.as_slice() else { panic!("{words:?}") };
    let known = [curl, method, post, user, flag, language].map(String::as_str);
    assert_eq!(known, ["curl", "-X", "POST", "-u", "-H", "Accept-Language: en"]);
    let address = address(&banner);
    let path = url.strip_prefix(&format!("http://{address}")).expect("a path");
    let credentials = STANDARD.encode(credentials);
    let answer =
        send(&address, &format!("POST {path} HTTP/1.1\r\nAuthorization: Basic {credentials}")).expect("an answer");
    assert!(answer.contains("\r\n\r\n{\"Success\":true,"), "{answer}");
}

#[test]
fn a_second_start_keeps_passwords_and_says_how_to_set_one() {
    let folder = folder();
    Process::demo(folder.path()).banner();
    let banner = Process::demo(folder.path()).banner();
    let command = banner.split('`').nth(1).expect("a command line");
    let line = format!("echo a new password | {command} --password-stdin");
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "admin has a new password\n");
}

#[test]
fn of_three_servers_started_together_only_one_serves() {
    let folder = folder();
    let mut processes: Vec<_> = (0..3).map(|_| Process::demo(folder.path())).collect();
    let banners: Vec<_> = processes.iter_mut().map(Process::try_banner).collect();
    assert_eq!(banners.iter().filter(|banner| banner.is_some()).count(), 1, "{banners:?}");
    for (process, banner) in processes.into_iter().zip(banners) {
        if banner.is_none() {
            let log = process.log();
            assert!(log.contains("a server has kommando.db open") && log.contains("use PostgreSQL"), "{log}");
        }
    }
    // All three have ended, the serving one by SIGKILL.
    Process::demo(folder.path()).banner();
}

#[test]
fn the_demo_refuses_a_database_with_other_users() {
    let folder = folder();
    let mut add = Command::new(env!("CARGO_BIN_EXE_kommando"));
    add.args(["user", "add", "eva", "--password-stdin"]).current_dir(folder.path()).stdin(Stdio::piped());
    let mut child = add.stdout(Stdio::null()).spawn().expect("a start");
    child.stdin.take().expect("standard input").write_all(b"a long secret").expect("input");
    assert!(child.wait().expect("an end").success());
    let log = Process::demo(folder.path()).log();
    assert!(log.contains("error: the database has users that are not of the demo"), "{log}");
}

#[test]
fn a_server_announces_itself_only_when_it_is_ready() {
    let (folder, taken) = (folder(), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let metrics = taken.local_addr().expect("an address").to_string();
    let words = ["serve", "--demo", "--port-file", "port", "--metrics", &metrics];
    let mut process = Process::start(folder.path(), &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")]);
    assert_eq!(process.try_banner(), None);
    let log = process.log();
    assert!(log.contains("cannot serve metrics on") && !log.contains("listening"), "{log}");
    assert!(!folder.path().join("port").exists());
}

#[test]
fn a_request_in_flight_is_answered_after_sigterm() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let mut stream = TcpStream::connect(address(&process.banner())).expect("a connection");
    let request = "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\
                   Content-Type: application/json\r\nExpect: 100-continue\r\n\
                   Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a head");
    // The server asks for the body: the request is in flight.
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).expect("100 Continue");
    process.signal("TERM");
    process.logs("stopping");
    stream.write_all(b"null").expect("a body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(process.child.wait().expect("an end").success());
}

#[test]
fn a_first_start_reads_the_password_file_and_needs_no_folder() {
    let folder = folder();
    let secret = folder.path().join("secret");
    fs::write(&secret, "read from a file\n").expect("a file");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
    let mut process = Process::start(folder.path(), &["serve"], &[("KOMMANDO_ADMIN_PASSWORD_FILE", "secret")]);
    process.logs("listening");
    process.signal("INT");
    let log = process.log();
    assert!(log.contains("created the first administrator, admin") && !log.contains("from a file"), "{log}");
    assert!(log.contains("there is no folder commands.d"), "{log}");
}

#[test]
fn a_wrong_definition_stops_the_start_an_unknown_role_warns() {
    let folder = folder();
    let write = |text: &str| fs::write(folder.path().join("commands.d/a.yaml"), text).expect("a file");
    fs::create_dir(folder.path().join("commands.d")).expect("a folder");
    write("name: a\ndisplay_name: A\nsteps:\n  - message: {text: '{{ user.name | shout }}'}\n");
    let log = Process::start(folder.path(), &["serve"], &[]).log();
    assert!(log.contains("commands.d/a.yaml:4:") && log.contains("shout"), "{log}");

    write("name: a\ndisplay_name: A\nallow_roles: [King]\nsteps:\n  - message: {text: A}\n");
    let mut process = Process::start(folder.path(), &["serve"], &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")]);
    process.logs("listening");
    process.signal("INT");
    let log = process.log();
    assert!(log.contains("King") && log.contains("does not exist"), "{log}");
}

#[tokio::test]
async fn the_log_line_of_an_error_has_the_request_id() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    let address = address(&process.banner());
    let url = format!("sqlite://{}", folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    store.writer().execute_unprepared("DROP TABLE audit_entries").await.expect("a removal");
    let request =
        "POST /api/v1/User/2/CustomCommand/hello HTTP/1.1\r\nAuthorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";
    let answer = send(&address, request).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(!answer.contains("executions"), "a 5xx body tells nothing: {answer}");
    let id = answer.split("x-request-id: ").nth(1).and_then(|rest| rest.lines().next()).expect("an id").to_owned();
    process.signal("TERM");
    let log = process.log();
    let line = log.lines().find(|line| line.contains("failed to answer the request")).expect("a line of the failure");
    assert!(line.contains(&id) && line.contains("no such table: audit_entries"), "{line}");
}

#[test]
fn the_curl_line_of_an_online_demo_works() {
    let folder = folder();
    for _ in 0..2 {
        let words = ["serve", "--demo", "--installation", "online"];
        let mut process = Process::start(folder.path(), &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")]);
        let banner = process.banner();
        let words = words_of_curl(&banner);
        let [curl, method, post, ticket_flag, ticket, app_flag, app, _, language, url] = words.as_slice() else {
            panic!("{words:?}")
        };
        assert_eq!([curl, method, post, ticket_flag, app_flag].map(String::as_str), ["curl", "-X", "POST", "-H", "-H"]);
        assert_eq!(language, "Accept-Language: en");
        let address = address(&banner);
        let path = url.strip_prefix(&format!("http://{address}")).expect("a path");
        let answer = send(&address, &format!("POST {path} HTTP/1.1\r\n{ticket}\r\n{app}")).expect("an answer");
        assert!(answer.contains("\r\n\r\n{\"Success\":true,"), "{answer}");
        let token = app.split(": ").nth(1).expect("a token");
        assert!(banner.contains(&format!("SO-AppToken {token}")), "{banner}");
    }
}

/// The words of the curl line in the banner.
fn words_of_curl(banner: &str) -> Vec<String> {
    words(banner.lines().find(|line| line.contains("curl ")).expect("a line"))
}

#[test]
fn a_changed_first_password_has_no_effect_and_warns() {
    let folder = folder();
    let log_of = |words: &[&str], password: &str| {
        let mut process = Process::start(folder.path(), words, &[("KOMMANDO_ADMIN_PASSWORD", password)]);
        process.logs("listening");
        if password != "a first secret" {
            process.logs("has no effect");
        }
        process.signal("TERM");
        process.log()
    };
    let told = "KOMMANDO_ADMIN_PASSWORD is not the password of admin";
    assert!(!log_of(&["serve"], "a first secret").contains(told), "it is set");
    let log = log_of(&["serve"], "a second secret");
    assert!(log.contains(told) && log.contains("kommando user set-password admin"), "{log}");
    assert!(!log.contains("a second secret"), "{log}");
    assert!(!log_of(&["serve"], "a first secret").contains(told), "it is still the one");
}

#[test]
fn a_refused_jwt_is_logged_with_its_reason_only() {
    let folder = folder();
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", "it's a secret"),
        ("KOMMANDO_OIDC_ISSUER", "https://id.example.com"),
        ("KOMMANDO_OIDC_AUDIENCE", "kommando"),
        ("KOMMANDO_OIDC_JWKS_URL", "http://127.0.0.1:1/keys"),
    ];
    let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let address = address(&process.banner());
    let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"HS256"}"#), part(r#"{"preferred_username":"anna"}"#));
    for _ in 0..30 {
        let head = format!("GET /api/v1/User/current HTTP/1.1\r\nAuthorization: Bearer {token}");
        assert!(send(&address, &head).expect("an answer").starts_with("HTTP/1.1 401"));
    }
    process.signal("TERM");
    let log = process.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("JWT rejected")).collect();
    assert!(lines[0].contains("INFO") && lines[0].contains("its algorithm is not allowed"), "{log}");
    assert!(lines.len() <= 30 && lines.len() >= 10, "{}", lines.len());
    for part in token.split('.') {
        assert!(!log.contains(part), "{log}");
    }
}

#[test]
fn the_documented_curl_lines_work_as_they_are() {
    for (page, text, count) in [
        ("README.md", include_str!("../../README.md"), 3),
        ("docs/api.md", include_str!("../../docs/api.md"), 4),
        ("docs/testing.md", include_str!("../../docs/testing.md"), 1),
    ] {
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        let text = blocks.map(|block| block.replace("\\\n", " ")).collect::<Vec<_>>().join("\n");
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("curl ")).collect();
        assert!(lines.len() >= count, "{page}: {lines:?}");
        let folder = folder();
        let variables = [("KOMMANDO_ADMIN_PASSWORD", "it's a secret")];
        let mut process = Process::start(folder.path(), &["serve", "--demo"], &variables);
        let address = address(&process.banner());
        for line in lines {
            let answer = send(&address, &head_of(line)).expect("an answer");
            let is_success = ["HTTP/1.1 200", "HTTP/1.1 204"].iter().any(|status| answer.starts_with(status));
            assert!(is_success, "{page}: {line}: {answer}");
        }
    }
}

/// The head of the request that a line of curl makes, as a shell reads it.
fn head_of(line: &str) -> String {
    let script = format!("PASSWORD=\"it's a secret\"; {}", line.replacen("curl ", "set -- ", 1));
    let output =
        Command::new("sh").args(["-c", &format!("{script}; printf '%s\\n' \"$@\"")]).output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("text");
    let (mut method, mut credentials, mut url) = ("GET", "", "");
    let (mut headers, mut query) = (Vec::new(), Vec::new());
    let mut words = text.lines();
    while let Some(word) = words.next() {
        match word {
            "-X" => method = words.next().expect("a method"),
            "-u" => credentials = words.next().expect("credentials"),
            "-H" => headers.push(format!("\r\n{}", words.next().expect("a header"))),
            "-G" => {}
            "--data-urlencode" => query.push(words.next().expect("a parameter")),
            _ => url = word,
        }
    }
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap_or_else(|| panic!("{line}: {url}"));
    let encode = |parameter: &&str| {
        let (name, value) = parameter.split_once('=').expect("a value");
        format!("{name}={}", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC))
    };
    let query = query.iter().map(encode).collect::<Vec<_>>().join("&");
    let separator = if query.is_empty() { "" } else { "?" };
    let (headers, credentials) = (headers.concat(), STANDARD.encode(credentials));
    format!("{method} {path}{separator}{query} HTTP/1.1\r\nAuthorization: Basic {credentials}{headers}")
}
