//! Which callers may run which commands on which users.

use kommando::{
    executions::execution::Outcome,
    users::{self, role},
};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ABSENT, ADMIN, ANNA, BJORN, CHRIS, DORA, Server};

const CALLERS: [&str; 4] = ["admin", "anna", "bjorn", "chris"];
const USERS: [i32; 5] = [ADMIN, ANNA, BJORN, CHRIS, DORA];
const COMMANDS: [&str; 6] = ["about", "deactivate", "hello", "reactivate", "reset-password", "set-away"];

#[tokio::test]
async fn the_examples_are_listed_exactly_when_they_can_be_run() {
    let server = Server::demo().await;
    for caller in CALLERS {
        for user in USERS {
            let list = server.get(format!("/api/v1/User/{user}/CustomCommand")).by(caller).send().await;
            let listed = list.body.as_array().cloned().unwrap_or_default();
            for command in COMMANDS {
                // Declining checks the same as running, and changes nothing.
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
async fn the_definitions_show_the_verdict_of_a_run() {
    let server = Server::demo().await;
    for (caller, id) in [("admin", ADMIN), ("anna", ANNA), ("chris", CHRIS)] {
        for user in USERS.into_iter().filter(|user| caller != "chris" || *user == id) {
            let got = server
                .get(format!("/_ext/commands?user={user}"))
                .by(caller)
                .header("accept-language", "en")
                .send()
                .await;
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
                // The error has the same reason.
                assert!(reason.is_none_or(|reason| message.contains(reason)), "{case}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn the_definitions_say_why_a_command_is_unavailable() {
    let server = Server::demo().await;
    let reason = async |user: i32, name: &str| {
        let got =
            server.get(format!("/_ext/commands?user={user}")).by("admin").header("accept-language", "en").send().await;
        let commands = got.body["commands"].as_array().expect("a list").clone();
        commands.into_iter().find(|one| one["name"] == name).expect("a command")["reason"].clone()
    };
    assert_eq!(reason(ANNA, "reactivate").await, "Only for retired users.");
    assert_eq!(reason(DORA, "deactivate").await, "Only for active users.");
    assert_eq!(reason(ADMIN, "deactivate").await, "Not for your own user.");
}

#[tokio::test]
async fn definitions_have_hashes_and_without_a_user_no_verdict() {
    let server = Server::demo().await;
    let got = server.get("/_ext/commands").by("chris").header("accept-language", "nb").send().await;
    let commands = got.body["commands"].as_array().expect("a list");
    assert_eq!(commands.iter().map(|one| one["name"].as_str().expect("a name")).collect::<Vec<_>>(), COMMANDS);
    for command in commands {
        let hash = command["definitionHash"].as_str().expect("a hash");
        assert_eq!((hash.len(), &command["verdict"], &command["reason"]), (64, &Value::Null, &Value::Null));
    }
    assert_eq!((&commands[2]["displayName"], &commands[2]["actions"]), (&json!("Si hei"), &json!("Implicit")));
    let is_danger = |command: &&Value| command["danger"] == true;
    let dangers: Vec<_> = commands.iter().filter(is_danger).map(|one| one["name"].as_str().expect("a name")).collect();
    assert_eq!(dangers, ["deactivate", "reset-password"]);
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
async fn administrators_read_a_definition_as_it_stands() {
    let server = Server::demo().await;
    let path = "/_ext/commands/deactivate/definition";
    let got = server.get(path).by("admin").header("accept-language", "nb").send().await;
    assert_eq!(got.body["text"], include_str!("../../commands.d/deactivate.yaml"));
    let listed = server.get("/_ext/commands").by("admin").send().await;
    assert_eq!(got.body["hash"], listed.body["commands"][1]["definitionHash"]);
    assert_eq!(server.get(path).by("anna").send().await.status, StatusCode::FORBIDDEN);
    let missing = server.get("/_ext/commands/nothing/definition").by("admin").send().await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.body["detail"], "There is no command with this name.");
}

#[tokio::test]
async fn verdicts_are_given_only_for_users_the_caller_may_read() {
    let server = Server::demo().await;
    for (caller, user, status) in [
        ("chris", "2", StatusCode::FORBIDDEN),
        ("chris", "4711", StatusCode::FORBIDDEN),
        ("anna", "4711", StatusCode::NOT_FOUND),
        ("anna", "x", StatusCode::BAD_REQUEST),
    ] {
        let got =
            server.get(format!("/_ext/commands?user={user}")).by(caller).header("accept-language", "en").send().await;
        assert_eq!(got.status, status, "{caller} {user}: {}", got.text);
        assert_eq!(got.header("content-type"), Some("application/problem+json"));
    }
}

#[tokio::test]
async fn administrators_are_offered_more_commands_than_employees() {
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
    assert!(message.contains("Not for your role."), "{message}");
    assert!(!server.user(BJORN).await.user.deleted);
    let outcomes: Vec<_> = server.executions().await.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Denied]);
}

#[tokio::test]
async fn users_cannot_deactivate_themselves() {
    let server = Server::demo().await;
    let got = server.execute("admin", ADMIN, "deactivate", Some("Yes")).await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("Not for your own user."));
}

#[tokio::test]
async fn callers_cannot_act_on_users_who_outrank_them() {
    let server = Server::with_commands(&["name: nudge\ndisplay_name: Nudge\nwhen: [not_higher_rank]\n\
        allow_roles: [Administrator, Employee, ExternalUser]\nsteps:\n  - message: {text: Hey}\n"])
    .await;
    let got = server.execute("anna", ADMIN, "nudge", None).await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("Not for users whose role outranks yours."));
    for (caller, user) in [("anna", BJORN), ("anna", CHRIS), ("admin", ANNA), ("chris", CHRIS)] {
        assert_eq!(server.execute(caller, user, "nudge", None).await.status, StatusCode::OK, "{caller} on {user}");
    }
}

/// System users read the secrets of others, so those who manage users must not become one.
#[tokio::test]
async fn only_administrators_give_roles_for_system_users() {
    let server = Server::demo().await;
    let agent = async |operation: &str, body: Value| {
        server.post(format!("/api/v1/Agents/User/{operation}")).by("admin").json(body).send().await.body
    };
    let role = agent("SaveRoleEntity", json!({"Name": "Reader", "RoleType": "System", "Rank": 5})).await;
    let role = &role["RoleId"];
    let user_admin = role::find_by_name(server.app.store.reader(), role::USER_ADMIN).await.expect("an answer");
    let user_admin = vec![(users::UserColumn::RoleId, user_admin.expect("a role").id.into())];
    users::set_columns(server.app.store.writer(), BJORN, user_admin).await.expect("a change");
    let give = async |caller: &str, user: i32| {
        let call =
            server.call(Method::PATCH, format!("/api/v1/User/{user}")).by(caller).json(json!({"Role": {"Id": role}}));
        call.send().await
    };
    for user in [BJORN, CHRIS] {
        let refused = give("bjorn", user).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    }
    assert_eq!(give("admin", CHRIS).await.status, StatusCode::OK);
    let call = server.call(Method::PATCH, format!("/api/v1/User/{CHRIS}")).by("bjorn").json(json!({"Tooltip": "x"}));
    assert_eq!(call.send().await.status, StatusCode::FORBIDDEN, "nor manage who has one");
    assert_eq!(give("admin", BJORN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn administrators_retiring_each_other_leave_one() {
    let server = Server::demo().await;
    let administrator = server.user(ADMIN).await.user.role_id;
    let role = vec![(users::UserColumn::RoleId, administrator.into())];
    users::set_columns(server.app.store.writer(), ANNA, role).await.expect("a second administrator");
    // Both try to retire the other 16 times, all at once.
    let attempts = (0..32).map(|index| {
        let (caller, user) = if index % 2 == 0 { ("admin", ANNA) } else { ("anna", ADMIN) };
        server.execute(caller, user, "deactivate", Some("Yes"))
    });
    let got = futures_util::future::join_all(attempts).await;
    let retired = got.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(retired, 1, "{:?}", got.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let states = [server.user(ADMIN).await.is_retired(), server.user(ANNA).await.is_retired()];
    assert!(states.contains(&false), "no administrator is left");
}

#[tokio::test]
async fn the_last_administrator_cannot_be_retired() {
    let server = Server::with_commands(&["name: retire\ndisplay_name: Retire\nwhen: [not_last_admin]\n\
        allow_roles: [Administrator]\nsteps:\n  - set_deleted: {value: true}\n"])
    .await;
    let got = server.execute("admin", ADMIN, "retire", None).await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("This is the last administrator"));
    assert_eq!(server.listed("admin", ANNA).await, ["retire"]);
    assert!(server.listed("admin", ADMIN).await.is_empty());
}

#[tokio::test]
async fn a_command_needs_an_allowed_role_and_deny_wins() {
    let text = "display_name: X\nsteps:\n  - message: {text: X}\n";
    let open = format!("name: open\n{text}");
    let both = format!("name: both\nallow_roles: [Administrator]\ndeny_roles: [Administrator]\n{text}");
    let server = Server::with_commands(&[&open, &both]).await;
    assert!(server.listed("admin", ANNA).await.is_empty());
    for (command, reason) in [("open", "allows no role"), ("both", "Not for your role")] {
        let got = server.execute("admin", ANNA, command, None).await;
        assert!(got.error(StatusCode::FORBIDDEN).1.contains(reason), "{}", got.text);
    }
}

#[tokio::test]
async fn without_read_rights_other_users_look_like_missing_ones() {
    let server = Server::demo().await;
    for user in [ANNA, ABSENT] {
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
