//! Operations of the User agent that read users and run commands.

use kommando::api::{self, UNIMPLEMENTED};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ABSENT, ANNA, Answer, Server};

/// Calls an operation of the User agent like the vendor's client.
pub async fn call(server: &Server, caller: &str, operation: &str, body: Value) -> Answer {
    let call = server.post(format!("/api/v1/Agents/User/{operation}")).by(caller);
    call.body("application/json", body.to_string()).send().await
}

#[tokio::test]
async fn every_operation_returns_the_same_user() {
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
async fn a_missing_user_is_null() {
    let server = Server::demo().await;
    let got = server.post(format!("/api/v1/Agents/User/GetUser?userId={ABSENT}")).by("admin").send().await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "null"));
    let got = call(&server, "admin", "GetUserFromName", json!({"UserName": "absent"})).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "null"));
    let got = call(&server, "admin", "GetUserFromPersonId", json!({"PersonId": ABSENT})).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "[]"));
}

#[tokio::test]
async fn without_read_rights_other_users_look_like_missing_ones() {
    let server = Server::demo().await;
    for (operation, body) in [
        ("GetUser?userId=2", Value::Null),
        ("GetUser?userId=4711", Value::Null),
        ("GetUserFromName", json!({"UserName": "anna"})),
        ("GetUserFromName", json!({"UserName": "absent"})),
        ("GetUserCommands", json!({"AssociateId": 2})),
    ] {
        call(&server, "chris", operation, body).await.error(StatusCode::FORBIDDEN);
    }
    assert_eq!(call(&server, "chris", "GetUserFromPersonId", json!({"PersonId": 2})).await.text, "[]");
}

#[tokio::test]
async fn get_user_commands_accepts_every_form_of_the_user() {
    let server = Server::demo().await;
    let listed = server.get("/api/v1/User/2/CustomCommand").by("admin").send().await.body;
    for body in [json!({"AssociateId": ANNA}), json!({"user": {"associateId": ANNA}}), json!({"associateid": ANNA})] {
        assert_eq!(call(&server, "admin", "GetUserCommands", body).await.body, listed);
    }
    let got = call(&server, "admin", "GetUserCommands", json!({"AssociateId": ABSENT})).await;
    assert_eq!(got.error(StatusCode::NOT_FOUND).1, "User with given id does not exist in the db.");
}

#[tokio::test]
async fn the_agent_runs_commands_like_the_resource() {
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
async fn the_agent_refuses_commands_like_the_resource() {
    let server = Server::demo().await;
    let run = |body| call(&server, "admin", "ExecuteUserCommand", body);
    let absent = run(json!({"CommandName": "hello", "User": {"AssociateId": ABSENT}})).await;
    assert_eq!(absent.error(StatusCode::NOT_FOUND).1, "User with given id does not exist in the db.");
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
async fn unselected_properties_are_null() {
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
async fn unimplemented_operations_answer_501() {
    let server = Server::demo().await;
    let names = UNIMPLEMENTED.iter().flat_map(|(agent, names)| names.iter().map(move |name| (*agent, *name)));
    for (agent, name) in names.clone() {
        let call = server.post(format!("/api/v1/Agents/{}/{}", agent.to_lowercase(), name.to_lowercase()));
        let answer = call.by("anna").send().await;
        let (kind, message) = answer.error(StatusCode::NOT_IMPLEMENTED);
        assert_eq!(kind, "SoNotImplementedException");
        assert_eq!(message, format!("The operation `{name}` is not implemented by this server."));
        assert!(!api::routes().iter().any(|(path, _)| path == &format!("/api/v1/Agents/{agent}/{name}")), "{name}");
    }
    call(&server, "anna", "MakeCoffee", Value::Null).await.error(StatusCode::NOT_FOUND);
    let page = include_str!("../../docs/compatibility.md");
    let is_listed =
        |name: &str| page.contains(&format!("/{name}` | 501 |")) || page.contains(&format!("`{name}`, which"));
    let missing: Vec<_> = names.filter(|(_, name)| !is_listed(name)).collect();
    assert!(missing.is_empty(), "docs/compatibility.md lacks {missing:?}");
}
