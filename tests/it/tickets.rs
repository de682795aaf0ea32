//! Limits on the tickets and access tokens of a user, and their list.

use std::env;

use chrono::{DateTime, TimeDelta, Utc};
use kommando::{
    auth::session,
    users::{application, ticket},
};
use poem::{
    Request,
    http::{Method, StatusCode},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::harness::{ANNA, Answer, BJORN, Call, PASSWORD, Server};

const OPEN: &str = "/api/v1/User/currentPrincipal";
const MOST: usize = ticket::MAX_TICKETS_OF_A_KIND as usize;

/// How often a user logs in; `LOGINS=10000` makes a long run.
fn logins() -> usize {
    env::var("LOGINS").ok().and_then(|count| count.parse().ok()).unwrap_or(MOST + 5)
}

/// How many rows an older version left; `ROWS=1000000` makes a long run.
fn rows() -> usize {
    env::var("ROWS").ok().and_then(|count| count.parse().ok()).unwrap_or(3000)
}

async fn log_in(server: &Server, name: &str) -> Answer {
    let got = server.post("/_ext/session").json(json!({"userName": name, "password": PASSWORD})).send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    got
}

async fn ticket_of(server: &Server, name: &str) -> String {
    log_in(server, name).await.body["ticket"].as_str().expect("a ticket").to_owned()
}

async fn access_token(server: &Server, name: &str) -> String {
    let got = server.get("/api/v1/User/currentToken").by(name).send().await;
    got.body.as_str().unwrap_or_else(|| panic!("{}", got.text)).to_owned()
}

async fn status_with(server: &Server, authorization: &str) -> StatusCode {
    server.get(OPEN).header("authorization", authorization).send().await.status
}

async fn count(server: &Server, user: i32) -> usize {
    let own = ticket::Entity::find().filter(ticket::Column::UserId.eq(user));
    own.count(server.app.store.reader()).await.expect("an answer") as usize
}

async fn page(server: &Server, query: &str) -> (Vec<Value>, Option<String>) {
    let got = server.get(format!("/_ext/tickets?{query}")).by("anna").send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let tickets = got.body["tickets"].as_array().expect("a list").clone();
    (tickets, got.body["nextCursor"].as_str().map(str::to_owned))
}

/// Stores tickets like an older version, newest last.
async fn leave(server: &Server, user_id: i32, count: usize, ends: TimeDelta) {
    let now = Utc::now();
    let row = |number: usize| ticket::Model {
        hash: format!("{user_id:032x}{number:032x}"),
        user_id,
        created_at: now - TimeDelta::milliseconds((count - number) as i64),
        expires_at: now + ends,
        kind: ticket::Kind::Ticket,
        application_id: None,
    };
    for numbers in (0..count).collect::<Vec<_>>().chunks(1000) {
        let rows = numbers.iter().map(|number| ticket::ActiveModel::from(row(*number)));
        ticket::Entity::insert_many(rows).exec_without_returning(server.app.store.writer()).await.expect("rows");
    }
}

#[tokio::test]
async fn a_ticket_over_the_limit_ends_the_oldest() {
    let server = Server::demo().await;
    let other = ticket_of(&server, "bjorn").await;
    let (mut tickets, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..logins() {
        tickets.push(format!("SoTicket {}", ticket_of(&server, "anna").await));
        tokens.push(format!("Bearer {}", access_token(&server, "anna").await));
    }
    assert_eq!((count(&server, ANNA).await, count(&server, BJORN).await), (2 * MOST, 1));
    for all in [&tickets, &tokens] {
        for (age, one) in all.iter().rev().enumerate() {
            let expected = if age < MOST { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(status_with(&server, one).await, expected, "{age}");
        }
    }
    assert_eq!(status_with(&server, &format!("SoTicket {other}")).await, StatusCode::OK);
}

#[tokio::test]
async fn concurrent_logins_keep_the_ticket_limit() {
    let server = Server::demo().await;
    leave(&server, ANNA, MOST, TimeDelta::hours(1)).await;
    let logins = (0..20).map(|_| async {
        log_in(&server, "anna").await;
        access_token(&server, "anna").await
    });
    futures_util::future::join_all(logins).await;
    assert_eq!(count(&server, ANNA).await, MOST + 20);
}

#[tokio::test]
async fn a_login_ends_a_bounded_number_of_old_tickets() {
    let server = Server::demo().await;
    leave(&server, ANNA, rows(), TimeDelta::hours(1)).await;
    leave(&server, BJORN, 10, TimeDelta::hours(1)).await;
    let (mut before, mut logins) = (rows(), 0);
    while before > MOST && logins < 20 {
        log_in(&server, "anna").await;
        let after = count(&server, ANNA).await;
        assert!(after < before && before - after <= 500, "{before} {after}");
        (before, logins) = (after, logins + 1);
    }
    assert!(before == MOST || rows() > 10_000, "{before}");
    assert_eq!(count(&server, BJORN).await, 10, "tickets of another user stay");
}

#[tokio::test]
async fn tickets_are_listed_page_by_page_newest_first() {
    let server = Server::demo().await;
    leave(&server, ANNA, 70, TimeDelta::hours(1)).await;
    for _ in 0..20 {
        access_token(&server, "anna").await;
        ticket_of(&server, "anna").await;
    }
    let (mut all, mut query, mut pages) = (Vec::new(), "limit=30".to_owned(), 0);
    loop {
        let (mut found, next) = page(&server, &query).await;
        (pages, query) = (pages + 1, format!("limit=30&cursor={}", next.clone().unwrap_or_default()));
        assert!(found.len() <= 30);
        all.append(&mut found);
        if next.is_none() {
            break;
        }
        // A ticket that ends between two pages does not shift the others.
        let last = all.last().expect("a ticket")["id"].as_str().expect("an id").to_owned();
        let ended = server.call(Method::DELETE, format!("/_ext/tickets/{last}")).by("anna").send().await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
    }
    let times: Vec<_> = all.iter().map(|one| one["createdAt"].as_str().expect("a time")).collect();
    let times: Vec<DateTime<Utc>> = times.iter().map(|time| time.parse().expect("a time")).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    let mut ids: Vec<_> = all.iter().map(|one| one["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((pages, ids.len(), all.len()), (4, 110, 110));
    for kind in ["Ticket", "AccessToken"] {
        assert_eq!(all.iter().filter(|one| one["kind"] == kind).count(), if kind == "Ticket" { 90 } else { 20 });
    }
    assert_eq!(page(&server, "").await.0.len(), 100, "a page has 100 tickets by default");
}

#[tokio::test]
async fn a_page_of_tickets_has_a_bounded_size() {
    let server = Server::demo().await;
    leave(&server, ANNA, rows(), TimeDelta::hours(1)).await;
    for query in ["", "?limit=1000"] {
        let got = server.get(format!("/_ext/tickets{query}")).by("anna").send().await;
        let limit = if query.is_empty() { 100 } else { 1000 };
        assert_eq!(got.body["tickets"].as_array().expect("a list").len(), limit.min(rows()));
        assert!(got.text.len() < 300 * limit + 300, "{}", got.text.len());
    }
}

#[tokio::test]
async fn an_invalid_limit_or_cursor_is_refused() {
    let server = Server::demo().await;
    for (query, parameter) in
        [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=x", "cursor"), ("cursor=%20", "cursor")]
    {
        let got = server.get(format!("/_ext/tickets?{query}")).by("anna").send().await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(got.text.contains(&format!("Parameter {parameter}: ")), "{query}: {}", got.text);
    }
}

#[tokio::test]
async fn expired_tickets_are_not_listed_and_cleared_in_pages() {
    let server = Server::demo().await;
    leave(&server, ANNA, 25, TimeDelta::seconds(-1)).await;
    leave(&server, BJORN, 5, TimeDelta::hours(1)).await;
    let living = ticket_of(&server, "anna").await;
    assert_eq!(page(&server, "").await.0.len(), 1);
    let db = server.app.store.writer();
    let mut cleared = Vec::new();
    for _ in 0..4 {
        cleared.push(ticket::clear_page(db, 10).await.expect("an answer"));
    }
    assert_eq!(cleared, [10, 10, 5, 0]);
    assert_eq!((count(&server, ANNA).await, count(&server, BJORN).await), (1, 5));
    assert_eq!(status_with(&server, &format!("SoTicket {living}")).await, StatusCode::OK);
}

/// Adds the session cookie and XSRF token that a browser would send for this secret.
fn in_session<'a>(call: Call<'a>, secret: &str) -> Call<'a> {
    let cookies = session::cookies(Some(&SecretString::from(secret)), &Request::default());
    let [cookie, xsrf] = cookies.map(|one| one.split(';').next().expect("a pair").to_owned());
    call.header("cookie", &cookie).header("x-xsrf-token", xsrf.split_once('=').expect("a pair").1)
}

fn secret_of(log_in: &Answer) -> String {
    let mut cookies = log_in.headers.get_all("set-cookie").iter().filter_map(|one| one.to_str().ok());
    let own = cookies.find_map(|one| one.strip_prefix("kommando-session=")).expect("a session");
    own.split(';').next().expect("a value").to_owned()
}

#[tokio::test]
async fn online_a_ticket_needs_an_application_as_a_cookie_too() {
    let server = Server::with_settings(&["--installation", "online"]).await;
    let db = server.app.store.writer();
    let app = application::add(db, "partner", false).await.expect("an application").0.expose_secret().to_owned();
    let issued = ticket::issue(db, ANNA, None).await.expect("a ticket").0.expose_secret().to_owned();
    let session = log_in(&server, "anna").await;
    let of_session = session.body["ticket"].as_str().expect("a ticket").to_owned();
    for ticket in [issued, of_session] {
        for (app, expected) in [
            (None, StatusCode::UNAUTHORIZED),
            (Some(""), StatusCode::UNAUTHORIZED),
            (Some("nonsense"), StatusCode::UNAUTHORIZED),
            (Some(app.as_str()), StatusCode::OK),
        ] {
            let in_header = server.get(OPEN).header("authorization", &format!("SoTicket {ticket}"));
            for (call, place) in [(in_session(server.get(OPEN), &ticket), "cookie"), (in_header, "header")] {
                let call = if let Some(app) = app { call.header("so-apptoken", app) } else { call };
                assert_eq!(call.send().await.status, expected, "{place} {app:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_secret_works_only_as_a_cookie() {
    for installation in ["onsite", "online"] {
        let server = Server::with_settings(&["--installation", installation]).await;
        let (app, _) = application::add(server.app.store.writer(), "partner", true).await.expect("an application");
        let session = log_in(&server, "anna").await;
        let secret = secret_of(&session);
        assert_eq!(in_session(server.get(OPEN), &secret).send().await.status, StatusCode::OK, "{installation}");
        for scheme in ["SoTicket", "Bearer", "Basic"] {
            let call = server.get(OPEN).header("authorization", &format!("{scheme} {secret}"));
            let got = call.header("so-apptoken", app.expose_secret()).send().await;
            assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{installation} {scheme}");
        }
    }
}

#[tokio::test]
async fn a_session_and_its_ticket_end_together() {
    let server = Server::demo().await;
    let (one, other) = (log_in(&server, "anna").await, log_in(&server, "anna").await);
    let ticket = |session: &Answer| format!("SoTicket {}", session.body["ticket"].as_str().expect("a ticket"));
    let end = || server.call(Method::DELETE, "/_ext/session");
    assert_eq!(in_session(end(), &secret_of(&one)).send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(status_with(&server, &ticket(&one)).await, StatusCode::UNAUTHORIZED);
    let ended = end().header("authorization", &ticket(&other)).send().await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let got = in_session(server.get(OPEN), &secret_of(&other)).send().await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(count(&server, ANNA).await, 0);
}
