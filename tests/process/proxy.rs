//! Behind a proxy: client addresses for the rate limits, ignored headers, and secure cookies.

use std::time::Instant;

use serde_json::json;

use crate::{Process, address, ask::Ask, folder};

const PASSWORD: &str = "it's a secret";
/// The default limit of failed logins per address in a minute.
const FROM_ONE: usize = 100;
/// The number of failed logins and of accounts, as in the report of the original bug.
const GUESSES: usize = 400;
const ACCOUNTS: usize = 50;

fn log_in(name: &str, password: &str) -> Ask {
    Ask::post("/_ext/session").json(json!({"userName": name, "password": password}))
}

/// A server that trusts a proxy on this machine, which sets this header.
fn start(folder: &std::path::Path, header: &str) -> Process {
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", PASSWORD),
        ("KOMMANDO_TRUSTED_PROXIES", "127.0.0.0/8"),
        ("KOMMANDO_PROXY_HEADER", header),
    ];
    Process::start(folder, &["serve", "--demo"], &variables)
}

#[test]
fn a_client_cannot_choose_its_address() {
    for (setting, written, by_proxy, passed_on) in [
        ("x-forwarded-for", "X-Forwarded-For", "198.51.100.7", "Forwarded"),
        ("forwarded", "Forwarded", "for=198.51.100.7", "X-Forwarded-For"),
    ] {
        let folder = folder();
        let mut process = start(folder.path(), setting);
        let address = address(&process.banner());
        let spell =
            |header: &str, address: String| if header == "Forwarded" { format!("for={address}") } else { address };
        let guess = |name: &str, password: usize, invented: String| {
            let ask = log_in(name, &password.to_string()).header(written, by_proxy);
            let status = ask.header(passed_on, spell(passed_on, invented)).send(&address).status;
            assert!([401, 429].contains(&status), "{status}");
            status == 401
        };
        let at_home = "203.0.113.5".to_owned();
        for number in 0..12 {
            guess("anna", number, at_home.clone());
        }
        let victim = log_in("anna", PASSWORD).header(written, spell(written, at_home)).send(&address);
        assert_eq!(victim.status, 200, "the user is locked out at a known address: {}", victim.body);

        let invented = |number: usize| format!("10.1.{}.{}", number / 250, number % 250 + 1);
        let began = Instant::now();
        let verified = (0..GUESSES)
            .filter(|number| guess(&format!("user{}", number % ACCOUNTS), *number, invented(*number)))
            .count();
        let minutes = 1 + began.elapsed().as_secs() as usize / 60;
        println!("{setting}: {verified} of {GUESSES} guesses verified");
        assert!(verified <= FROM_ONE * minutes, "{setting}: {verified}");
        process.logs("ignored a header of a trusted proxy");
        process.signal("TERM");
        let log = process.log();
        assert_eq!(log.matches("ignored a header of a trusted proxy").count(), 1, "not logged once: {log}");
        assert!(log.contains(&passed_on.to_lowercase()) && log.contains("KOMMANDO_PROXY_HEADER"), "{log}");
    }
}

#[test]
fn cookies_are_secure_where_the_proxy_speaks_tls() {
    let folder = folder();
    let mut process = start(folder.path(), "x-forwarded-for");
    let address = address(&process.banner());
    let cookies = |headers: &[(&'static str, &str)]| {
        let ask = log_in("anna", PASSWORD);
        let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, *value));
        let answer = ask.send(&address);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookies: Vec<_> = answer.head.lines().filter(|line| line.starts_with("set-cookie: ")).collect();
        assert_eq!(cookies.len(), 2, "{}", answer.head);
        cookies.iter().map(|cookie| cookie.contains("; Secure")).collect::<Vec<_>>()
    };
    assert_eq!(cookies(&[]), [false, false], "on this machine");
    assert_eq!(cookies(&[("X-Forwarded-Proto", "https")]), [true, true]);
    assert_eq!(cookies(&[("X-Forwarded-For", "198.51.100.7")]), [true, true]);
    assert_eq!(cookies(&[("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https")]), [true, true]);
}
