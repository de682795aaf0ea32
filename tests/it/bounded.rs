//! Limits on request bodies, and the order of permission checks, locks and password hashing.

use std::time::{Duration, Instant};

use kommando::{
    api,
    users::{self, UserColumn},
};
use poem::http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::harness::{ABSENT, ADMIN, ANNA, Answer, BJORN, CHRIS, Held, PASSWORD, Server};

const AGENT: &str = "/api/v1/Agents/User/";
const USER: &str = "/api/v1/User";
/// The time limit of a response that needs no lock, on a busy machine.
const SOON: Duration = Duration::from_secs(20);

async fn send(server: &Server, caller: &str, request: &str, body: &Value) -> Answer {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{AGENT}{path}") };
    let call = server.call(Method::from_bytes(method.as_bytes()).expect("a method"), path);
    call.by(caller).json(body.clone()).send().await
}

fn members(count: usize) -> Value {
    Value::Object((0..count).map(|number| (format!("u{number}"), json!(1))).collect::<Map<_, _>>())
}

fn groups(count: usize) -> Value {
    (0..count).map(|number| json!({"Id": number + 100})).collect()
}

fn operations(count: usize) -> Value {
    let add = |number| json!({"op": "add", "path": format!("/u{number}"), "value": vec![1; 50]});
    (0..count).map(add).collect()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| json!({"a": inner}))
}

fn credentials(count: usize, password: &str) -> Value {
    (0..count).map(|_| json!({"Type": {"Type": "CRM5/PASSWORD"}, "Value": password})).collect()
}

#[tokio::test]
async fn a_body_over_a_limit_is_refused_with_the_limit() {
    let server = Server::demo().await;
    let (own, log_in) = (format!("PATCH {USER}/{CHRIS}"), "POST /_ext/session");
    for (request, body, told) in [
        (own.as_str(), members(65_536), "an object has more than 1000 members"),
        (&own, json!({"Person": members(1001)}), "an object has more than 1000 members"),
        (&own, operations(1001), "a JSON Patch has more than 1000 operations"),
        (&own, (0..65_536).map(|_| json!(1)).collect(), "a list has more than 10000 items"),
        (&own, nested(33), "objects and lists are nested more than 32 deep"),
        (&own, json!([{"op": "add", "path": "/a".repeat(33), "value": 1}]), "a path has more than 32 names"),
        (&format!("PUT {USER}/{CHRIS}"), members(1001), "an object has more than 1000 members"),
        (&format!("POST {USER}"), members(1001), "an object has more than 1000 members"),
        (&format!("POST {USER}/Validate"), json!({"OtherGroups": groups(70_000)}), "a list has more than 10000 items"),
        ("POST GetUserGroupList", (0..10_001).collect(), "a list has more than 10000 items"),
        ("POST GetUserInfoList", (0..10_001).collect(), "a list has more than 10000 items"),
        ("POST FindRolesWithFunctionalRights", json!({"FunctionalRightNames": vec!["x"; 10_001]}), "10000 items"),
        ("POST SaveUser", nested(33), "nested more than 32 deep"),
        ("POST ExecuteUserCommand", members(1001), "an object has more than 1000 members"),
        (log_in, members(1001), "an object has more than 1000 members"),
        ("POST /_ext/password", nested(33), "nested more than 32 deep"),
    ] {
        let got = send(&server, "chris", request, &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{request}: {}", got.text);
        assert!(got.text.contains("Body: ") && got.text.contains(told), "{request}: {}", got.text);
    }
    for (request, body) in [
        (own.as_str(), members(1000)),
        (&own, operations(1000)),
        (&own, nested(32)),
        ("POST GetUserGroupList", (0..10_000).collect()),
    ] {
        let got = send(&server, "chris", request, &body).await;
        assert_eq!(got.status, StatusCode::OK, "{request}: {}", got.text);
    }
}

async fn time(server: &Server, caller: &str, request: &str, body: &Value) -> Duration {
    let started = Instant::now();
    let got = send(server, caller, request, body).await;
    let took = started.elapsed();
    assert_eq!(got.status, StatusCode::OK, "{request}: {}", got.text);
    took
}

#[tokio::test]
async fn twice_the_body_takes_about_twice_as_long() {
    let server = Server::demo().await;
    let own = format!("PATCH {USER}/{CHRIS}");
    let objects = |count: usize| {
        let object = |number| (format!("o{number}"), members(1000));
        Value::Object((0..count).map(object).collect::<Map<_, _>>())
    };
    let validate = format!("POST {USER}/Validate");
    let with_groups = |count: usize| json!({"Name": "eva", "OtherGroups": groups(count)});
    let rows: [(&str, &str, Value, Value); 3] = [
        ("chris", &own, objects(10), objects(20)),
        ("chris", &own, operations(500), operations(1000)),
        ("admin", &validate, with_groups(2_500), with_groups(5_000)),
    ];
    for (caller, request, once, twice) in rows {
        // Compare the minimum of several alternating measurements: a busy machine can only make them longer.
        let (mut of_once, mut of_twice) = (Duration::MAX, Duration::MAX);
        for round in 1.. {
            of_once = of_once.min(time(&server, caller, request, &once).await);
            of_twice = of_twice.min(time(&server, caller, request, &twice).await);
            if round >= 5 && of_twice <= 3 * of_once {
                break;
            }
            assert!(round < 30, "{request}: {of_twice:?} for twice what takes {of_once:?}");
        }
    }
}

#[tokio::test]
async fn refused_requests_do_not_wait_for_the_lock() {
    let server = Server::demo().await;
    let held = Held::all_users(&server.app.store).await;
    let long = "x".repeat(255);
    let forbidden = [
        (format!("POST {USER}"), json!({"Name": "eva", "Credentials": credentials(1400, PASSWORD)})),
        (format!("PUT {USER}/{ANNA}"), json!({"Tooltip": "x"})),
        (format!("PUT {USER}/anna"), json!({"Tooltip": "x"})),
        (format!("PUT {USER}/{CHRIS}"), json!({"Name": "other"})),
        (format!("PATCH {USER}/{ANNA}"), operations(1000)),
        (format!("PATCH {USER}/{CHRIS}"), json!({"Role": {"Id": 1}})),
        (format!("DELETE {USER}/{ANNA}"), Value::Null),
        (format!("DELETE {USER}/{CHRIS}"), Value::Null),
        (format!("PUT {USER}/{ANNA}/UserPresenceStatus"), json!({"Status": "StatusNone"})),
        ("POST SaveUser".to_owned(), json!({"Name": "eva"})),
        ("POST SaveUserFromName".to_owned(), json!({"UserName": "anna", "User": {"Tooltip": "x"}})),
        ("POST ChangeUserType".to_owned(), json!({"User": {"AssociateId": ANNA}, "UserType": "SystemAssociate"})),
        ("POST DeleteUser?userId=2".to_owned(), Value::Null),
        ("POST DeleteUserFromName".to_owned(), json!({"UserName": "anna"})),
        ("POST MakeRetired".to_owned(), json!({"AssociateId": ANNA, "Retired": true})),
        (
            "POST SetUserPresenceStatus".to_owned(),
            json!({"AssociateId": ANNA, "UserPresenceStatus": {"Status": "StatusNone"}}),
        ),
        ("POST SetPassword".to_owned(), json!({"AssociateId": ANNA, "Password": PASSWORD})),
        ("POST SetPasswordFromName".to_owned(), json!({"AssociateName": "anna", "Password": PASSWORD})),
        ("POST SetGeneratedPassword".to_owned(), json!({"AssociateId": ANNA})),
        ("POST SetGeneratedPasswordFromName".to_owned(), json!({"AssociateName": "anna"})),
        (
            "POST ChangePassword".to_owned(),
            json!({"AssociateId": ANNA, "OldPassword": PASSWORD, "NewPassword": PASSWORD}),
        ),
        ("POST SaveCredential".to_owned(), json!({"UserId": ANNA, "Credential": credentials(1, PASSWORD)[0]})),
        ("POST DeleteCredential".to_owned(), json!({"UserId": CHRIS, "CredentialType": "CRM5/PASSWORD"})),
        ("POST SaveUserGroup".to_owned(), json!({"UserGroup": {"Value": "x"}})),
        ("POST DeleteUserGroup".to_owned(), json!({"UserGroupToDelete": 2, "UserGroupToMoveTo": 1})),
        ("POST SaveRoleEntity".to_owned(), json!({"Name": "x"})),
        ("POST DeleteRole".to_owned(), json!({"RoleIdToDelete": 3, "ReplacingRoleId": 2})),
        ("POST SetFunctionalRights".to_owned(), json!({"RoleId": 3, "FunctionalRightIds": [1]})),
    ];
    let wrong = [
        (403, format!("DELETE {USER}/{ADMIN}"), Value::Null),
        (403, "POST DeleteCredential".to_owned(), json!({"UserId": ADMIN, "CredentialType": "CRM5/PASSWORD"})),
        (404, format!("PUT {USER}/{ABSENT}"), json!({"Tooltip": "x"})),
        (404, "POST SetPassword".to_owned(), json!({"AssociateId": ABSENT, "Password": PASSWORD})),
        (400, "POST SetPassword".to_owned(), json!({"AssociateId": ANNA, "Password": ""})),
        (400, format!("POST {USER}"), json!({"Name": "anna"})),
        (400, format!("PUT {USER}/{ANNA}"), json!({"OtherGroups": groups(10_000)})),
        (400, format!("PATCH {USER}/{ANNA}"), json!({"Rank": "x"})),
        (409, format!("PATCH {USER}/{ANNA}"), json!([{"op": "test", "path": "/Name", "value": "bjorn"}])),
        (400, format!("PUT {USER}/{ANNA}/UserPresenceStatus"), json!({"Status": "StatusNone", "Message": long})),
        (400, "POST SaveUserGroup".to_owned(), json!({"UserGroup": {"Value": ""}})),
        (400, "POST DeleteUserGroup".to_owned(), json!({"UserGroupToDelete": 2, "UserGroupToMoveTo": 2})),
        (400, "POST SaveRoleEntity".to_owned(), json!({"Name": "x", "Rank": 31})),
        (400, "POST DeleteRole".to_owned(), json!({"RoleIdToDelete": 1, "ReplacingRoleId": 2})),
        (400, "POST SetFunctionalRights".to_owned(), json!({"RoleId": 3, "FunctionalRightIds": [99]})),
    ];
    let rows = forbidden.into_iter().map(|(request, body)| ("chris", 403, request, body));
    let rows = rows.chain(wrong.into_iter().map(|(status, request, body)| ("admin", status, request, body)));
    for (caller, status, request, body) in rows {
        let got = timeout(SOON, send(&server, caller, &request, &body)).await;
        let got = got.unwrap_or_else(|_| panic!("{caller} {request} waits for the lock"));
        assert_eq!(got.status.as_u16(), status, "{caller} {request}: {}", got.text);
    }
    // The lock is really held: a permitted request waits for it.
    let request = format!("PUT {USER}/{ANNA}");
    let (change, short) = (json!({"Tooltip": "x"}), Duration::from_millis(500));
    assert!(timeout(short, send(&server, "admin", &request, &change)).await.is_err(), "the lock is not held");
    held.end();
    assert_eq!(send(&server, "admin", &request, &change).await.status, StatusCode::OK);
}

#[tokio::test]
async fn permission_is_checked_before_any_password() {
    let server = Server::demo().await;
    let promoted = send(&server, "admin", &format!("PUT {USER}/{BJORN}"), &json!({"Role": {"Id": 4}})).await;
    assert_eq!(promoted.body["Role"]["Value"], "UserAdmin");
    // Hashing would refuse this password with 400.
    let long = "x".repeat(1001);
    let (one, many) = (credentials(1, &long), credentials(700, &long));
    for (caller, request, body) in [
        ("chris", format!("POST {USER}"), json!({"Name": "eva", "Credentials": many})),
        ("anna", format!("POST {USER}"), json!({"Name": "eva", "Credentials": one})),
        ("chris", format!("PUT {USER}/{ANNA}"), json!({"Credentials": one})),
        ("chris", format!("PUT {USER}/{CHRIS}"), json!({"Credentials": many})),
        ("bjorn", format!("PUT {USER}/{ADMIN}"), json!({"Credentials": one})),
        ("bjorn", format!("POST {USER}"), json!({"Name": "eva", "Role": {"Id": 1}, "Credentials": one})),
        ("chris", "POST SaveUser".to_owned(), json!({"Name": "eva", "Credentials": many})),
        ("chris", "POST SaveUserFromName".to_owned(), json!({"UserName": "anna", "User": {"Credentials": one}})),
        ("bjorn", "POST SetPassword".to_owned(), json!({"AssociateId": ADMIN, "Password": long})),
        ("bjorn", "POST SetPasswordFromName".to_owned(), json!({"AssociateName": "admin", "Password": long})),
        ("bjorn", "POST SaveCredential".to_owned(), json!({"UserId": ADMIN, "Credential": one[0]})),
        ("anna", "POST SetPassword".to_owned(), json!({"AssociateId": ANNA, "Password": long})),
    ] {
        let got = send(&server, caller, &request, &body).await;
        got.error(StatusCode::FORBIDDEN);
    }
    let wrong = json!({"Name": "007", "Credentials": credentials(1, &long)});
    let got = send(&server, "admin", &format!("POST {USER}"), &wrong).await;
    assert!(got.error(StatusCode::BAD_REQUEST).1.starts_with("Name: "), "other properties are checked first");
    let fine = json!({"Name": "eva", "Credentials": credentials(1, &long)});
    let got = send(&server, "admin", &format!("POST {USER}"), &fine).await;
    assert!(got.error(StatusCode::BAD_REQUEST).1.starts_with("Password: "), "{}", got.text);
}

#[tokio::test]
async fn a_request_sets_at_most_one_password() {
    let server = Server::demo().await;
    let two = credentials(2, PASSWORD);
    for (request, body) in [
        (format!("POST {USER}"), json!({"Name": "eva", "Credentials": two})),
        (format!("PUT {USER}/{ANNA}"), json!({"Credentials": two})),
        (format!("PUT {USER}/anna"), json!({"Credentials": two})),
        ("POST SaveUser".to_owned(), json!({"AssociateId": ANNA, "Credentials": two})),
        ("POST SaveUserFromName".to_owned(), json!({"UserName": "anna", "User": {"Credentials": two}})),
        (
            "POST ChangeUserType".to_owned(),
            json!({"User": {"AssociateId": ANNA, "Credentials": two}, "UserType": "InternalAssociate"}),
        ),
    ] {
        let got = send(&server, "admin", &request, &body).await;
        let told = "Credentials: only one password can be set, but more than one has a Value.";
        assert_eq!(got.error(StatusCode::BAD_REQUEST).1, told, "{request}");
    }
    let (mut one, new) = (credentials(3, ""), "another correct horse");
    one[1]["Value"] = new.into();
    let set = send(&server, "admin", &format!("PUT {USER}/{ANNA}"), &json!({"Credentials": one})).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    assert_eq!(server.get("/api/v1/User/current").basic("anna", new).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_operation_limits_custom_and_extra_fields() {
    let server = Server::demo().await;
    let many = Value::Object((0..101).map(|number| (format!("x_{number}"), json!("1"))).collect());
    let (long, name) = ("1".repeat(4001), "x".repeat(101));
    for field in ["CustomFields", "ExtraFields"] {
        for (fields, told) in [
            (many.clone(), "there are more than 100 fields"),
            (json!({"x_shoe": long}), "the value of `x_shoe` has more than 4000 characters"),
            (json!({name.clone(): "1"}), "the name `xxxxxxxxxxxxxxxxxxxx…` has more than 100 characters"),
        ] {
            let told = format!("{field}: {told}.");
            for (request, body) in [
                (format!("POST {USER}"), json!({"Name": "eva", field: fields})),
                (format!("PUT {USER}/{ANNA}"), json!({field: fields})),
                (format!("PATCH {USER}/{ANNA}"), json!({field: fields})),
                (format!("PATCH {USER}/{ANNA}"), json!([{"op": "add", "path": field, "value": fields}])),
                ("POST SaveUser".to_owned(), json!({"AssociateId": ANNA, field: fields})),
                ("POST SaveUserFromName".to_owned(), json!({"UserName": "anna", "User": {field: fields}})),
            ] {
                let got = send(&server, "admin", &request, &body).await;
                assert_eq!(got.error(StatusCode::BAD_REQUEST).1, told, "{request}");
            }
            let validated = json!({"Name": "eva", field: fields});
            let got = send(&server, "admin", &format!("POST {USER}/Validate"), &validated).await;
            assert_eq!(got.body, json!({field: told.trim_start_matches(field).trim_matches([':', ' ', '.'])}));
        }
    }
}

#[tokio::test]
async fn stored_fields_over_the_limits_stay_when_unchanged() {
    let server = Server::demo().await;
    let long = "1".repeat(9000);
    let stored = json!({"x_old": long, "x_shoe": "39"});
    let columns = vec![(UserColumn::CustomFields, stored.clone().into())];
    users::set_columns(server.app.store.writer(), ANNA, columns).await.expect("a change");
    let request = format!("PUT {USER}/{ANNA}");
    let (same, shorter, other) = (
        json!({"Tooltip": "x", "CustomFields": stored}),
        json!({"CustomFields": {"x_old": long, "x_shoe": "40"}}),
        json!({"CustomFields": {"x_old": "2".repeat(9000)}}),
    );
    for (body, status) in [
        (json!({"Tooltip": "y"}), StatusCode::OK),
        (same, StatusCode::OK),
        (shorter, StatusCode::OK),
        (other, StatusCode::BAD_REQUEST),
    ] {
        let got = send(&server, "admin", &request, &body).await;
        assert_eq!(got.status, status, "{}", got.text);
    }
    assert_eq!(server.user(ANNA).await.user.custom_fields.0["x_shoe"], "40");
}

/// The length of the longest string in a value.
fn longest(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(longest).max().unwrap_or_default(),
        Value::Object(members) => members.values().map(longest).max().unwrap_or_default(),
        _ => 0,
    }
}

#[tokio::test]
async fn every_stored_text_of_a_user_has_a_limit() {
    let server = Server::demo().await;
    let (document, long) = (api::document(), "x".repeat(50_000));
    let texts = |schema: &str| {
        let properties = document["components"]["schemas"][schema]["properties"].as_object().expect("properties");
        let texts =
            properties.iter().filter(|(_, property)| property["type"] == "string" && property.get("enum").is_none());
        texts.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let of_user = texts("User").into_iter().map(|name| (name.clone(), json!({name: long})));
    let of_person = texts("Person").into_iter().map(|name| (name.clone(), json!({"Person": {name: long}})));
    let mut refused = 0;
    for (name, body) in of_user.chain(of_person) {
        let got = send(&server, "admin", &format!("PUT {USER}/{ANNA}"), &body).await;
        if got.status == StatusCode::BAD_REQUEST {
            refused += 1;
            assert!(got.text.contains(&name) || got.text.contains("is not a date"), "{name}");
        } else {
            assert_eq!(got.status, StatusCode::OK, "{name}: {}", got.text);
            assert!(longest(&got.body) < 1000, "{name} is stored");
        }
    }
    assert!(refused >= 16, "too few stored properties were found: {refused}");
    for (request, body) in [
        (format!("PUT {USER}/{ANNA}/UserPresenceStatus"), json!({"Status": "StatusNone", "Message": long})),
        ("POST SaveUserGroup".to_owned(), json!({"UserGroup": {"Value": long}})),
        ("POST SaveUserGroup".to_owned(), json!({"UserGroup": {"Value": "x", "Tooltip": long}})),
        ("POST SaveRoleEntity".to_owned(), json!({"Name": long})),
        ("POST SaveRoleEntity".to_owned(), json!({"Name": "x", "Tooltip": long})),
    ] {
        let got = send(&server, "admin", &request, &body).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains("has more than"), "{request}: {}", got.text);
    }
}
