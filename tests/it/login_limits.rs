//! The state of the login rate limiter survives a restart.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use kommando::{
    app::App,
    commands::Catalog,
    users::{login_address, login_failure},
};
use poem::{
    Endpoint, Request,
    http::{StatusCode, header},
};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::harness::{ANNA, BJORN, PASSWORD, Server, config};

const CURRENT: &str = "/api/v1/User/current";

/// Saves the limiter's state and builds another app on the same database.
async fn restart(server: &Server, words: &[&str]) -> App {
    server.app.save_login_limits().await.expect("a saved state");
    App::build(&config(&server.database.url, words), Catalog::default()).await.expect("an application")
}

async fn log_in(app: &App, name: &str, password: &str) -> StatusCode {
    let credentials = STANDARD.encode(format!("{name}:{password}"));
    let request = Request::builder().header(header::HOST, "127.0.0.1:8080").uri_str(CURRENT);
    let request = request.header(header::AUTHORIZATION, format!("Basic {credentials}"));
    app.endpoint().get_response(request.finish()).await.status()
}

#[tokio::test]
async fn failed_logins_count_after_a_restart() {
    let words = ["--guess-limits", "3,100,100"];
    let server = Server::with_settings(&words).await;
    for name in ["anna", "absent"] {
        for _ in 0..3 {
            assert_eq!(log_in(&server.app, name, "wrong").await, StatusCode::UNAUTHORIZED);
        }
    }
    let app = restart(&server, &words).await;
    for name in ["anna", "absent"] {
        assert_eq!(log_in(&app, name, "wrong").await, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
    assert_eq!(log_in(&app, "anna", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in(&app, "bjorn", PASSWORD).await, StatusCode::OK);
}

#[tokio::test]
async fn a_known_address_is_known_after_a_restart() {
    // Two failures per account over unfamiliar addresses.
    let words = ["--guess-limits", "100,1000,2"];
    let server = Server::with_settings(&words).await;
    assert_eq!(log_in(&server.app, "anna", PASSWORD).await, StatusCode::OK);
    let app = restart(&server, &words).await;
    for _ in 0..5 {
        assert_eq!(log_in(&app, "anna", "wrong").await, StatusCode::UNAUTHORIZED, "the address is known");
    }
    assert_eq!(log_in(&app, "anna", PASSWORD).await, StatusCode::OK);
    for attempt in 0..3 {
        let expected = if attempt < 2 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(log_in(&app, "bjorn", "wrong").await, expected, "{attempt}");
    }
}

#[tokio::test]
async fn failed_names_are_stored_as_digests_of_equal_length() {
    let server = Server::demo().await;
    for name in ["anna", "absent", &"long".repeat(1000)] {
        log_in(&server.app, name, "wrong").await;
    }
    server.app.save_login_limits().await.expect("a saved state");
    let rows = login_failure::Entity::find().all(server.app.store.reader()).await.expect("an answer");
    assert_eq!(rows.len(), 7, "an address, three accounts, and three pairs");
    assert_eq!(rows.iter().map(|row| row.failures).collect::<HashSet<_>>(), HashSet::from([1, 3]));
    server.app.save_login_limits().await.expect("nothing new");
    assert_eq!(login_failure::Entity::find().count(server.app.store.reader()).await.expect("an answer"), 7);
}

#[tokio::test]
async fn only_a_users_own_logins_replace_its_addresses() {
    let server = Server::demo().await;
    let db = server.app.store.writer();
    login_address::remember(db, &[(ANNA, 1)]).await.expect("a change");
    for address in 0..100 {
        login_address::remember(db, &[(BJORN, address)]).await.expect("a change");
    }
    let known = async |user, address| login_address::last_login(db, Some(user), address).await.expect("an answer");
    assert!(known(ANNA, 1).await.is_some());
    assert!(known(BJORN, 99).await.is_some() && known(BJORN, 1).await.is_none());
    assert_eq!(login_address::Entity::find().count(db).await.expect("an answer"), 33);
}

#[tokio::test]
async fn a_failure_older_than_a_minute_is_removed() {
    let server = Server::demo().await;
    let db = server.app.store.writer();
    let failures =
        |bucket, seconds| login_failure::Failures { bucket, count: 3, age: chrono::TimeDelta::seconds(seconds) };
    login_failure::save(db, &[failures(1, 61), failures(2, 59)]).await.expect("a change");
    let minute = chrono::TimeDelta::minutes(1);
    let listed = login_failure::list(db, minute).await.expect("an answer");
    assert_eq!(listed.iter().map(|one| (one.bucket, one.count)).collect::<Vec<_>>(), [(2, 3)]);
    login_failure::clear(db, minute).await.expect("a change");
    assert_eq!(login_failure::Entity::find().count(db).await.expect("an answer"), 1);
}
