//! Rights over a person that several users share.

use kommando::users::{self, UserColumn, role};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    access_ways::{Way, agent, basic, can_log_in, import, line, server, step, ticket, user},
    harness::{ADMIN, ANNA, Answer, BJORN, CHRIS, DORA, Server},
};

const REFUSAL: &str = "Person: another user has the same person, and you may not manage that user.";

/// A server on which bjorn manages users, but not administrators.
async fn with_user_admin() -> Server {
    let server = server().await;
    let db = server.app.store.writer();
    let role = role::find_by_name(db, "UserAdmin").await.expect("an answer").expect("a role");
    users::set_columns(db, BJORN, vec![(UserColumn::RoleId, role.id.into())]).await.expect("a change");
    server
}

async fn person_of(server: &Server, id: i32) -> i32 {
    server.user(id).await.user.person_id.expect("a person")
}

/// Gives a user the person of another user, without permission checks.
async fn share(server: &Server, id: i32, with: i32) {
    let value = (UserColumn::PersonId, Some(person_of(server, with).await).into());
    users::set_columns(server.app.store.writer(), id, vec![value]).await.expect("a change");
}

async fn set_deleted(server: &Server, id: i32, is_deleted: bool) {
    let value = (UserColumn::Deleted, is_deleted.into());
    users::set_columns(server.app.store.writer(), id, vec![value]).await.expect("a change");
}

/// Every way to attach a person to a new user or to chris.
async fn attach(server: &Server, proof: &str, person_id: i32) -> Vec<(&'static str, Answer)> {
    let person = json!({"PersonId": person_id});
    let patch = json!([{"op": "replace", "path": "/Person/PersonId", "value": person_id}]);
    let chris = json!({"AssociateId": CHRIS, "Person": person});
    let by_name = json!({"UserName": "chris", "User": {"Person": person}});
    let typed = json!({"User": {"AssociateId": CHRIS, "Person": person}, "UserType": "ExternalAssociate"});
    let path = format!("/{CHRIS}");
    vec![
        ("POST", user(server, proof, Method::POST, "", json!({"Name": "one", "Person": person})).await),
        ("POST with an id", user(server, proof, Method::POST, "", chris.clone()).await),
        ("PUT", user(server, proof, Method::PUT, &path, json!({"Person": person})).await),
        ("PUT by name", user(server, proof, Method::PUT, "/chris", json!({"Person": person})).await),
        ("JSON Patch", user(server, proof, Method::PATCH, &path, patch).await),
        ("merge patch", user(server, proof, Method::PATCH, &path, json!({"Person": person})).await),
        ("SaveUser, new", agent(server, proof, "SaveUser", json!({"Name": "two", "Person": person})).await),
        ("SaveUser", agent(server, proof, "SaveUser", chris).await),
        ("SaveUserFromName", agent(server, proof, "SaveUserFromName", by_name).await),
        ("ChangeUserType", agent(server, proof, "ChangeUserType", typed).await),
    ]
}

#[tokio::test]
async fn attaching_a_person_needs_rights_over_all_its_users() {
    let server = with_user_admin().await;
    let before = person_of(&server, CHRIS).await;
    for (way, answer) in attach(&server, &basic("bjorn"), person_of(&server, ADMIN).await).await {
        assert_eq!(answer.error(StatusCode::FORBIDDEN).1, REFUSAL, "{way}");
    }
    assert_eq!(person_of(&server, CHRIS).await, before);
    for (caller, of) in [("bjorn", ANNA), ("admin", ADMIN)] {
        let (server, person_id) = (with_user_admin().await, person_of(&server, of).await);
        for (way, answer) in attach(&server, &basic(caller), person_id).await {
            assert_eq!(answer.status, StatusCode::OK, "{way} by {caller}: {}", answer.text);
        }
        assert_eq!(person_of(&server, CHRIS).await, person_id);
    }
}

/// Every way to change the person of chris.
async fn rename(server: &Server, proof: &str) -> Vec<(&'static str, Answer)> {
    let person = json!({"Lastname": "Changed", "Email": "changed@example.com"});
    let patch = json!([{"op": "replace", "path": "/Person/Email", "value": "changed@example.com"}]);
    let chris = json!({"AssociateId": CHRIS, "Person": person});
    let by_name = json!({"UserName": "chris", "User": {"Person": person}});
    let path = format!("/{CHRIS}");
    vec![
        ("POST with an id", user(server, proof, Method::POST, "", chris.clone()).await),
        ("PUT", user(server, proof, Method::PUT, &path, json!({"Person": person})).await),
        ("PUT by name", user(server, proof, Method::PUT, "/chris", json!({"Person": person})).await),
        ("JSON Patch", user(server, proof, Method::PATCH, &path, patch).await),
        ("merge patch", user(server, proof, Method::PATCH, &path, json!({"Person": person})).await),
        ("SaveUser", agent(server, proof, "SaveUser", chris).await),
        ("SaveUserFromName", agent(server, proof, "SaveUserFromName", by_name).await),
    ]
}

#[tokio::test]
async fn changing_a_person_needs_rights_over_all_its_users() {
    let server = with_user_admin().await;
    share(&server, CHRIS, ADMIN).await;
    let before = server.user(ADMIN).await.person;
    // Bjorn and chris may manage chris; neither may manage the administrator.
    for caller in ["bjorn", "chris"] {
        for (way, answer) in rename(&server, &basic(caller)).await {
            assert_eq!(answer.error(StatusCode::FORBIDDEN).1, REFUSAL, "{way} by {caller}");
        }
        let other = user(&server, &basic(caller), Method::PUT, "/4", json!({"Tooltip": caller})).await;
        assert_eq!(other.status, StatusCode::OK, "a property outside the person: {}", other.text);
        let same = user(&server, &basic(caller), Method::PUT, "/4", other.body).await;
        assert_eq!(same.status, StatusCode::OK, "an unchanged person: {}", same.text);
    }
    assert_eq!(server.user(ADMIN).await.person, before);
    for (way, answer) in rename(&server, &basic("admin")).await {
        assert_eq!(answer.status, StatusCode::OK, "{way}: {}", answer.text);
    }
    share(&server, CHRIS, ANNA).await;
    for (way, answer) in rename(&server, &basic("bjorn")).await {
        assert_eq!(answer.status, StatusCode::OK, "{way}: {}", answer.text);
    }
}

#[tokio::test]
async fn retiring_a_user_leaves_others_of_the_person_active() {
    let ways = [
        Way::Delete,
        Way::PutDeleted,
        Way::AgentDelete,
        Way::AgentRetire,
        Way::StepDeleted,
        Way::CommandLine,
        Way::Import,
    ];
    let server = with_user_admin().await;
    share(&server, CHRIS, ADMIN).await;
    for caller in ["bjorn", "admin"] {
        for way in ways {
            set_deleted(&server, CHRIS, false).await;
            assert_eq!(way.go(&server, &basic(caller), CHRIS).await, Ok(()), "{way:?} by {caller}");
            assert!(server.user(CHRIS).await.is_retired(), "{way:?} by {caller}");
            assert!(can_log_in(&server, ADMIN).await, "{way:?} by {caller}");
        }
    }
    let answer = server.get("/api/v1/User/current").by("admin").send().await;
    assert_eq!((answer.status, &answer.body["IsPersonRetired"]), (StatusCode::OK, &false.into()));
    // The person is retired with its last active user, like upstream.
    share(&server, CHRIS, ANNA).await;
    set_deleted(&server, CHRIS, false).await;
    for id in [CHRIS, ANNA] {
        assert_eq!(Way::Delete.go(&server, &basic("admin"), id).await, Ok(()));
        assert_eq!(server.user(ANNA).await.is_person_retired(), id == ANNA);
    }
}

#[tokio::test]
async fn retiring_a_person_needs_rights_over_all_its_users() {
    let server = with_user_admin().await;
    let administrator = server.user(ADMIN).await.user.role_id;
    // Anna is a retired administrator; chris is the last active user of her person.
    let role = (UserColumn::RoleId, administrator.into());
    users::set_columns(server.app.store.writer(), ANNA, vec![role]).await.expect("a change");
    share(&server, CHRIS, ANNA).await;
    set_deleted(&server, ANNA, true).await;
    for way in [Way::Delete, Way::PutDeleted, Way::AgentDelete, Way::AgentRetire, Way::StepDeleted] {
        let end = way.go(&server, &basic("bjorn"), CHRIS).await;
        assert!(end.as_ref().is_err_and(|told| told.contains("may not manage that user")), "{way:?}: {end:?}");
        assert!(!server.user(CHRIS).await.is_retired(), "{way:?}");
    }
    assert_eq!(Way::Delete.go(&server, &basic("admin"), CHRIS).await, Ok(()));
    assert!(server.user(ANNA).await.is_person_retired());
}

/// Every way for a caller to reactivate dora.
async fn reactivate(server: &Server, proof: &str) -> Vec<(&'static str, Answer)> {
    let path = format!("/{DORA}");
    vec![
        ("PUT", user(server, proof, Method::PUT, &path, json!({"Deleted": false})).await),
        ("merge patch", user(server, proof, Method::PATCH, &path, json!({"Deleted": false})).await),
        ("MakeRetired", agent(server, proof, "MakeRetired", json!({"AssociateId": DORA, "Retired": false})).await),
        ("set_deleted", step(server, proof, 1, DORA).await),
    ]
}

#[tokio::test]
async fn reactivating_a_person_needs_rights_over_all_its_users() {
    let server = with_user_admin().await;
    let administrator = server.user(ADMIN).await.user.role_id;
    // Anna is an administrator; the person that she shares with dora is retired.
    let role = (UserColumn::RoleId, administrator.into());
    users::set_columns(server.app.store.writer(), ANNA, vec![role]).await.expect("a change");
    share(&server, ANNA, DORA).await;
    for (way, answer) in reactivate(&server, &basic("bjorn")).await {
        assert!(answer.text.contains("may not manage that user"), "{way}: {}", answer.text);
        assert!(server.user(ANNA).await.is_retired() && server.user(DORA).await.user.deleted, "{way}");
    }
    assert_eq!(line(&server, &["user", "reactivate", "dora"]).await, Ok(()));
    assert!(!server.user(ANNA).await.is_retired() && !server.user(DORA).await.is_retired());
    let refused = import(&server, "name,active\ndora,maybe\n").await;
    assert!(refused.is_err_and(|told| told.contains("neither true nor false")));
}

#[tokio::test]
async fn the_last_administrator_cannot_get_a_retired_person() {
    let server = with_user_admin().await;
    let person_id = person_of(&server, DORA).await;
    let proof = ticket(&server, ADMIN).await;
    for (method, body) in [
        (Method::PUT, json!({"Person": {"PersonId": person_id}})),
        (Method::PATCH, json!([{"op": "replace", "path": "/Person/PersonId", "value": person_id}])),
    ] {
        let refused = user(&server, &proof, method, "/1", body).await;
        assert!(refused.error(StatusCode::FORBIDDEN).1.contains("the last administrator who can log in"));
    }
    assert!(can_log_in(&server, ADMIN).await);
    let unknown = user(&server, &proof, Method::PUT, "/1", json!({"Person": {"PersonId": 4711}})).await;
    assert_eq!(unknown.error(StatusCode::BAD_REQUEST).1, "Person: there is no person 4711.");
    assert_eq!(user(&server, &proof, Method::GET, "/1", Value::Null).await.status, StatusCode::OK);
}
