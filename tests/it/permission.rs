//! Who may run what on whom: the list and execution always agree.

use kommando::{records::execution::Outcome, users};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANNA, BJORN, CHRIS, DORA, NOBODY, Server};

const CALLERS: [&str; 4] = ["admin", "anna", "bjorn", "chris"];
const USERS: [i32; 5] = [ADMIN, ANNA, BJORN, CHRIS, DORA];
const COMMANDS: [&str; 6] = ["about", "deactivate", "hello", "reactivate", "reset-password", "set-away"];

#[tokio::test]
async fn a_command_is_listed_exactly_when_running_it_is_neither_refused_nor_unavailable() {
    let server = Server::demo().await;
    for caller in CALLERS {
        for user in USERS {
            let list = server.get(format!("/api/v1/User/{user}/CustomCommand")).by(caller).send().await;
            let listed = list.body.as_array().cloned().unwrap_or_default();
            for command in COMMANDS {
                // Declining looks at everything that running looks at, and changes nothing.
                let status = server.execute(caller, user, command, Some("Cancel")).await.status;
                let is_listed = listed.iter().any(|one| one["Name"] == command);
                let case = format!("{caller} runs {command} on {user}");
                assert_eq!(is_listed, status == StatusCode::OK, "{case}: {status}");
                let refusals = [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST];
                assert!(refusals.contains(&status), "{case}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn the_definitions_say_of_each_command_what_running_it_would() {
    let server = Server::demo().await;
    for (caller, id) in [("admin", ADMIN), ("anna", ANNA), ("chris", CHRIS)] {
        for user in USERS.into_iter().filter(|user| caller != "chris" || *user == id) {
            let got = server.get(format!("/_ext/commands?user={user}")).by(caller).send().await;
            for command in got.body["commands"].as_array().expect("a list") {
                let name = command["name"].as_str().expect("a name");
                let ran = server.execute(caller, user, name, Some("Cancel")).await;
                let (expected, message) = match ran.status {
                    StatusCode::OK => ("permitted", String::new()),
                    StatusCode::FORBIDDEN => ("denied", ran.error(StatusCode::FORBIDDEN).1.to_owned()),
                    _ => ("unavailable", ran.error(StatusCode::BAD_REQUEST).1.to_owned()),
                };
                let case = format!("{caller} runs {name} on {user}: {command}");
                assert_eq!(command["verdict"], expected, "{case}");
                let reason = command["reason"].as_str();
                assert_eq!(reason.is_none(), expected == "permitted", "{case}");
                // A refusal tells the same reason.
                assert!(reason.is_none_or(|reason| message.contains(reason)), "{case}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn the_definitions_tell_why_a_command_is_not_available() {
    let server = Server::demo().await;
    let reason = async |user: i32, name: &str| {
        let got = server.get(format!("/_ext/commands?user={user}")).by("admin").send().await;
        let commands = got.body["commands"].as_array().expect("a list").clone();
        commands.into_iter().find(|one| one["name"] == name).expect("a command")["reason"].clone()
    };
    assert_eq!(reason(ANNA, "reactivate").await, "it is for users whose deleted is true");
    assert_eq!(reason(DORA, "deactivate").await, "it is for users whose deleted is false");
    assert_eq!(reason(ADMIN, "deactivate").await, "nobody may run it on their own user");
}

#[tokio::test]
async fn the_definitions_in_force_are_listed_with_their_hashes_and_no_verdict_without_a_user() {
    let server = Server::demo().await;
    let got = server.get("/_ext/commands").by("chris").header("accept-language", "nb").send().await;
    let commands = got.body["commands"].as_array().expect("a list");
    assert_eq!(commands.iter().map(|one| one["name"].as_str().expect("a name")).collect::<Vec<_>>(), COMMANDS);
    for command in commands {
        let hash = command["definitionHash"].as_str().expect("a hash");
        assert_eq!((hash.len(), &command["verdict"], &command["reason"]), (64, &Value::Null, &Value::Null));
    }
    assert_eq!((&commands[2]["displayName"], &commands[2]["actions"]), (&json!("Si hei"), &json!("Implicit")));
    server.execute("admin", ANNA, "hello", None).await;
    let recorded = server.executions().await.remove(0).definition_hash;
    assert_eq!(commands[2]["definitionHash"], recorded.as_str());

    let other = "name: hello\ndisplay_name: Hello\nallow_roles: [Employee]\nsteps:\n  - message: {text: Hi}\n";
    let one = Server::with_commands(&[other]).await.get("/_ext/commands").by("admin").send().await;
    let same = Server::with_commands(&[other]).await.get("/_ext/commands").by("anna").send().await;
    assert_eq!(one.body["hash"], same.body["hash"]);
    assert_ne!(one.body["hash"], got.body["hash"]);
}

#[tokio::test]
async fn the_definitions_are_held_only_against_users_whom_the_caller_may_read() {
    let server = Server::demo().await;
    for (caller, user, status) in [
        ("chris", "2", StatusCode::FORBIDDEN),
        ("chris", "4711", StatusCode::FORBIDDEN),
        ("anna", "4711", StatusCode::NOT_FOUND),
        ("anna", "x", StatusCode::BAD_REQUEST),
    ] {
        let got = server.get(format!("/_ext/commands?user={user}")).by(caller).send().await;
        assert_eq!(got.status, status, "{caller} {user}: {}", got.text);
        assert_eq!(got.header("content-type"), Some("application/problem+json"));
    }
}

#[tokio::test]
async fn administrators_get_the_whole_list_and_employees_what_is_harmless() {
    let server = Server::demo().await;
    assert_eq!(server.listed("admin", ANNA).await, ["about", "deactivate", "hello", "reset-password", "set-away"]);
    assert_eq!(server.listed("admin", ADMIN).await, ["about", "hello", "set-away"]);
    assert_eq!(server.listed("admin", DORA).await, ["about", "hello", "reactivate", "set-away"]);
    assert_eq!(server.listed("anna", BJORN).await, ["about", "hello"]);
    assert_eq!(server.listed("chris", CHRIS).await, ["about", "hello"]);
}

#[tokio::test]
async fn a_denied_attempt_is_recorded_and_changes_nothing() {
    let server = Server::demo().await;
    let got = server.execute("anna", BJORN, "deactivate", Some("Yes")).await;
    let (kind, message) = got.error(StatusCode::FORBIDDEN);
    assert_eq!(kind, "SoIllegalOperationException");
    assert!(message.contains("your role is not among those it is for"), "{message}");
    assert!(!server.user(BJORN).await.user.deleted);
    let outcomes: Vec<_> = server.executions().await.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Denied]);
}

#[tokio::test]
async fn nobody_deactivates_the_own_user() {
    let server = Server::demo().await;
    let got = server.execute("admin", ADMIN, "deactivate", Some("Yes")).await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("nobody may run it on their own user"));
}

#[tokio::test]
async fn nobody_acts_on_a_user_who_outranks_them() {
    let server = Server::with_commands(&["name: nudge\ndisplay_name: Nudge\nwhen: [not_higher_rank]\n\
        allow_roles: [Administrator, Employee, ExternalUser]\nsteps:\n  - message: {text: Hey}\n"])
    .await;
    let got = server.execute("anna", ADMIN, "nudge", None).await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("the user's role outranks yours"));
    for (caller, user) in [("anna", BJORN), ("anna", CHRIS), ("admin", ANNA), ("chris", CHRIS)] {
        assert_eq!(server.execute(caller, user, "nudge", None).await.status, StatusCode::OK, "{caller} on {user}");
    }
}

#[tokio::test]
async fn administrators_cannot_retire_each_other_to_the_last_one() {
    let server = Server::demo().await;
    let administrator = server.user(ADMIN).await.user.role_id;
    let role = vec![(users::UserColumn::RoleId, administrator.into())];
    users::set_columns(server.app.store.writer(), ANNA, role).await.expect("a second administrator");
    // Sixteen times each of them tries to retire the other, all at once.
    let attempts = (0..32).map(|index| {
        let (caller, user) = if index % 2 == 0 { ("admin", ANNA) } else { ("anna", ADMIN) };
        server.execute(caller, user, "deactivate", Some("Yes"))
    });
    let got = futures_util::future::join_all(attempts).await;
    let retired = got.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(retired, 1, "{:?}", got.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let states = [server.user(ADMIN).await.is_retired(), server.user(ANNA).await.is_retired()];
    assert!(states.contains(&false), "one is left");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = Server::with_commands(&["name: retire\ndisplay_name: Retire\nwhen: [not_last_admin]\n\
        allow_roles: [Administrator]\nsteps:\n  - set_deleted: {value: true}\n"])
    .await;
    let got = server.execute("admin", ADMIN, "retire", None).await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("this is the last administrator"));
    assert_eq!(server.listed("admin", ANNA).await, ["retire"]);
    assert!(server.listed("admin", ADMIN).await.is_empty());
}

#[tokio::test]
async fn nobody_may_run_a_command_that_allows_no_role_and_denial_wins() {
    let text = "display_name: X\nsteps:\n  - message: {text: X}\n";
    let open = format!("name: open\n{text}");
    let both = format!("name: both\nallow_roles: [Administrator]\ndeny_roles: [Administrator]\n{text}");
    let server = Server::with_commands(&[&open, &both]).await;
    assert!(server.listed("admin", ANNA).await.is_empty());
    for (command, reason) in [("open", "allows no role"), ("both", "your role is excluded")] {
        let got = server.execute("admin", ANNA, command, None).await;
        assert!(got.error(StatusCode::FORBIDDEN).1.contains(reason), "{}", got.text);
    }
}

#[tokio::test]
async fn who_may_not_see_others_is_not_told_whether_they_exist() {
    let server = Server::demo().await;
    for user in [ANNA, NOBODY] {
        for path in [format!("/api/v1/User/{user}"), format!("/api/v1/User/{user}/CustomCommand")] {
            server.get(path).by("chris").send().await.error(StatusCode::FORBIDDEN);
        }
        server.execute("chris", user, "hello", None).await.error(StatusCode::FORBIDDEN);
    }
    for name in ["anna", "no-such-user"] {
        server.get(format!("/api/v1/User/{name}")).by("chris").send().await.error(StatusCode::FORBIDDEN);
    }
    assert_eq!(server.get("/api/v1/User/4").by("chris").send().await.status, StatusCode::OK);
    assert_eq!(server.get("/api/v1/User/chris").by("chris").send().await.status, StatusCode::OK);
}
