//! The confirmation table: which action result runs, declines or asks again.

use poem::http::StatusCode;
use sea_orm::ActiveEnum;

use crate::harness::{BJORN, Server};

const OMITTED: Option<&str> = None;
const IMPLICIT: Option<&str> = Some("Implicit");
const YES: Option<&str> = Some("Yes");
const OK: Option<&str> = Some("Ok");
const NO: Option<&str> = Some("No");
const CANCEL: Option<&str> = Some("Cancel");

/// `confirm` of the definition, `Actions` in the list, the answers that run the command, and those that ask again.
type Row = (&'static str, &'static str, &'static [Option<&'static str>], &'static [Option<&'static str>]);

const TABLE: [Row; 4] = [
    ("none", "Implicit", &[OMITTED, IMPLICIT, YES, OK], &[]),
    ("ok", "Ok", &[OK, YES], &[OMITTED, IMPLICIT]),
    ("ok_cancel", "OkCancel", &[OK], &[OMITTED, IMPLICIT, YES]),
    ("yes_no", "YesNo", &[YES], &[OMITTED, IMPLICIT, OK]),
];

fn definition(confirm: &str) -> String {
    let question = if confirm == "none" { "" } else { "question: 'Travel, {{ user.name }}?'" };
    format!(
        "name: travel\ndisplay_name: Travel\nallow_roles: [Administrator]\nconfirm: {confirm}\n{question}\n\
         steps:\n  - set_field: {{field: is_on_travel, value: true}}\n  - message: {{text: Gone}}\n"
    )
}

async fn check(confirm: &str, answer: Option<&str>, outcome: &str, success: bool, message: &str, result: &str) {
    let server = Server::with_commands(&[&definition(confirm)]).await;
    let got = server.execute("admin", BJORN, "travel", answer).await;
    let case = format!("{confirm} answered {answer:?}");
    assert_eq!(got.status, StatusCode::OK, "{case}");
    assert_eq!(got.header("x-command-outcome"), Some(outcome), "{case}");
    assert_eq!(got.body["Success"], success, "{case}");
    assert_eq!(got.body["Message"], message, "{case}");
    assert_eq!(got.body["Result"], result, "{case}");
    assert_eq!(server.user(BJORN).await.user.is_on_travel, success, "{case}: the effect");
    let executions = server.executions().await;
    let [execution] = executions.as_slice() else { panic!("{case}: one record") };
    let recorded = (execution.action_result.as_str(), execution.user_id, execution.outcome.to_value());
    assert_eq!(recorded, (answer.unwrap_or("Implicit"), BJORN, outcome.to_owned()), "{case}: the record");
}

#[tokio::test]
async fn a_confirming_answer_runs_the_command_and_is_the_result() {
    for (confirm, _, runs, _) in TABLE {
        for answer in runs {
            check(confirm, *answer, "succeeded", true, "Gone", answer.unwrap_or("Implicit")).await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_confirm_asks_again() {
    for (confirm, _, _, asks) in TABLE {
        for answer in asks {
            check(confirm, *answer, "asked", false, "Travel, bjorn?", "Implicit").await;
        }
    }
}

#[tokio::test]
async fn no_and_cancel_decline_every_command() {
    let message = [
        r#"DA:"Kommandoen blev ikke kørt.""#,
        r#"FR:"La commande n’a pas été exécutée.""#,
        r#"GE:"Der Befehl wurde nicht ausgeführt.""#,
        r#"NL:"De opdracht is niet uitgevoerd.""#,
        r#"NO:"Kommandoen ble ikke kjørt.""#,
        r#"SW:"Kommandot kördes inte.""#,
        r#"US:"The command was not run.""#,
    ];
    let message = message.join(";");
    for (confirm, ..) in TABLE {
        for answer in [NO, CANCEL] {
            check(confirm, answer, "declined", false, &message, answer.expect("an answer")).await;
        }
    }
}

#[tokio::test]
async fn every_answer_is_in_the_table() {
    for (confirm, _, runs, asks) in TABLE {
        for answer in [OMITTED, IMPLICIT, YES, OK] {
            assert!(runs.contains(&answer) != asks.contains(&answer), "{confirm} answered {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_list_shows_the_actions_and_the_question() {
    for (confirm, actions, ..) in TABLE {
        let server = Server::with_commands(&[&definition(confirm)]).await;
        let list = server.get("/api/v1/User/3/CustomCommand").by("admin").send().await;
        assert_eq!(list.body[0]["Actions"], actions);
        assert_eq!(list.body[0]["ActionData"], if confirm == "none" { "" } else { "Travel, bjorn?" });
    }
}

#[tokio::test]
async fn action_results_are_read_in_any_case() {
    let server = Server::with_commands(&[&definition("yes_no")]).await;
    let got = server.post("/api/v1/User/3/CustomCommand/travel?ACTIONRESULT=yES").by("admin").send().await;
    assert_eq!((got.body["Success"].as_bool(), got.body["Result"].as_str()), (Some(true), Some("Yes")));
}
