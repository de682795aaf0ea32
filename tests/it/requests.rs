//! Requests as clients of upstream really write them: each tolerance of the compatibility page, and what is refused
//! beside it.

use std::time::Duration;

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ANNA, Answer, BJORN, PASSWORD, Server};

const AGENT: &str = "/api/v1/Agents/User/";
const HELLO: &str = "/api/v1/User/2/CustomCommand/hello";

async fn post(server: &Server, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{AGENT}{path}") };
    server.post(path).by("admin").body("application/json", body).send().await
}

async fn patch(server: &Server, media: &str, body: &str) -> Answer {
    server.call(Method::PATCH, "/api/v1/User/2").by("admin").body(media, body).send().await
}

#[tokio::test]
async fn json_is_read_as_upstreams_samples_write_it() {
    let server = Server::demo().await;
    for (path, body) in [
        ("GetUserFromPersonId", r#"{"PersonId":"2"}"#),
        ("GetUserPresenceStatus", r#"{"AssociateId":"2"}"#),
        ("GetUserGroupList", r#"["1", 2,]"#),
        ("GetUserInfoList", "[\"2\"]"),
        ("GetCredentialTypesForUserType", r#"{"UserType":1}"#),
        ("GetCredentialTypesForUserType", r#"{"UserType":"1"}"#),
        ("CreateDefaultUserFromUserType", r#"{"userType":"internalassociate",}"#),
        ("GetAllRoles", r#"{"RoleType":0}"#),
        ("GetAllUserGroups", r#"{"IncludeDeleted":"True"}"#),
        ("GetAllUserGroups", "\u{feff}{\"IncludeDeleted\":true}"),
        ("GetUserCommands", r#"{"AssociateId":"2","Type":1}"#),
        ("GetUserCommands", r#"{"user":{"associateId":"2",},}"#),
        ("GetCredentialTypes", "\u{feff}null"),
        ("GetCredentialTypes", "\u{feff}"),
        ("/api/v1/User/Validate", r#"{"Name":"eva","Rank":"7","Role":{"Id":"2"},"Type":1,"Deleted":"false",}"#),
        ("/_ext/session", &format!("\u{feff}{{\"UserName\":\"anna\",\"PASSWORD\":\"{PASSWORD}\",}}")),
    ] {
        let got = post(&server, path, body).await;
        assert_eq!(got.status, StatusCode::OK, "{path} {body}: {}", got.text);
    }
    let ran = post(
        &server,
        "ExecuteUserCommand",
        r#"{"CommandName":"deactivate","ActionResult":1,"User":{"AssociateId":"3"}}"#,
    );
    let ran = ran.await;
    assert_eq!((&ran.body["Success"], &ran.body["Result"]), (&true.into(), &"Yes".into()), "{}", ran.text);
    let made = post(&server, "/api/v1/User", "\u{feff}{\"Name\":\"eva\",\"Rank\":\"7\",\"Type\":2,}").await;
    assert_eq!((&made.body["Rank"], &made.body["Type"]), (&7.into(), &"ResourceAssociate".into()), "{}", made.text);
    let status = server.call(Method::PUT, "/api/v1/User/2/UserPresenceStatus").by("admin").json(json!({"Status": 127}));
    assert_eq!(status.send().await.body["Status"], "StatusSystem");
}

#[tokio::test]
async fn ambiguous_json_is_refused_by_name() {
    let server = Server::demo().await;
    for (path, body, told) in [
        ("/api/v1/User", r#"{"Name":"eva","Name":"eve"}"#, "`Name` is given twice in one object"),
        ("/api/v1/User", r#"{"Name":"eva","name":"eve"}"#, "Name is given more than once"),
        ("/api/v1/User", r#"{"Name":"eva","CustomFields":{"x":"1","x":"2"}}"#, "`x` is given twice in one object"),
        ("/api/v1/User", r#"{"Name":"eva","Role":{"Id":1,"ID":2}}"#, "Role.Id is given more than once"),
        ("SaveUser", r#"{"Name":"eva","Name":"eva"}"#, "`Name` is given twice in one object"),
        ("GetUserCommands", r#"{"user":{"AssociateId":2},"User":{"AssociateId":3}}"#, "User is given more than once"),
        ("DeleteUserFromName", r#"{"UserName":"anna","userName":"bjorn"}"#, "UserName is given more than once"),
        ("/_ext/session", r#"{"userName":"anna","password":"x","password":"y"}"#, "`password` is given twice"),
        ("/_ext/password", r#"{"userName":"anna","USERNAME":"admin"}"#, "userName is given more than once"),
    ] {
        let got = post(&server, path, body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", got.text);
        assert!(got.text.contains(told), "{path} {body}: {}", got.text);
    }
    for (media, body, told) in [
        ("application/json", r#"{"Tooltip":"a","tooltip":"b"}"#, "`tooltip` is given more than once"),
        ("application/merge-patch+json", r#"{"Tooltip":null,"tooltip":"b"}"#, "`tooltip` is given more than once"),
        ("application/json", r#"[{"op":"remove","path":"/Tooltip","PATH":"/Name"}]"#, "path is given more than once"),
    ] {
        let got = patch(&server, media, body).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains(told), "{body}: {}", got.text);
    }
    assert!(!server.user(ANNA).await.user.deleted && !server.user(BJORN).await.user.deleted);
}

#[tokio::test]
async fn unreadable_values_are_refused_by_name() {
    let server = Server::demo().await;
    for (path, body, told) in [
        ("GetUserPresenceStatus", r#"{"AssociateId":"two"}"#, "AssociateId must be a 32-bit integer"),
        ("GetUserPresenceStatus", r#"{"AssociateId":""}"#, "AssociateId must be a 32-bit integer"),
        ("GetUserPresenceStatus", r#"{"AssociateId":"2147483648"}"#, "AssociateId must be a 32-bit integer"),
        ("GetCredentialTypesForUserType", r#"{"UserType":6}"#, "UserType is `6`, which is not one of Unknown"),
        ("ExecuteUserCommand", r#"{"CommandName":"hello","ActionResult":5}"#, "ActionResult is `5`, which is not"),
        ("GetAllUserGroups", r#"{"IncludeDeleted":"1"}"#, "IncludeDeleted must be true or false"),
        ("GetUserGroupList", "[1,,2]", "Body: expected value"),
        ("/api/v1/User", r#"{"Name":7}"#, "Name must be a string"),
    ] {
        let got = post(&server, path, body).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains(told), "{path} {body}: {}", got.text);
    }
}

#[tokio::test]
async fn booleans_and_enums_in_a_query_are_read_in_any_case() {
    let server = Server::demo().await;
    for query in ["fk=True", "fk=FALSE", "FK=true", "fk=", "fk"] {
        let got = server.get(format!("/api/v1/User/2?{query}")).by("admin").send().await;
        assert_eq!(got.status, StatusCode::OK, "{query}: {}", got.text);
    }
    let got = server.get("/api/v1/User/2?fk=yes").by("admin").send().await;
    assert_eq!(got.error(StatusCode::BAD_REQUEST).1, "Parameter fk: it must be true or false.");
    for (query, name) in [("False", "odata.metadata"), ("TRUE", "odata_metadata"), ("", "odata.metadata")] {
        let got = server.get(format!("/api/v1/User?$jsonSafe={query}&$select=assocName")).by("admin").send().await;
        assert!(got.body.get(name).is_some(), "{query}: {}", got.text);
    }
    let user = server.get("/api/v1/User/Default?userType=5&personId=").by("admin").send().await;
    assert_eq!(user.body["Type"], "SystemAssociate", "{}", user.text);
    let dry = server.post(HELLO).by("admin").header("x-dry-run", "TRUE").send().await;
    assert_eq!(dry.header("x-dry-run"), Some("applied"));
}

#[tokio::test]
async fn an_empty_value_in_a_query_counts_as_left_out() {
    let server = Server::demo().await;
    for path in [
        "/api/v1/User?$top=&$skip=&$skiptoken=&$format=&$jsonSafe=&$filter=&$orderBy=&$select=",
        "/api/v1/User?$top",
        "/api/v1/User/2?$select=&fk=",
        "/api/v1/User/Default?userType=&personId=",
        "/_ext/executions?user=&command=&caller=&outcome=&from=&to=&limit=&cursor=",
        "/_ext/webhooks?state=&target=&execution=&limit=&cursor=",
        "/_ext/tickets?user=&limit=&cursor=",
        "/_ext/commands?user=",
    ] {
        let got = server.get(path).by("admin").send().await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text);
        let plain = server.get(path.split('?').next().expect("a path")).by("admin").send().await;
        assert_eq!(got.text, plain.text, "{path}");
    }
    let asked = server.post("/api/v1/User/2/CustomCommand/deactivate?actionResult=").by("admin").send().await;
    assert_eq!(asked.header("x-command-outcome"), Some("asked"), "{}", asked.text);
    let missing = server.post(format!("{AGENT}GetUser?userId=")).by("admin").send().await;
    assert!(missing.error(StatusCode::BAD_REQUEST).1.starts_with("Parameter userId: "), "{}", missing.text);
}

#[tokio::test]
async fn an_encoded_body_is_refused_with_accept_encoding() {
    let server = Server::demo().await;
    for encoding in ["gzip", "br", "deflate", "zstd", "gzip, identity"] {
        for (path, body) in [(HELLO, vec![0x1f, 0x8b, 8, 0]), ("/api/v1/User", b"{\"Name\":\"eva\"}".to_vec())] {
            let call = server.post(path).by("admin").header("content-encoding", encoding);
            let got = call.body("application/json", body).send().await;
            got.error(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(got.header("accept-encoding"), Some("identity"), "{encoding} {path}");
        }
    }
    assert!(server.executions().await.is_empty());
    let got = server.post(HELLO).by("admin").header("content-encoding", "Identity").json(Value::Null).send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
}

#[tokio::test]
async fn a_malformed_patch_is_refused_with_the_right_form() {
    let server = Server::demo().await;
    let before = server.user(ANNA).await;
    let one = r#"{"op":"replace","path":"/Tooltip","value":"x"}"#;
    for (media, body) in [
        ("application/json-patch+json", r#"{"Tooltip":"x"}"#),
        ("application/json-patch+json; charset=utf-8", "{}"),
        ("application/json-patch+json", one),
        ("application/json", one),
        ("application/merge-patch+json", one),
        ("text/json", r#"{"OP":"remove","Path":"/Tooltip"}"#),
        ("application/json-patch+json", "null"),
    ] {
        let got = patch(&server, media, body).await;
        let told = got.error(StatusCode::BAD_REQUEST).1;
        assert!(told.contains("a JSON Patch is a list of operations, [{\"op\": "), "{media} {body}: {told}");
    }
    assert_eq!(server.user(ANNA).await, before);
    for (media, body) in [
        ("application/json-patch+json", r#"[{"op":"Replace","path":"/Tooltip","value":"1"}]"#),
        ("application/json", r#"[{"Op":"ADD","Path":"tooltip","Value":"2"},]"#),
        ("application/json", r#"{"Tooltip":"3"}"#),
        ("application/merge-patch+json", r#"{"tooltip":"4"}"#),
    ] {
        let got = patch(&server, media, body).await;
        assert_eq!(got.status, StatusCode::OK, "{media} {body}: {}", got.text);
    }
    assert_eq!(server.user(ANNA).await.user.tooltip, "4");
}

#[tokio::test]
async fn a_command_may_be_named_in_the_query_of_the_agent() {
    let server = Server::demo().await;
    let path = "ExecuteUserCommand?commandName=deactivate&actionResult=";
    for (answer, body, outcome) in [
        ("", r#"{"AssociateId":3}"#, "asked"),
        ("No", r#"{"User":{"AssociateId":3}}"#, "declined"),
        ("Yes", r#"{"associateId":"3","Name":"bjorn"}"#, "succeeded"),
    ] {
        let got = post(&server, &format!("{path}{answer}"), body).await;
        assert_eq!(got.header("x-command-outcome"), Some(outcome), "{answer} {body}: {}", got.text);
    }
    assert!(server.user(BJORN).await.user.deleted);
    let twice =
        post(&server, "ExecuteUserCommand?commandName=hello", r#"{"CommandName":"about","User":{"AssociateId":2}}"#);
    let twice = twice.await;
    assert!(twice.error(StatusCode::BAD_REQUEST).1.contains("the body has a different value"), "{}", twice.text);
    let absent = post(&server, "ExecuteUserCommand?commandName=hello", "null").await;
    absent.error(StatusCode::NOT_FOUND);
    assert_eq!(server.executions().await.len(), 3);
}

#[tokio::test]
async fn a_get_on_an_agent_operation_describes_it() {
    let server = Server::demo().await;
    let got = server.get("/API/v1/agents/user/deleteuser?userId=2").by("chris").send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let address = "http://127.0.0.1:8080/api/v1/Agents/User/DeleteUser";
    let told = got.body[address]["POST"].as_str().expect("a description");
    assert!(told.starts_with("Delete a user. Deactivates a user, like"), "{told}");
    assert!(!server.user(ANNA).await.user.deleted, "it is not run");
    let run = server.get(format!("{AGENT}ExecuteUserCommand?commandName=hello")).by("admin").send().await;
    assert_eq!(run.status, StatusCode::OK);
    assert!(server.executions().await.is_empty());
    let unimplemented = server.get(format!("{AGENT}SendChangePasswordEMail")).by("admin").send().await;
    unimplemented.error(StatusCode::NOT_IMPLEMENTED);
    server.get(format!("{AGENT}MakeCoffee")).by("admin").send().await.error(StatusCode::NOT_FOUND);
    server.get(format!("{AGENT}GetUser")).send().await.error(StatusCode::UNAUTHORIZED);
    let put = server.call(Method::PUT, format!("{AGENT}GetUser")).by("admin").send().await;
    put.error(StatusCode::METHOD_NOT_ALLOWED);
}

/// The `Last-Modified` of a user, which is sent once the second of the last change is over.
async fn last_modified(server: &Server, path: &str) -> String {
    for _ in 0..100 {
        let got = server.get(path).by("admin").send().await;
        if let Some(date) = got.header("last-modified") {
            return date.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no Last-Modified of {path}");
}

#[tokio::test]
async fn if_modified_since_gets_304_for_an_unchanged_user() {
    let server = Server::demo().await;
    for path in ["/api/v1/User/2", "/api/v1/User/anna"] {
        let date = last_modified(&server, path).await;
        let ask = async |since: &str| server.get(path).by("admin").header("if-modified-since", since).send().await;
        let same = ask(&date).await;
        assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        assert_eq!(ask("Mon, 02 Jan 2006 15:04:05 GMT").await.status, StatusCode::OK);
        assert!(ask("yesterday").await.error(StatusCode::BAD_REQUEST).1.contains("is not a date such as"));
        // Beside If-None-Match, the date counts for nothing.
        for (tags, date, expected) in [
            ("*", "Mon, 02 Jan 2006 15:04:05 GMT", StatusCode::NOT_MODIFIED),
            ("\"one\", W/\"two\"", &date, StatusCode::OK),
            ("one", &date, StatusCode::BAD_REQUEST),
        ] {
            let call = server.get(path).by("admin").header("if-none-match", tags).header("if-modified-since", date);
            assert_eq!(call.send().await.status, expected, "{tags}");
        }
        // Every way to change the user, the person or the password.
        for (path, body) in [
            ("/api/v1/User/2", json!({"Tooltip": date})),
            ("/api/v1/User/2", json!({"Person": {"Title": date}})),
            ("/api/v1/User/2/UserPresenceStatus", json!({"Status": 1, "Message": date})),
        ] {
            let known = last_modified(&server, "/api/v1/User/2").await;
            let got = server.call(Method::PUT, path).by("admin").json(body).send().await;
            assert_eq!(got.status, StatusCode::OK, "{}", got.text);
            assert_eq!(ask(&known).await.status, StatusCode::OK, "{path} changes the user");
        }
    }
    let known = last_modified(&server, "/api/v1/User/3").await;
    post(&server, "SetPassword", json!({"AssociateId": BJORN, "Password": "another password"}).to_string()).await;
    let got = server.get("/api/v1/User/3").by("admin").header("if-modified-since", &known).send().await;
    assert_eq!(got.status, StatusCode::OK, "a password changes the user");
}

#[tokio::test]
async fn a_change_of_a_shared_person_modifies_both_users() {
    let server = Server::demo().await;
    let second = json!({"Name": "anna2", "Person": {"PersonId": 2}}).to_string();
    let id = post(&server, "/api/v1/User", second).await.body["AssociateId"].as_i64().expect("an id");
    let known = last_modified(&server, "/api/v1/User/2").await;
    let change = server.call(Method::PUT, format!("/api/v1/User/{id}")).by("admin");
    assert_eq!(change.json(json!({"Person": {"Title": "x"}})).send().await.status, StatusCode::OK);
    let got = server.get("/api/v1/User/2").by("admin").header("if-modified-since", &known).send().await;
    assert_eq!((got.status, &got.body["Person"]["Title"]), (StatusCode::OK, &"x".into()));
}

#[tokio::test]
async fn if_unmodified_since_refuses_a_change_after_another() {
    let server = Server::demo().await;
    let known = last_modified(&server, "/api/v1/User/2").await;
    let send = async |method: Method, path: &str, body: Value| {
        let call = server.call(method, format!("/api/v1/User/{path}")).by("admin").json(body);
        call.header("if-unmodified-since", &known).send().await
    };
    let first = send(Method::PUT, "2", json!({"Tooltip": "first"})).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    for (method, path, body) in [
        (Method::PUT, "2", json!({"Tooltip": "second"})),
        (Method::PUT, "anna", json!({"Tooltip": "second"})),
        (Method::PATCH, "2", json!({"Tooltip": "second"})),
        (Method::PATCH, "2", json!([{"op": "remove", "path": "/Tooltip"}])),
        (Method::DELETE, "2", Value::Null),
        (Method::DELETE, "anna", Value::Null),
    ] {
        let got = send(method.clone(), path, body).await;
        let told = got.error(StatusCode::PRECONDITION_FAILED).1;
        assert!(told.starts_with("The user was changed after the time of If-Unmodified-Since."), "{method} {path}");
    }
    let user = server.user(ANNA).await.user;
    assert_eq!((user.tooltip.as_str(), user.deleted), ("first", false));
    let elsewhere = server.post(HELLO).by("admin").header("if-unmodified-since", &known).send().await;
    assert!(elsewhere.error(StatusCode::BAD_REQUEST).1.contains("this operation does not take it"));
    let known = last_modified(&server, "/api/v1/User/2").await;
    let call = server.call(Method::DELETE, "/api/v1/User/2").by("admin").header("if-unmodified-since", &known);
    assert_eq!(call.send().await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_login_error_names_the_missing_member() {
    let server = Server::demo().await;
    for (path, body, told) in [
        ("/_ext/session", r#"{}"#, "Body: userName is missing."),
        ("/_ext/session", "", "Body: userName is missing."),
        ("/_ext/session", r#"{"USERNAME":"anna"}"#, "Body: password is missing."),
        ("/_ext/session", r#"{"UserName":"anna","Password":null}"#, "Body: password is missing."),
        ("/_ext/password", r#"{"UserName":"anna","OldPassword":"x"}"#, "Body: newPassword is missing."),
        ("/_ext/password", r#"{"NewPassword":"x","UserName":"anna"}"#, "Body: oldPassword is missing."),
    ] {
        let got = server.post(path).body("application/json", body).send().await;
        assert_eq!((got.status, &got.body["detail"]), (StatusCode::BAD_REQUEST, &told.into()), "{body}: {}", got.text);
    }
    let change = json!({"USERNAME": "anna", "OldPassword": PASSWORD, "newpassword": "another password"});
    let got = server.post("/_ext/password").json(change).send().await;
    assert_eq!(got.status, StatusCode::NO_CONTENT, "{}", got.text);
    let log_in = json!({"UserName": "anna", "PassWord": "another password"});
    assert_eq!(server.post("/_ext/session").json(log_in).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_error_repeats_little_of_the_request() {
    let server = Server::demo().await;
    let long = "x".repeat(60_000);
    let get = |path: String| server.get(path).by("admin");
    let calls = [
        get("/api/v1/User/2".to_owned()).header("so-timezone", &long),
        get(format!("/api/v1/User/2?$select={long}")),
        get(format!("/api/v1/User/2?fk={long}")),
        get(format!("/api/v1/User/2?{0}=1&{0}=2", &long[..30_000])),
        get(format!("/api/v1/User?$filter={}", &long[..7_000])),
        get(format!("/api/v1/User?$filter={} eq 1", &long[..7_000]).replace(' ', "%20")),
        get(format!("/api/v1/User?$format={long}")),
        get(format!("/_ext/executions?from={long}")),
        get(format!("/_ext/executions?cursor={long}")),
        get(format!("/_ext/executions?outcome={long}")),
        get("/api/v1/User/2".to_owned()).header("if-modified-since", &long),
        server.post(format!("/api/v1/User/2/CustomCommand/{long}")).by("admin"),
        server.post(format!("{HELLO}?actionResult={long}")).by("admin"),
        server.post("/api/v1/User").by("admin").json(json!({"Name": "eva", "Type": long})),
        server.post("/api/v1/User").by("admin").json(json!({"Name": "eva", "CustomFields": {long.clone(): 1}})),
        server.post("/api/v1/User").by("admin").json(json!({"Name": "eva", "Role": {"Value": long}})),
        server.call(Method::PATCH, "/api/v1/User/2").by("admin").json(json!([{"op": "remove", "path": long}])),
        server.call(Method::PATCH, "/api/v1/User/2").by("admin").json(json!([{"op": long, "path": "/Name"}])),
    ];
    for (index, call) in calls.into_iter().enumerate() {
        let got = call.send().await;
        let (length, start) = (got.text.len(), &got.text[..got.text.len().min(200)]);
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{index}: {start}");
        assert!(length < 6_000, "{index}: {length} bytes: {start}");
    }
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    let server = Server::demo().await;
    let got = server.post("/api/v1/Agents/User/GetUser").by("admin").send().await;
    assert_eq!(got.error(StatusCode::BAD_REQUEST).1, "Parameter userId: it is missing.");
}
