//! Creating, changing and deleting users.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ABSENT, ADMIN, ANNA, Answer, BJORN, CHRIS, DORA, Server};

async fn send(server: &Server, caller: &str, method: Method, path: &str, body: Value) -> Answer {
    let call = server.call(method, format!("/api/v1/User{path}")).by(caller);
    call.body("application/json", body.to_string()).send().await
}

async fn put(server: &Server, caller: &str, id: i32, body: Value) -> Answer {
    send(server, caller, Method::PUT, &format!("/{id}"), body).await
}

async fn patch(server: &Server, id: i32, body: Value) -> Answer {
    send(server, "admin", Method::PATCH, &format!("/{id}"), body).await
}

#[tokio::test]
async fn a_name_is_enough_to_create_a_user() {
    let server = Server::demo().await;
    let made = send(&server, "admin", Method::POST, "", json!({"name": "eva"})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let id = made.body["AssociateId"].as_i64().expect("an id");
    assert_eq!(made.body["_Links"]["Self"], format!("http://127.0.0.1:8080/api/v1/user/{id}"));
    assert_eq!(
        (&made.body["Role"]["Value"], &made.body["UserGroup"]["Value"]),
        (&"Employee".into(), &"Head office".into())
    );
    assert_eq!((&made.body["Person"]["FullName"], &made.body["Type"]), (&"eva".into(), &"InternalAssociate".into()));
    let read = server.get("/api/v1/User/EVA").by("admin").send().await;
    assert_eq!(read.body["Person"]["PersonId"], made.body["Person"]["PersonId"]);
}

#[tokio::test]
async fn a_new_user_keeps_its_properties_and_can_log_in() {
    let server = Server::demo().await;
    let given = json!({
        "Name": "eva", "UserName": "eva@example.com", "Tooltip": "New", "Type": "ExternalAssociate", "Rank": 3,
        "UserGroup": {"Id": 2}, "OtherGroups": [{"Id": 1}, {"Id": 2}], "Person": {"Firstname": "Eva", "Lastname": "Dahl"},
        "CustomFields": {"x_shoe": "39"}, "Credentials": [{"Type": {"Type": "CRM5/PASSWORD"}, "Value": "hunter2hunter2"}],
    });
    let made = send(&server, "admin", Method::POST, "", given).await.body;
    assert_eq!((&made["Role"]["Value"], &made["Type"]), (&"ExternalUser".into(), &"ExternalAssociate".into()));
    assert_eq!((&made["OtherGroups"].as_array().map(Vec::len), &made["OtherGroups"][0]["Id"]), (&Some(1), &1.into()));
    assert_eq!((&made["CustomFields"], &made["Person"]["FullName"]), (&json!({"x_shoe": "39"}), &"Eva Dahl".into()));
    assert_eq!(made["Credentials"][0]["Value"], Value::Null);
    let own = server.get("/api/v1/User/current").basic("eva@example.com", "hunter2hunter2").send().await;
    assert_eq!((own.status, &own.body["AssociateId"]), (StatusCode::OK, &made["AssociateId"]));
    let fields = server.get("/api/v1/User/CustomField").by("chris").send().await.body;
    assert_eq!((&fields[0]["FieldName"], &fields[0]["FieldType"]), (&"x_shoe".into(), &"LongText".into()));
    assert_eq!(server.get("/api/v1/User/CustomField/X_SHOE").by("chris").send().await.body, fields[0]);
    let missing = server.get("/api/v1/User/CustomField/x_hat").by("chris").send().await;
    missing.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn validate_and_save_report_errors_by_property() {
    let server = Server::demo().await;
    let long = "x".repeat(255);
    for (given, field, reason) in [
        (json!({"Tooltip": "nameless"}), "Name", "the name is empty"),
        (json!({"Name": "Anna"}), "Name", "`Anna` is another user's Name or UserName"),
        (
            json!({"Name": "eva", "UserName": "ANNA@example.com"}),
            "UserName",
            "`ANNA@example.com` is another user's Name or UserName",
        ),
        (json!({"Name": "007"}), "Name", "007 consists of digits only; in a path that would be an id"),
        (json!({"Name": "x".repeat(240)}), "Name", "the name has more than 239 characters"),
        (json!({"Name": "eva", "Tooltip": long}), "Tooltip", "it has more than 254 characters"),
        (
            json!({"Name": "eva", "Person": {"Lastname": "x".repeat(100)}}),
            "Person.Lastname",
            "it has more than 99 characters",
        ),
        (json!({"Name": "eva", "Role": {"Id": 99}}), "Role", "there is no role 99"),
        (json!({"Name": "eva", "UserGroup": {"Id": 98}}), "UserGroup", "there is no group 98"),
        (json!({"Name": "eva", "OtherGroups": [{"Id": 97}]}), "OtherGroups", "there is no group 97"),
        (json!({"Name": "eva", "Person": {"PersonId": 96}}), "Person", "there is no person 96"),
    ] {
        let told = send(&server, "admin", Method::POST, "/Validate", given.clone()).await;
        assert_eq!((told.status, told.body), (StatusCode::OK, json!({field: reason})), "{given}");
        let refused = send(&server, "admin", Method::POST, "", given).await;
        let error = refused.error(StatusCode::BAD_REQUEST);
        assert_eq!(error, ("SoValidationException", format!("{field}: {reason}.").as_str()));
    }
    let fine = send(&server, "admin", Method::POST, "/Validate", json!({"Name": "eva"})).await;
    assert_eq!(fine.body, json!({}));
    let empty = send(&server, "admin", Method::POST, "", Value::Null).await;
    assert_eq!(empty.error(StatusCode::BAD_REQUEST).1, "Entity to save is not in request body.");
    assert_eq!(send(&server, "admin", Method::GET, "/eva", Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_default_user_can_be_saved_once_it_has_a_name() {
    let server = Server::demo().await;
    let mut user = server.get("/api/v1/User/Default?userType=externalassociate").by("admin").send().await.body;
    assert_eq!((&user["AssociateId"], &user["Role"]["Value"]), (&0.into(), &"ExternalUser".into()));
    user["Name"] = "eva".into();
    let saved = send(&server, "admin", Method::POST, "", user).await;
    assert_eq!((saved.status, &saved.body["Name"]), (StatusCode::OK, &"eva".into()));
    let of_anna = server.get("/api/v1/User/Default?personId=2").by("admin").send().await.body;
    assert_eq!(of_anna["Person"]["FullName"], "Anna Lindqvist");
    let second =
        send(&server, "admin", Method::POST, "", json!({"Name": "anna2", "Person": {"PersonId": 2}})).await.body;
    assert_eq!(second["Person"]["FullName"], "Anna Lindqvist");
}

#[tokio::test]
async fn properties_left_out_of_a_put_do_not_change() {
    let server = Server::demo().await;
    let before = server.get("/api/v1/User/2").by("admin").send().await.body;
    let after =
        put(&server, "admin", ANNA, json!({"tooltip": "Busy", "Role": null, "person": {"title": "Boss"}})).await.body;
    assert_eq!((&after["Tooltip"], &after["Person"]["Title"]), (&"Busy".into(), &"Boss".into()));
    for unchanged in ["Name", "UserName", "Role", "UserGroup", "OtherGroups", "Credentials", "CustomFields", "Deleted"]
    {
        assert_eq!(after[unchanged], before[unchanged], "{unchanged}");
    }
    let back = put(&server, "admin", ANNA, before.clone()).await.body;
    assert_eq!(back, before);
    let by_name = send(&server, "admin", Method::PUT, "/anna", json!({"NickName": "An"})).await.body;
    assert_eq!((&by_name["NickName"], by_name.get("_Links")), (&"An".into(), None));
    let twice = put(&server, "admin", BJORN, json!({"NickName": "An"})).await;
    assert_eq!(twice.error(StatusCode::BAD_REQUEST).1, "NickName: `An` is another user's.");
}

#[tokio::test]
async fn a_renamed_user_is_found_only_by_the_new_name() {
    let server = Server::demo().await;
    put(&server, "admin", ANNA, json!({"Name": "anne", "UserName": ""})).await;
    assert_eq!(server.get("/api/v1/User/anne").by("admin").send().await.body["AssociateId"], ANNA);
    for old in ["anna", "anna@example.com"] {
        assert_eq!(server.get(format!("/api/v1/User/{old}")).by("admin").send().await.status, StatusCode::NOT_FOUND);
    }
    let taken = send(&server, "admin", Method::POST, "", json!({"Name": "anna"})).await;
    assert_eq!(taken.status, StatusCode::OK);
}

#[tokio::test]
async fn json_patch_operations_run_in_order() {
    let server = Server::demo().await;
    let operations = json!([
        {"op": "test", "path": "/Name", "value": "anna"},
        {"op": "replace", "path": "tooltip", "value": "Busy"},
        {"op": "add", "path": "/customfields/x_shoe", "value": "39"},
        {"op": "remove", "path": "/othergroups/0"},
        {"op": "add", "path": "/OtherGroups/-", "value": {"id": 2}},
        {"op": "replace", "path": "/person/TITLE", "value": "Boss"},
        {"op": "remove", "path": "/Person/DirectPhone"}
    ]);
    let got = patch(&server, ANNA, operations).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert_eq!((&got.body["Tooltip"], &got.body["CustomFields"]["x_shoe"]), (&"Busy".into(), &"39".into()));
    assert_eq!((&got.body["Person"]["Title"], &got.body["Person"]["DirectPhone"]), (&"Boss".into(), &"".into()));
    assert_eq!(got.body["OtherGroups"][0]["Value"], "Field sales");
}

#[tokio::test]
async fn a_patch_with_a_failed_test_changes_nothing() {
    let server = Server::demo().await;
    let operations = json!([
        {"op": "replace", "path": "/Tooltip", "value": "Busy"},
        {"op": "test", "path": "/name", "value": "bjorn"}
    ]);
    let conflict = patch(&server, ANNA, operations).await;
    let told = conflict.error(StatusCode::CONFLICT).1;
    assert_eq!(told, "Update blocked because a 'test' operation has detected a conflict with the entity value: /Name.");
    assert_ne!(server.user(ANNA).await.user.tooltip, "Busy");
}

#[tokio::test]
async fn a_merge_patch_adds_objects_to_lists_and_replaces_lists() {
    let server = Server::demo().await;
    let sales = put(&server, "admin", BJORN, json!({"OtherGroups": []})).await.body;
    assert_eq!(sales["OtherGroups"], json!([]));
    let added =
        patch(&server, BJORN, json!({"othergroups": {"Id": 1}, "tooltip": null, "Person": {"title": "x"}})).await.body;
    assert_eq!((&added["OtherGroups"][0]["Id"], &added["Tooltip"]), (&1.into(), &"".into()));
    assert_eq!((&added["Person"]["Title"], &added["Person"]["Lastname"]), (&"x".into(), &"Haugen".into()));
    let replaced = patch(&server, BJORN, json!({"OtherGroups": []})).await.body;
    assert_eq!(replaced["OtherGroups"], json!([]));
}

#[tokio::test]
async fn an_invalid_patch_is_refused_with_the_reason() {
    let server = Server::demo().await;
    for (given, told) in [
        (
            json!([{"op": "move", "from": "/Name", "path": "/Tooltip"}]),
            "Body: operation 0: op is `move`, which is not one of add, replace, remove, test.",
        ),
        (json!([{"op": "replace", "path": "/Rank", "value": "x"}]), "Body: Rank must be a 32-bit integer."),
        (
            json!({"Credentials": [{"Type": {"Type": "CRM5/PASSWORD"}, "Value": "x"}]}),
            "Credentials: a patch cannot set a password; use PUT.",
        ),
    ] {
        assert_eq!(patch(&server, ANNA, given).await.error(StatusCode::BAD_REQUEST).1, told);
    }
    for unfit in [json!([{"op": "dance", "path": "/Name"}]), json!([{"op": "remove", "path": "/Shoe"}]), json!([7])] {
        patch(&server, ANNA, unfit).await.error(StatusCode::BAD_REQUEST);
    }
    let missing = patch(&server, ABSENT, json!({})).await;
    assert_eq!(missing.error(StatusCode::NOT_FOUND).1, "User with given id does not exist in the db.");
}

#[tokio::test]
async fn deleting_a_user_retires_it() {
    let server = Server::demo().await;
    for path in ["/2", "/bjorn"] {
        let deleted = send(&server, "admin", Method::DELETE, path, Value::Null).await;
        assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::NO_CONTENT, ""));
    }
    for id in [ANNA, BJORN] {
        let user = server.user(id).await;
        assert!(user.user.deleted && user.is_person_retired());
    }
    assert_eq!(server.get("/api/v1/User/current").by("anna").send().await.status, StatusCode::UNAUTHORIZED);
    let back = put(&server, "admin", ANNA, json!({"Deleted": false})).await;
    assert_eq!((back.status, &back.body["IsPersonRetired"]), (StatusCode::OK, &false.into()));
    assert_eq!(server.get("/api/v1/User/current").by("anna").send().await.status, StatusCode::OK);
    for (path, told) in [("/4711", "User with given id"), ("/absent", "User with given name")] {
        let missing = send(&server, "admin", Method::DELETE, path, Value::Null).await;
        assert!(missing.error(StatusCode::NOT_FOUND).1.starts_with(told));
    }
}

#[tokio::test]
async fn the_last_administrator_cannot_be_removed() {
    let server = Server::demo().await;
    for (method, body) in [
        (Method::DELETE, Value::Null),
        (Method::PUT, json!({"Deleted": true})),
        (Method::PUT, json!({"Role": {"Id": 2}})),
        (Method::PATCH, json!([{"op": "replace", "path": "/Role/Id", "value": 2}])),
        (Method::PATCH, json!([{"op": "remove", "path": "/Role"}])),
    ] {
        let refused = send(&server, "admin", method, "/1", body).await;
        assert_eq!(
            refused.error(StatusCode::FORBIDDEN).1,
            "This is the last administrator who can log in; first make another user with a password an administrator."
        );
    }
    put(&server, "admin", ANNA, json!({"Role": {"Id": 1}})).await;
    assert_eq!(send(&server, "anna", Method::DELETE, "/1", Value::Null).await.status, StatusCode::NO_CONTENT);
    assert!(server.user(ADMIN).await.is_retired());
}

#[tokio::test]
async fn employees_manage_only_themselves_without_promotion() {
    let server = Server::demo().await;
    let others = [
        send(&server, "anna", Method::POST, "", json!({"Name": "eva"})).await,
        put(&server, "anna", BJORN, json!({"Tooltip": "x"})).await,
        put(&server, "chris", ABSENT, json!({"Tooltip": "x"})).await,
        send(&server, "anna", Method::DELETE, "/3", Value::Null).await,
        send(&server, "anna", Method::DELETE, "/absent", Value::Null).await,
        send(&server, "anna", Method::PATCH, "/3", json!({"Tooltip": "x"})).await,
        send(&server, "anna", Method::PUT, "/3/UserPresenceStatus", json!({"Status": "StatusNone"})).await,
    ];
    for refused in others {
        assert!(refused.error(StatusCode::FORBIDDEN).1.starts_with("You may not manage this user."));
    }
    let own = put(&server, "anna", ANNA, json!({"Tooltip": "x", "IsOnTravel": true, "Person": {"Title": "y"}})).await;
    assert_eq!((own.status, &own.body["Person"]["Title"]), (StatusCode::OK, &"y".into()));
    for (given, field) in [
        (json!({"Role": {"Id": 1}}), "Role"),
        (json!({"Name": "anne"}), "Name"),
        (json!({"Deleted": true}), "Deleted"),
        (json!({"OtherGroups": []}), "OtherGroups"),
        (json!({"Person": {"PersonId": 1}}), "Person.PersonId"),
        (json!({"Credentials": [{"Type": {"Type": "CRM5/PASSWORD"}, "Value": "a long password"}]}), "Credentials"),
    ] {
        let refused = put(&server, "anna", ANNA, given).await;
        assert!(refused.error(StatusCode::FORBIDDEN).1.starts_with(&format!("{field}: your role")), "{field}");
    }
    assert_eq!(server.user(ANNA).await.role.name, "Employee");
}

#[tokio::test]
async fn users_set_their_own_presence_and_readers_see_it() {
    let server = Server::demo().await;
    let away = json!({"Status": "StatusNotAvailable", "Message": "Lunch"});
    let set = send(
        &server,
        "anna",
        Method::PUT,
        "/2/UserPresenceStatus",
        json!({"status": "statusnotavailable", "message": "Lunch"}),
    )
    .await;
    assert_eq!((set.status, set.body), (StatusCode::OK, away.clone()));
    assert_eq!(server.get("/api/v1/User/2/UserPresenceStatus").by("bjorn").send().await.body, away);
    let hidden = server.get("/api/v1/User/2/UserPresenceStatus").by("chris").send().await;
    hidden.error(StatusCode::FORBIDDEN);
    let long = json!({"Status": "StatusNone", "Message": "x".repeat(255)});
    let refused = send(&server, "anna", Method::PUT, "/2/UserPresenceStatus", long).await;
    assert!(refused.error(StatusCode::BAD_REQUEST).1.starts_with("Message: "));
}

#[tokio::test]
async fn associate_credential_types_and_foreign_keys_can_be_read() {
    let server = Server::demo().await;
    let own = server.get("/api/v1/User/currentAssociate").by("chris").send().await.body;
    assert_eq!((&own["AssociateId"], &own["FullName"]), (&CHRIS.into(), &"Chris Taylor".into()));
    let types = server.get("/api/v1/User/CredentialTypes").by("chris").send().await.body;
    assert_eq!((&types[0]["Type"], &types[0]["ValueControl"]), (&"CRM5/PASSWORD".into(), &"Password".into()));
    assert_eq!(server.get(format!("/api/v1/User/{DORA}/ForeignKey")).by("admin").send().await.body, json!({}));
    let missing = server.get(format!("/api/v1/User/{ABSENT}/ForeignKey")).by("admin").send().await;
    missing.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn concurrent_changes_lose_nothing_and_names_stay_unique() {
    let server = Server::demo().await;
    let fields = (0..20).map(|number| {
        let operation = json!([{"op": "add", "path": format!("/CustomFields/x_{number}"), "value": "1"}]);
        patch(&server, ANNA, operation)
    });
    for got in futures_util::future::join_all(fields).await {
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    }
    assert_eq!(server.user(ANNA).await.user.custom_fields.0.len(), 20);
    let twins = (0..10).map(|_| send(&server, "admin", Method::POST, "", json!({"Name": "eva"})));
    let mut made = 0;
    for got in futures_util::future::join_all(twins).await {
        match got.status {
            StatusCode::OK => made += 1,
            _ => assert_eq!(got.error(StatusCode::BAD_REQUEST).1, "Name: `eva` is another user's Name or UserName."),
        }
    }
    assert_eq!(made, 1);
}
