//! Who may run what on whom: the list and execution always agree.

use kommando::records::execution::Outcome;
use poem::http::StatusCode;

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
async fn nobody_may_run_a_command_that_allows_no_role_and_denial_wins() {
    let text = "display_name: X\nsteps:\n  - message: {text: X}\n";
    let open = format!("name: open\n{text}");
    let both = format!("name: both\nallow_roles: [Administrator]\ndeny_roles: [Administrator]\n{text}");
    let server = Server::with_commands(&[&open, &both]).await;
    assert!(server.listed("admin", ANNA).await.is_empty());
    for command in ["open", "both"] {
        server.execute("admin", ANNA, command, None).await.error(StatusCode::FORBIDDEN);
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
