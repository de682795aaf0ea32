//! Roles, groups and persons in bodies, given by id or name.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANNA, Answer, BJORN, CHRIS, Server};

async fn send(server: &Server, caller: &str, method: Method, path: &str, body: Value) -> Answer {
    server.call(method, format!("/api/v1/User{path}")).by(caller).json(body).send().await
}

async fn put(server: &Server, body: Value) -> Answer {
    send(server, "admin", Method::PUT, "/2", body).await
}

#[tokio::test]
async fn a_role_or_group_may_be_given_by_its_name() {
    let server = Server::demo().await;
    let new = json!({"Name": "eva", "Role": {"Value": "administrator"}, "UserGroup": {"Value": "FIELD sales"},
        "OtherGroups": [{"Value": "Head office"}, {"Id": 1}]});
    assert_eq!(send(&server, "admin", Method::POST, "/Validate", new.clone()).await.body, json!({}));
    let made = send(&server, "admin", Method::POST, "", new).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!((&made.body["Role"]["Value"], &made.body["Role"]["Id"]), (&"Administrator".into(), &1.into()));
    assert_eq!(made.body["UserGroup"]["Value"], "Field sales");
    let others: Vec<_> = made.body["OtherGroups"].as_array().expect("a list").iter().map(|one| &one["Value"]).collect();
    assert_eq!(others, ["Head office"]);
    let changed = put(&server, json!({"role": {"value": "UserAdmin"}})).await;
    assert_eq!(changed.body["Role"]["Value"], "UserAdmin", "{}", changed.text);
    let agent = server.post("/api/v1/Agents/User/SaveUser").by("admin");
    let agent = agent.json(json!({"AssociateId": ANNA, "Role": {"Value": "Employee"}})).send().await;
    assert_eq!(agent.body["Role"]["Value"], "Employee", "{}", agent.text);
    for patch in [
        json!({"Role": {"Value": "UserAdmin"}}),
        json!([{"op": "replace", "path": "/Role/Value", "value": "Employee"}]),
        json!([{"op": "replace", "path": "/Role", "value": {"Value": "UserAdmin"}}]),
    ] {
        let before = server.user(ANNA).await.role.name;
        let got = send(&server, "admin", Method::PATCH, "/2", patch.clone()).await;
        assert_eq!(got.status, StatusCode::OK, "{patch}: {}", got.text);
        assert_ne!(server.user(ANNA).await.role.name, before, "{patch}");
    }
}

#[tokio::test]
async fn an_unknown_name_or_one_contradicting_the_id_is_refused() {
    let server = Server::demo().await;
    let unknown_group = "there is no group `Nowhere`; GetAllUserGroups lists them";
    for (given, field, reason) in [
        (json!({"Role": {"Value": "Boss"}}), "Role", "there is no role `Boss`; GetAllRoles lists them"),
        (
            json!({"Role": {"Id": 1, "Value": "UserAdmin"}}),
            "Role",
            "the role 1 is not `UserAdmin`; send its Id or its Value, not both",
        ),
        (
            json!({"Role": {"Id": "2", "Value": "Administrator"}}),
            "Role",
            "the role 2 is not `Administrator`; send its Id or its Value, not both",
        ),
        (json!({"UserGroup": {"Value": "Nowhere"}}), "UserGroup", unknown_group),
        (json!({"OtherGroups": [{"Value": "Nowhere"}]}), "OtherGroups", unknown_group),
        (
            json!({"OtherGroups": [{"Id": 1, "Value": "Field sales"}]}),
            "OtherGroups",
            "the group 1 is not `Field sales`; send its Id or its Value, not both",
        ),
        (
            json!({"Person": {"PersonId": 3, "FullName": "Eva Berg"}}),
            "Person",
            "the person 3 is `Bjørn Haugen` and does not have these names; send PersonId alone",
        ),
    ] {
        let before = server.user(ANNA).await;
        let mut new = given.clone();
        new["Name"] = "eva".into();
        for (path, method, body) in
            [("", Method::POST, &new), ("/2", Method::PUT, &given), ("/2", Method::PATCH, &given)]
        {
            // A merge patch adds an object to a list and replaces a list by a list.
            let got = send(&server, "admin", method, path, body.clone()).await;
            let expected = ("SoValidationException", format!("{field}: {reason}."));
            let (kind, told) = got.error(StatusCode::BAD_REQUEST);
            assert_eq!((kind, told.to_owned()), expected, "{path} {given}");
        }
        let told = send(&server, "admin", Method::POST, "/Validate", new).await;
        assert_eq!(told.body, json!({field: reason}), "{given}");
        assert_eq!(server.user(ANNA).await, before, "{given}");
    }
    let renamed = put(&server, json!({"Person": {"FullName": "Eva Berg"}})).await;
    let told = "Person: FullName is made of Firstname, MiddleName and Lastname; send those.";
    assert_eq!(renamed.error(StatusCode::BAD_REQUEST).1, told);
}

#[tokio::test]
async fn a_user_can_be_saved_as_it_was_read_and_with_new_ids() {
    let server = Server::demo().await;
    for id in [ADMIN, ANNA, BJORN, CHRIS] {
        let read = server.get(format!("/api/v1/User/{id}")).by("admin").send().await.body;
        let saved = send(&server, "admin", Method::PUT, &format!("/{id}"), read.clone()).await;
        assert_eq!((saved.status, &saved.body), (StatusCode::OK, &read), "{}", saved.text);
    }
    for (patch, role) in [
        (json!([{"op": "replace", "path": "/Role/Id", "value": 4}]), "UserAdmin"),
        (json!({"Role": {"Id": 2}}), "Employee"),
        (json!([{"op": "replace", "path": "/Role/Id", "value": "4"}]), "UserAdmin"),
        (json!([{"op": "remove", "path": "/Role"}]), "Employee"),
    ] {
        let got = send(&server, "admin", Method::PATCH, "/2", patch.clone()).await;
        assert_eq!(got.body["Role"]["Value"], role, "{patch}: {}", got.text);
    }
    let mut read = server.get("/api/v1/User/2").by("admin").send().await.body;
    read["Role"]["Id"] = 4.into();
    let got = send(&server, "admin", Method::PUT, "/2", read.clone()).await;
    assert_eq!(got.body["Role"]["Value"], "UserAdmin", "sent back with only another id: {}", got.text);
    read = got.body;
    read["Person"]["Lastname"] = "Berg".into();
    let renamed = put(&server, read).await;
    assert_eq!(renamed.body["Person"]["FullName"], "Anna Berg", "{}", renamed.text);
}

#[tokio::test]
async fn a_full_name_names_the_person_of_a_new_user() {
    let server = Server::demo().await;
    let new = json!({"Name": "eva", "Person": {"FullName": "Eva Maria Berg"}});
    let made = send(&server, "admin", Method::POST, "", new).await;
    let person = &made.body["Person"];
    let names = [&person["Firstname"], &person["Lastname"], &person["FullName"]];
    assert_eq!(names, ["Eva Maria", "Berg", "Eva Maria Berg"], "{}", made.text);
    let same = json!({"Name": "anna2", "Person": {"PersonId": 2, "FullName": "ANNA Lindqvist"}});
    let made = send(&server, "admin", Method::POST, "", same).await;
    assert_eq!(made.body["Person"]["PersonId"], 2, "{}", made.text);
}

#[tokio::test]
async fn a_role_name_grants_no_more_than_its_id() {
    let server = Server::demo().await;
    for role in [json!({"Id": 1}), json!({"Value": "Administrator"})] {
        let own = send(&server, "anna", Method::PUT, "/2", json!({"Role": role})).await;
        assert!(own.error(StatusCode::FORBIDDEN).1.starts_with("Role: your role"), "{}", own.text);
    }
    send(&server, "admin", Method::PUT, "/3", json!({"Role": {"Value": "UserAdmin"}})).await;
    let outranked = send(&server, "bjorn", Method::PUT, "/2", json!({"Role": {"Value": "Administrator"}})).await;
    outranked.error(StatusCode::FORBIDDEN);
    let last = send(&server, "admin", Method::PUT, "/1", json!({"Role": {"Value": "Employee"}})).await;
    assert!(last.error(StatusCode::FORBIDDEN).1.starts_with("This is the last administrator"), "{}", last.text);
}
