//! The cache of verified passwords, and its invalidation.

use chrono::{TimeDelta, Utc};
use kommando::{
    store::Store,
    users::{self, credential, ticket},
};
use poem::http::{Method, StatusCode};
use sea_orm::{EntityTrait, sea_query::Expr};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::harness::{ADMIN, ANNA, BJORN, PASSWORD, Server};

const CURRENT: &str = "/api/v1/User/current";

#[tokio::test]
async fn a_changed_password_is_forgotten_at_once() {
    let server = Server::demo().await;
    for _ in 0..2 {
        assert_eq!(server.get(CURRENT).by("admin").send().await.status, StatusCode::OK);
    }
    let hash = server.hash("a new password").await;
    credential::set_password(server.app.store.writer(), ADMIN, hash, None).await.expect("a change");
    assert_eq!(server.get(CURRENT).by("admin").send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.get(CURRENT).basic("admin", "a new password").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cached_password_logs_in_the_current_owner_of_the_name() {
    let server = Server::demo().await;
    let current = async |name: &str| server.get(CURRENT).by(name).send().await.body["AssociateId"].clone();
    assert_eq!((current("anna").await, current("bjorn").await), (ANNA.into(), BJORN.into()));
    for (user, name) in [(ANNA, "other"), (BJORN, "anna")] {
        let rename = server.call(Method::PATCH, format!("/api/v1/User/{user}")).by("admin").json(json!({"Name": name}));
        assert_eq!(rename.send().await.status, StatusCode::OK);
    }
    assert_eq!(current("anna").await, BJORN, "both users have the same password");
    assert_eq!(server.get(CURRENT).by("bjorn").send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(current("other").await, ANNA);
}

#[tokio::test]
async fn issuing_credentials_revalidates_the_password() {
    let server = Server::demo().await;
    let other = Store::open(&server.database.url).await.expect("the same database");
    let log_in = json!({"userName": "anna", "password": PASSWORD});
    let change = json!({"userName": "anna", "oldPassword": PASSWORD, "newPassword": "a stolen password"});
    let status = async |number: usize| {
        let call = match number {
            0 => server.post("/_ext/session").json(log_in.clone()),
            1 => server.get("/api/v1/User/currentToken").by("anna"),
            _ => server.post("/_ext/password").json(change.clone()),
        };
        call.send().await.status
    };
    for round in 0..9 {
        let hash = server.hash(PASSWORD).await;
        credential::set_password(server.app.store.writer(), ANNA, hash, None).await.expect("a change");
        for _ in 0..2 {
            assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::OK, "the password is cached");
        }
        // Another process changes the password; this one has not invalidated its cache yet.
        let hash = server.hash("a new password").await;
        credential::set_password(other.writer(), ANNA, hash, None).await.expect("a change");
        assert_eq!(status(round % 3).await, StatusCode::UNAUTHORIZED, "{round}");
        let left =
            ticket::list(server.app.store.reader(), ANNA, TimeDelta::days(1), None, 100).await.expect("an answer");
        assert!(left.is_empty(), "{left:?}");
    }
    assert_eq!(server.get(CURRENT).basic("anna", "a stolen password").send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn issuing_credentials_revalidates_the_ticket() {
    let server = Server::demo().await;
    let other = Store::open(&server.database.url).await.expect("the same database");
    for _ in 0..3 {
        let (ticket, _) = ticket::issue(server.app.store.writer(), ANNA, None).await.expect("a ticket");
        let ticket = format!("SoTicket {}", ticket.expose_secret());
        let with = |path: &str| server.get(path).header("authorization", &ticket).send();
        assert_eq!(with(CURRENT).await.status, StatusCode::OK);
        ticket::revoke_all(other.writer(), &[ANNA]).await.expect("a change");
        assert_eq!(with("/api/v1/User/currentToken").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_deleted_password_is_refused() {
    let server = Server::demo().await;
    for _ in 0..2 {
        assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::OK);
    }
    assert!(credential::delete_password(server.app.store.writer(), ANNA).await.expect("a change"));
    assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_cached_temporary_password_expires() {
    let server = Server::demo().await;
    let db = server.app.store.writer();
    let hash = server.hash("a temporary password").await;
    let end = Some(Utc::now() + TimeDelta::hours(1));
    credential::set_password(db, ANNA, hash, end).await.expect("a change");
    let status = async || server.get(CURRENT).basic("anna", "a temporary password").send().await.status;
    assert_eq!((status().await, status().await), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    let update = credential::Entity::update_many();
    let update = update.col_expr(credential::Column::ExpiresAt, Expr::value(Utc::now() - TimeDelta::seconds(1)));
    update.exec(db).await.expect("a change");
    assert_eq!((status().await, status().await), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_user_with_a_retired_person_cannot_call() {
    let server = Server::demo().await;
    for _ in 0..2 {
        assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::OK);
    }
    let person = server.user(ANNA).await.person.expect("a person");
    users::person::set_retired(server.app.store.writer(), [(person.id, true)].into()).await.expect("a change");
    assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::UNAUTHORIZED);
}
