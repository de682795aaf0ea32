//! Idempotency keys and dry runs.

use poem::http::StatusCode;

use crate::harness::{ANNA, Answer, BJORN, PASSWORD, Server};

async fn execute(server: &Server, command: &str, answer: &str, headers: &[(&str, &str)]) -> Answer {
    let path = format!("/api/v1/User/{BJORN}/CustomCommand/{command}?actionResult={answer}");
    let call = server.post(path).by("admin");
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

async fn with_key(server: &Server, command: &str, answer: &str, key: &str) -> Answer {
    execute(server, command, answer, &[("idempotency-key", key)]).await
}

#[tokio::test]
async fn a_repeated_key_replays_the_answer_without_a_run() {
    let server = Server::demo().await;
    let first = with_key(&server, "hello", "Yes", "k1").await;
    assert_eq!((first.header("idempotency-replayed"), first.header("x-command-outcome")), (None, Some("succeeded")));
    for _ in 0..3 {
        let again = with_key(&server, "hello", "Yes", "k1").await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("x-command-outcome"), Some("succeeded"));
        assert_eq!((again.status, again.text), (first.status, first.text.clone()));
    }
    assert_eq!(server.executions().await.len(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_caller_user_and_command() {
    let server = Server::demo().await;
    let hello = |caller: &'static str, user: i32, command: &'static str| {
        let path = format!("/api/v1/User/{user}/CustomCommand/{command}?actionResult=Ok");
        let call = server.post(path).by(caller).header("idempotency-key", "k1");
        async { call.send().await.header("idempotency-replayed").map(str::to_owned) }
    };
    for (caller, user, command) in
        [("admin", BJORN, "hello"), ("anna", BJORN, "hello"), ("admin", ANNA, "hello"), ("admin", BJORN, "about")]
    {
        assert_eq!(hello(caller, user, command).await, None, "{caller} {user} {command}");
        assert_eq!(hello(caller, user, command).await.as_deref(), Some("true"), "{caller} {user} {command}");
    }
}

#[tokio::test]
async fn another_action_result_under_the_same_key_is_refused() {
    let server = Server::demo().await;
    with_key(&server, "hello", "Yes", "k1").await;
    with_key(&server, "hello", "Ok", "k1").await.error(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(server.executions().await.len(), 1);
}

#[tokio::test]
async fn a_question_does_not_use_up_the_key() {
    let server = Server::demo().await;
    let asked = with_key(&server, "deactivate", "Implicit", "k1").await;
    assert_eq!(asked.header("x-command-outcome"), Some("asked"));
    let ran = with_key(&server, "deactivate", "Yes", "k1").await;
    assert_eq!((ran.header("x-command-outcome"), ran.header("idempotency-replayed")), (Some("succeeded"), None));
    // The command is unavailable now, but the key still replays its result.
    let again = with_key(&server, "deactivate", "Yes", "k1").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::OK, Some("true")));
    with_key(&server, "deactivate", "Yes", "k2").await.error(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn declined_and_failed_runs_are_replayed() {
    let server = Server::with_commands(&["name: fail\ndisplay_name: F\nallow_roles: [Administrator]\nsteps:\n  \
        - set_role: {role: King}\n"])
    .await;
    for (answer, key, outcome) in [("Yes", "k1", "failed"), ("No", "k2", "declined")] {
        for replayed in [None, Some("true")] {
            let got = with_key(&server, "fail", answer, key).await;
            assert_eq!(got.header("x-command-outcome"), Some(outcome));
            assert_eq!((got.header("idempotency-replayed"), &got.body["Result"]), (replayed, &answer.into()));
        }
    }
}

#[tokio::test]
async fn a_replay_names_the_remedy_instead_of_the_secret() {
    let server = Server::demo().await;
    let first = with_key(&server, "reset-password", "Ok", "k1").await;
    assert!(first.text.contains("Temporary password, valid"), "{}", first.text);
    assert_eq!(first.header("x-shown-once"), Some("true"));
    let again = with_key(&server, "reset-password", "Ok", "k1").await;
    assert!(again.text.contains("shown once. Run the command again, under a new key"), "{}", again.text);
    assert_eq!(again.header("x-shown-once"), None);
    assert_eq!(with_key(&server, "set-away", "Yes", "k2").await.header("x-shown-once"), None);
}

#[tokio::test]
async fn of_concurrent_requests_with_one_key_only_one_runs() {
    let server = Server::demo().await;
    let got = futures_util::future::join_all((0..32).map(|_| with_key(&server, "set-away", "Yes", "k1"))).await;
    for answer in &got {
        match answer.status {
            StatusCode::OK => assert_eq!(answer.body["Success"], true),
            _ => {
                answer.error(StatusCode::CONFLICT);
                assert_eq!(answer.header("retry-after"), Some("1"));
            }
        }
    }
    assert!(got.iter().any(|answer| answer.status == StatusCode::OK));
    assert_eq!(server.executions().await.len(), 1);
}

#[tokio::test]
async fn an_invalid_key_is_refused() {
    let server = Server::demo().await;
    for key in ["", "a b", &"x".repeat(256)] {
        let got = with_key(&server, "hello", "Yes", key).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.starts_with("Parameter Idempotency-Key: "), "{}", got.text);
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn a_dry_run_shows_the_result_and_keeps_nothing() {
    let server = Server::demo().await;
    let dry = |command: &'static str, answer: &'static str| {
        let server = &server;
        async move { execute(server, command, answer, &[("x-dry-run", "true")]).await }
    };
    for (command, answer, outcome) in [
        ("hello", "Yes", "succeeded"),
        ("deactivate", "Yes", "succeeded"),
        ("deactivate", "Implicit", "asked"),
        ("deactivate", "No", "declined"),
        ("set-away", "Yes", "succeeded"),
    ] {
        let got = dry(command, answer).await;
        assert_eq!((got.status, got.header("x-command-outcome")), (StatusCode::OK, Some(outcome)), "{command}");
        assert_eq!(got.header("x-dry-run"), Some("applied"));
    }
    let got = dry("reset-password", "Ok").await;
    assert!(got.text.contains("would be shown here") && got.header("x-shown-once").is_none(), "{}", got.text);
    assert_eq!(server.get("/api/v1/User/current").basic("bjorn", PASSWORD).send().await.status, StatusCode::OK);
    let bjorn = server.user(BJORN).await.user;
    assert!(!bjorn.deleted && bjorn.presence_message.is_empty());
    assert!(server.executions().await.is_empty());
    dry("reactivate", "Yes").await.error(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_invalid_dry_run_header_is_refused() {
    let server = Server::demo().await;
    for value in ["perhaps", "1", "yes", "", "true, true"] {
        let got = execute(&server, "hello", "Yes", &[("x-dry-run", value)]).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains("X-Dry-Run: it must be true or false"), "{}", got.text);
    }
    let both = [("x-dry-run", "true"), ("idempotency-key", "k1")];
    execute(&server, "hello", "Yes", &both).await.error(StatusCode::BAD_REQUEST);
    assert!(server.executions().await.is_empty());
    for value in ["true", "TRUE", "True"] {
        let got = execute(&server, "hello", "Yes", &[("x-dry-run", value)]).await;
        assert_eq!((got.header("x-dry-run"), server.executions().await.len()), (Some("applied"), 0), "{value}");
    }
    for (count, value) in ["false", "FALSE", "False"].into_iter().enumerate() {
        let got = execute(&server, "hello", "Yes", &[("x-dry-run", value)]).await;
        assert_eq!((got.header("x-dry-run"), server.executions().await.len()), (None, count + 1), "{value}");
    }
}

#[tokio::test]
async fn a_replay_contains_no_note() {
    let steps = "steps:\n  - note: {text: between us}\n  - message: {text: Hi}\n";
    let definition = format!("name: hush\ndisplay_name: Hush\nallow_roles: [Administrator]\n{steps}");
    let server = Server::with_commands(&[&definition]).await;
    let first = with_key(&server, "hush", "Yes", "k1").await;
    assert_eq!(first.body["Message"], "Hi");
    assert_eq!(with_key(&server, "hush", "Yes", "k1").await.text, first.text);
}
