//! The User agent: the same users and commands, as procedures.

use std::collections::BTreeSet;

use kommando::api::{self, agents::UNIMPLEMENTED};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ANNA, Answer, NOBODY, Server};

/// Calls an operation of the agent as its client does.
pub async fn call(server: &Server, caller: &str, operation: &str, body: Value) -> Answer {
    let call = server.post(format!("/api/v1/Agents/User/{operation}")).by(caller);
    call.body("application/json", body.to_string()).send().await
}

#[tokio::test]
async fn a_user_is_the_same_by_every_way() {
    let server = Server::demo().await;
    let anna = server.get("/api/v1/User/anna").by("admin").send().await.body;
    for (operation, body) in [
        ("GetUser?userId=2", Value::Null),
        ("getuser?USERID=2", json!({})),
        ("GetUserFromName", json!({"userName": "ANNA"})),
        ("GetUserFromName", json!({"USERNAME": "anna@example.com"})),
    ] {
        let got = call(&server, "admin", operation, body).await;
        assert_eq!((got.status, got.body), (StatusCode::OK, anna.clone()), "{operation}");
    }
    let got = call(&server, "admin", "GetUserFromPersonId", json!({"personId": anna["Person"]["PersonId"]})).await;
    assert_eq!(got.body, json!([anna]));
}

#[tokio::test]
async fn a_user_who_is_not_there_is_null() {
    let server = Server::demo().await;
    let got = server.post(format!("/api/v1/Agents/User/GetUser?userId={NOBODY}")).by("admin").send().await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "null"));
    let got = call(&server, "admin", "GetUserFromName", json!({"UserName": "nobody"})).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "null"));
    let got = call(&server, "admin", "GetUserFromPersonId", json!({"PersonId": NOBODY})).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "[]"));
}

#[tokio::test]
async fn who_may_not_see_others_is_not_told_whether_they_exist() {
    let server = Server::demo().await;
    for (operation, body) in [
        ("GetUser?userId=2", Value::Null),
        ("GetUser?userId=4711", Value::Null),
        ("GetUserFromName", json!({"UserName": "anna"})),
        ("GetUserFromName", json!({"UserName": "nobody"})),
        ("GetUserCommands", json!({"AssociateId": 2})),
    ] {
        call(&server, "chris", operation, body).await.error(StatusCode::FORBIDDEN);
    }
    assert_eq!(call(&server, "chris", "GetUserFromPersonId", json!({"PersonId": 2})).await.text, "[]");
}

#[tokio::test]
async fn commands_are_listed_for_a_user_however_it_stands_in_the_body() {
    let server = Server::demo().await;
    let listed = server.get("/api/v1/User/2/CustomCommand").by("admin").send().await.body;
    for body in [json!({"AssociateId": ANNA}), json!({"user": {"associateId": ANNA}}), json!({"associateid": ANNA})] {
        assert_eq!(call(&server, "admin", "GetUserCommands", body).await.body, listed);
    }
    let got = call(&server, "admin", "GetUserCommands", json!({"AssociateId": NOBODY})).await;
    assert_eq!(got.error(StatusCode::NOT_FOUND).1, "User with given id does not exist in the db.");
}

#[tokio::test]
async fn a_command_runs_as_over_the_resource() {
    let server = Server::demo().await;
    let run = |answer: &'static str| {
        let body = json!({"commandName": "deactivate", "actionResult": answer, "user": {"associateId": ANNA}});
        call(&server, "admin", "ExecuteUserCommand", body)
    };
    let asked = run("Implicit").await;
    assert_eq!((asked.header("x-command-outcome"), &asked.body["Result"]), (Some("asked"), &"Implicit".into()));
    assert_eq!(run("no").await.header("x-command-outcome"), Some("declined"));
    assert!(!server.user(ANNA).await.is_retired());
    let ran = run("yes").await;
    assert_eq!((&ran.body["Success"], &ran.body["Result"]), (&true.into(), &"Yes".into()));
    assert!(server.user(ANNA).await.is_retired());
    let outcomes: Vec<_> = server.executions().await.iter().map(|one| format!("{:?}", one.outcome)).collect();
    assert_eq!(outcomes, ["Asked", "Declined", "Succeeded"]);
}

#[tokio::test]
async fn what_cannot_run_is_refused_as_over_the_resource() {
    let server = Server::demo().await;
    let run = |body| call(&server, "admin", "ExecuteUserCommand", body);
    let nobody = run(json!({"CommandName": "hello", "User": {"AssociateId": NOBODY}})).await;
    assert_eq!(nobody.error(StatusCode::NOT_FOUND).1, "User with given id does not exist in the db.");
    let unknown = run(json!({"CommandName": "nope", "User": {"AssociateId": ANNA}})).await;
    assert_eq!(unknown.error(StatusCode::BAD_REQUEST).0, "ArgumentException");
    let maybe = run(json!({"CommandName": "hello", "ActionResult": "Maybe", "User": {"AssociateId": ANNA}})).await;
    assert!(maybe.error(StatusCode::BAD_REQUEST).1.starts_with("Body: ActionResult is `Maybe`, which is not one of"));
    let nameless = run(json!({"User": {"AssociateId": ANNA}})).await;
    assert_eq!(nameless.error(StatusCode::BAD_REQUEST).1, "Body: CommandName is missing.");
    assert_eq!(run(Value::Null).await.error(StatusCode::BAD_REQUEST).1, "Body: CommandName is missing.");
    let denied =
        call(&server, "anna", "ExecuteUserCommand", json!({"CommandName": "deactivate", "User": {"AssociateId": 3}}));
    assert_eq!(denied.await.header("x-command-outcome"), Some("denied"));
}

#[tokio::test]
async fn what_is_not_selected_is_null() {
    let server = Server::demo().await;
    let got =
        call(&server, "admin", "GetUser?userId=2&$SELECT=name,%20role/value,person/fullname", Value::Null).await.body;
    let given: Vec<_> = got.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null()).collect();
    assert_eq!(given.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Name", "Role", "Person"]);
    assert_eq!((&got["Role"]["Value"], &got["Role"]["Id"]), (&"Employee".into(), &Value::Null));
    assert_eq!((&got["Person"]["FullName"], &got["Person"]["Email"]), (&"Anna Lindqvist".into(), &Value::Null));
    let rest = server.get("/api/v1/User/2?$select=Name").by("admin").send().await.body;
    assert_eq!((&rest["Name"], &rest["Tooltip"]), (&"anna".into(), &Value::Null));
    assert_eq!(rest["_Links"]["Self"], "http://127.0.0.1:8080/api/v1/user/2");
    let list = call(&server, "admin", "GetUserCommands?$select=name", json!({"AssociateId": ANNA})).await.body;
    assert_eq!((&list[0]["Name"], &list[0]["Actions"]), (&"about".into(), &Value::Null));
    let unknown = server.get("/api/v1/User/2?$select=name,shoe/size").by("admin").send().await;
    assert_eq!(unknown.error(StatusCode::BAD_REQUEST).1, "Parameter $select: there is no property `shoe/size`.");
}

#[tokio::test]
async fn an_operation_that_is_not_implemented_says_so_and_stands_in_the_readme() {
    let server = Server::demo().await;
    for name in UNIMPLEMENTED {
        let got = call(&server, "anna", &name.to_lowercase(), Value::Null).await;
        let (kind, message) = got.error(StatusCode::NOT_IMPLEMENTED);
        assert_eq!(kind, "SoNotImplementedException");
        assert_eq!(message, format!("The operation `{name}` is not implemented by this server."));
        assert!(!api::routes().iter().any(|(path, _)| path == &format!("/api/v1/Agents/User/{name}")), "{name}");
    }
    call(&server, "anna", "MakeCoffee", Value::Null).await.error(StatusCode::NOT_FOUND);
    let readme = include_str!("../../README.md");
    let (_, list) = readme.split_once("Of the User agent, these operations answer 501:").expect("the list");
    let (list, _) = list.split_once(".\n").expect("its end");
    let listed: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, BTreeSet::from(UNIMPLEMENTED));
}
