//! What commands change and record.

use kommando::executions::execution::Outcome;
use poem::http::StatusCode;

use crate::harness::{ADMIN, ANNA, BJORN, DORA, PASSWORD, Server};

#[tokio::test]
async fn hello_greets_the_user_in_every_language_it_has() {
    let server = Server::demo().await;
    let got = server.execute("admin", ANNA, "hello", None).await;
    let expected = r#"{"Success":true,"Message":"NO:\"Hei, Anna Lindqvist!\";US:\"Hello, Anna Lindqvist!\"","Result":"Implicit","TableRight":null,"FieldProperties":{}}"#;
    assert_eq!(got.text, expected);
}

#[tokio::test]
async fn a_deactivated_user_cannot_call_until_reactivated() {
    let server = Server::demo().await;
    let current = || async { server.get("/api/v1/User/current").by("anna").send().await.status };
    assert_eq!(current().await, StatusCode::OK);

    server.execute("admin", ANNA, "deactivate", Some("Yes")).await;
    let anna = server.user(ANNA).await;
    assert!(anna.user.deleted && anna.is_person_retired());
    assert_eq!(current().await, StatusCode::UNAUTHORIZED);
    assert!(!server.listed("admin", ANNA).await.contains(&"deactivate".to_owned()));

    server.execute("admin", ANNA, "reactivate", Some("Yes")).await;
    let anna = server.user(ANNA).await;
    assert!(!anna.user.deleted && !anna.is_person_retired());
    assert_eq!(current().await, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_password_is_shown_once_and_stored_nowhere() {
    let server = Server::demo().await;
    let got = server.execute("admin", BJORN, "reset-password", Some("Ok")).await;
    let message = got.body["Message"].as_str().expect("a message");
    let password = message.rsplit(": ").next().and_then(|rest| rest.strip_suffix('"')).expect("a password");
    assert_eq!(password.len(), 16, "{message}");

    let with_new = server.get("/api/v1/User/current").basic("bjorn", password).send().await;
    let with_old = server.get("/api/v1/User/current").basic("bjorn", PASSWORD).send().await;
    // The temporary password is accepted, but only for setting a new one.
    assert_eq!((with_new.status, with_old.status), (StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED));

    let executions = server.executions().await;
    let [execution] = executions.as_slice() else { panic!("one execution") };
    assert!(execution.message.contains("shown once") && !execution.message.contains(password), "{execution:?}");
}

#[tokio::test]
async fn set_away_may_be_repeated() {
    let server = Server::demo().await;
    for _ in 0..2 {
        assert_eq!(server.execute("admin", BJORN, "set-away", None).await.body["Success"], true);
    }
    let bjorn = server.user(BJORN).await.user;
    assert_eq!(bjorn.presence_message, r#"NO:"Borte";US:"Away""#);
    assert_eq!(server.executions().await.len(), 2);
}

#[tokio::test]
async fn a_failed_command_changes_nothing_and_is_recorded() {
    let long = "x".repeat(300);
    let server = Server::with_commands(&[&format!(
        "name: leave\ndisplay_name: Leave\nallow_roles: [Administrator]\nsteps:\n  - set_deleted: {{value: true}}\n  \
         - set_presence: {{status: StatusNone, message: {long}}}\n  - message: {{text: Bye}}\n"
    )])
    .await;
    let got = server.execute("admin", ANNA, "leave", None).await;
    assert_eq!((got.status, got.header("x-command-outcome")), (StatusCode::OK, Some("failed")));
    assert_eq!((got.body["Success"].as_bool(), got.body["Result"].as_str()), (Some(false), Some("Implicit")));
    assert!(got.body["Message"].as_str().expect("a message").contains("longer than 254 characters"));
    let anna = server.user(ANNA).await;
    assert!(!anna.user.deleted && !anna.is_person_retired());
    let executions = server.executions().await;
    assert_eq!(executions.iter().map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Failed]);
}

#[tokio::test]
async fn roles_and_groups_are_set_by_name_and_notes_are_recorded() {
    let server =
        Server::with_commands(&["name: promote\ndisplay_name: Promote\nallow_roles: [Administrator]\nsteps:\n  \
        - set_role: {role: Administrator}\n  - set_group: {group: Field sales}\n  \
        - note: {text: 'by {{ caller.name }}'}\n"])
        .await;
    let got = server.execute("admin", ANNA, "promote", None).await;
    let done = r#"DA:"Udført.";FR:"Terminé.";GE:"Erledigt.";NL:"Uitgevoerd.";NO:"Utført.";SW:"Klart.";US:"Done.""#;
    assert_eq!(got.body["Message"], done);
    let anna = server.user(ANNA).await;
    assert_eq!((anna.role.name.as_str(), anna.group.name.as_str()), ("Administrator", "Field sales"));
    let execution = &server.executions().await[0];
    assert_eq!(execution.message, got.body["Message"]);
    assert_eq!(execution.steps.0[2].result, "by admin");
}

#[tokio::test]
async fn each_step_sees_the_changes_of_earlier_steps() {
    let server = Server::with_commands(&["name: both\ndisplay_name: Both\nallow_roles: [Administrator]\nsteps:\n  \
        - set_deleted: {value: true}\n  - set_deleted: {value: false}\n"])
    .await;
    assert_eq!(server.execute("admin", ANNA, "both", None).await.header("x-command-outcome"), Some("succeeded"));
    let anna = server.user(ANNA).await;
    assert!(!anna.user.deleted && !anna.is_person_retired(), "the person is active again, too");
}

#[tokio::test]
async fn an_unknown_role_or_group_fails_the_command() {
    for step in ["set_role: {role: King}", "set_group: {group: Moon}"] {
        let definition = format!(
            "name: send\ndisplay_name: Send\nallow_roles: [Administrator]\nsteps:\n  \
             - set_deleted: {{value: true}}\n  - {step}\n"
        );
        let server = Server::with_commands(&[&definition]).await;
        let got = server.execute("admin", ANNA, "send", None).await;
        assert_eq!(got.header("x-command-outcome"), Some("failed"), "{step}");
        assert!(got.body["Message"].as_str().expect("a message").contains("There is no"), "{}", got.text);
        assert!(!server.user(ANNA).await.user.deleted);
    }
}

#[tokio::test]
async fn an_execution_records_caller_user_command_and_request() {
    let server = Server::demo().await;
    let got = server.execute("admin", ANNA, "hello", Some("Yes")).await;
    let executions = server.executions().await;
    let [execution] = executions.as_slice() else { panic!("one execution") };
    assert_eq!((execution.caller_id, execution.user_id), (ADMIN, ANNA));
    assert_eq!((execution.command_name.as_str(), execution.action_result.as_str()), ("hello", "Yes"));
    assert_eq!(execution.outcome, Outcome::Succeeded);
    assert_eq!(execution.definition_hash.len(), 64);
    assert_eq!(Some(execution.request_id.as_str()), got.header("x-request-id"));
    assert!(execution.started_at <= execution.finished_at);
}

#[tokio::test]
async fn an_unknown_command_is_a_400_and_names_match_exactly() {
    let server = Server::demo().await;
    for name in ["nope", "Hello", "hello%2F", "hello%20"] {
        let got = server.execute("admin", ANNA, name, None).await;
        let (kind, message) = got.error(StatusCode::BAD_REQUEST);
        assert_eq!(kind, "ArgumentException");
        assert!(message.contains("There is no command"), "{message}");
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn a_command_is_unavailable_where_its_condition_fails() {
    let server = Server::demo().await;
    let got = server.execute("admin", DORA, "deactivate", Some("Yes")).await;
    assert_eq!(got.error(StatusCode::BAD_REQUEST).0, "ArgumentException");
    let got = server.execute("admin", ANNA, "reactivate", Some("Yes")).await;
    assert_eq!(got.error(StatusCode::BAD_REQUEST).0, "ArgumentException");
}

#[tokio::test]
async fn about_shows_the_version_after_ok() {
    let server = Server::demo().await;
    assert_eq!(server.execute("anna", ANNA, "about", None).await.header("x-command-outcome"), Some("asked"));
    let got = server.execute("anna", ANNA, "about", Some("Ok")).await;
    assert!(got.body["Message"].as_str().expect("a message").contains(env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_run_needs_no_body_and_ignores_null_and_empty_objects() {
    let server = Server::demo().await;
    let hello = || server.post("/api/v1/User/2/CustomCommand/hello").by("admin");
    for (media_type, body) in [
        ("application/json", "null"),
        ("application/json; charset=utf-8", " null\n"),
        ("application/json", "{}"),
        ("application/json", ""),
        ("application/x-www-form-urlencoded", ""),
    ] {
        assert_eq!(hello().body(media_type, body).send().await.status, StatusCode::OK, "{media_type} {body}");
    }
    let got = hello().body("application/json", r#"{"User":1}"#).send().await;
    assert_eq!(got.error(StatusCode::BAD_REQUEST).0, "ArgumentException");
    assert_eq!(server.executions().await.len(), 5);
}

#[tokio::test]
async fn the_documented_answers_are_the_real_ones() {
    let server = Server::demo().await;
    let run = async |command: &str| {
        let path = format!("/api/v1/User/{ANNA}/CustomCommand/{command}");
        server.post(path).by("admin").header("Accept-Language", "en").send().await.text
    };
    let real = [run("hello").await, run("deactivate").await, run("deactivate?actionResult=Yes").await];
    for (page, expected) in [("README.md", &real[..]), ("docs/api.md", &real[1..])] {
        let text = std::fs::read_to_string(format!("{}/{page}", env!("CARGO_MANIFEST_DIR"))).expect("a page");
        let answers = text.split("```json\n").skip(1).filter_map(|block| block.lines().next());
        let answers: Vec<_> = answers.filter(|answer| answer.starts_with(r#"{"Success""#)).collect();
        assert_eq!(answers, expected, "{page}");
    }
}

#[tokio::test]
async fn the_readme_shows_the_shipped_definition() {
    let read = |file: &str| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect("a text");
    let readme = read("README.md");
    let shown = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a definition");
    let without_remarks = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split("  #").next().unwrap_or_default().trim_end().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_remarks(shown), without_remarks(&read("commands.d/deactivate.yaml")));
}
