//! The authorisation matrix: every route of the table, for every kind of caller. A route without a row fails.

use chrono::{TimeDelta, Utc};
use kommando::{
    api,
    users::{application, ticket},
};
use poem::http::{Method, StatusCode};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use secrecy::ExposeSecret;

use crate::harness::{ADMIN, ANNA, BJORN, CHRIS, Call, NOBODY, PASSWORD, Server};

/// What an online installation restricts to applications that were granted the User agent; upstream leaves the others
/// open, and what is beside upstream's API is nobody's agent.
const OPEN_ONLINE: [&str; 8] = [
    "GET /api/v1/User",
    "GET /api/v1/User/CustomField",
    "GET /api/v1/User/CustomField/:param0",
    "GET /api/v1/User/:param0/ForeignKey",
    "GET /api/v1/User/currentPrincipal",
    "GET /api/v1/User/currentAssociate",
    "GET /api/v1/User/currentToken",
    "GET /api/v1/TimeZone",
];

/// Whose user an operation may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// It is about nobody but the caller, or about nobody at all.
    Anybody,
    /// About oneself; about others with the right to read users.
    Readers,
    /// About oneself; about others with the right to manage users, unless they outrank the caller.
    Managers,
    /// About others, with the right to manage users; but the last administrator stays.
    Removers,
    /// For administrators.
    Administrators,
    /// Everybody may ask; its answer or its body decides, which tests of its own look at.
    Inside,
}

/// Every route that takes a caller, and who may.
const ROWS: &[(&str, Who)] = &[
    ("GET /api/v1/User", Who::Anybody),
    ("POST /api/v1/User", Who::Inside),
    ("GET /api/v1/User/:param0", Who::Readers),
    ("PUT /api/v1/User/:param0", Who::Managers),
    ("PATCH /api/v1/User/:param0", Who::Managers),
    ("DELETE /api/v1/User/:param0", Who::Removers),
    ("GET /api/v1/User/:param0/CustomCommand", Who::Readers),
    ("POST /api/v1/User/:param0/CustomCommand/:param1", Who::Readers),
    ("GET /api/v1/User/:param0/ForeignKey", Who::Readers),
    ("GET /api/v1/User/:param0/UserPresenceStatus", Who::Readers),
    ("PUT /api/v1/User/:param0/UserPresenceStatus", Who::Managers),
    ("GET /api/v1/User/CustomField", Who::Anybody),
    ("GET /api/v1/User/CustomField/:param0", Who::Inside),
    ("GET /api/v1/User/CredentialTypes", Who::Anybody),
    ("GET /api/v1/User/Default", Who::Inside),
    ("POST /api/v1/User/Validate", Who::Inside),
    ("GET /api/v1/User/current", Who::Anybody),
    ("GET /api/v1/User/currentAssociate", Who::Anybody),
    ("GET /api/v1/User/currentPrincipal", Who::Anybody),
    ("GET /api/v1/User/currentToken", Who::Anybody),
    ("GET /api/v1/TimeZone", Who::Anybody),
    ("DELETE /_ext/session", Who::Anybody),
    ("GET /_ext/tickets", Who::Anybody),
    ("DELETE /_ext/tickets/:param0", Who::Inside),
    ("GET /_ext/executions", Who::Anybody),
    ("GET /_ext/executions/:param0", Who::Inside),
    ("GET /_ext/webhooks", Who::Administrators),
    ("POST /_ext/webhooks/:param0/redrive", Who::Administrators),
];

/// Every route that takes a caller.
fn routes() -> Vec<(Method, String)> {
    let document = api::document();
    let is_public = |method: &Method, path: &str| {
        let operation = document["paths"].as_object().expect("paths").iter().find_map(|(known, methods)| {
            let mut count = 0;
            let segments = known.split('/').map(|segment| match segment.starts_with('{') {
                true => {
                    count += 1;
                    format!(":param{}", count - 1)
                }
                false => segment.to_owned(),
            });
            (segments.collect::<Vec<_>>().join("/") == path).then(|| &methods[method.as_str().to_lowercase()])
        });
        // Pages are no part of the document, and hidden operations are the agent's refusals.
        let is_hidden = operation.is_none_or(|operation| operation.is_null()) && !path.starts_with("/api/v1/Agents");
        is_hidden || operation.is_some_and(|operation| operation["security"].as_array().is_some_and(Vec::is_empty))
    };
    let routes =
        api::routes().into_iter().flat_map(|(path, methods)| methods.into_iter().map(move |one| (one, path.clone())));
    routes.filter(|(method, path)| !is_public(method, path)).collect()
}

fn row(method: &Method, path: &str) -> Who {
    if path.starts_with("/api/v1/Agents/") {
        return Who::Inside;
    }
    let name = format!("{method} {path}");
    let found = ROWS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("{name} has no row in the matrix")).1
}

fn filled(path: &str, user: &str) -> String {
    path.replace(":param0", user).replace(":param1", "hello")
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes = routes();
    assert!(routes.len() > 80, "{}", routes.len());
    for (method, path) in &routes {
        row(method, path);
    }
    for (name, _) in ROWS {
        assert!(routes.iter().any(|(method, path)| format!("{method} {path}") == *name), "{name} is no route");
    }
}

/// Ways to prove who calls that prove nothing.
async fn worthless(server: &Server) -> Vec<(&'static str, String)> {
    let db = server.app.store.writer();
    let issue = || async { ticket::issue(db, ADMIN, None).await.expect("a ticket").0.expose_secret().to_owned() };
    let (expired, revoked, right) = (issue().await, issue().await, issue().await);
    let row = ticket::find_valid(db, ticket::Kind::Ticket, &expired.clone().into(), TimeDelta::hours(1))
        .await
        .expect("an answer")
        .expect("a row");
    let past = ticket::ActiveModel { expires_at: Set(Utc::now() - TimeDelta::seconds(1)), ..row.into() };
    past.update(db).await.expect("a change");
    ticket::revoke_presented(db, &revoked.clone().into()).await.expect("a removal");
    let basic =
        |words: &str| format!("Basic {}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, words));
    vec![
        ("authorization", String::new()),
        ("authorization", basic("admin:wrong")),
        ("authorization", basic("nobody:wrong")),
        ("authorization", basic(&format!("dora:{PASSWORD}"))),
        ("authorization", format!("SoTicket {expired}")),
        ("authorization", format!("SoTicket {revoked}")),
        ("authorization", format!("SoTicket {right}x")),
        ("authorization", format!("Bearer {right}")),
        ("authorization", "SoTicket 7T:".to_owned()),
        ("authorization", "Bearer 8A:nothing".to_owned()),
        ("authorization", "Negotiate YII=".to_owned()),
        ("cookie", format!("kommando-session={right}")),
    ]
}

#[tokio::test]
async fn what_proves_nothing_opens_nothing() {
    let server = Server::with_settings(&["--guess-limits", "100000,100000,100000"]).await;
    for (header, value) in worthless(&server).await {
        for (method, path) in routes() {
            for user in ["1", "2", "anna", "4711"] {
                let call = server.call(method.clone(), filled(&path, user)).header(header, &value);
                let status = call.send().await.status;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} on {user} with {header}: {value}");
            }
        }
    }
    assert!(server.executions().await.is_empty());
}

/// What the table says of a caller and a user; nothing where the operation itself decides.
fn expected(who: Who, caller: (&str, i32), user: i32) -> Option<bool> {
    let (name, id) = caller;
    let is_administrator = name == "admin";
    match who {
        Who::Anybody => Some(true),
        Who::Administrators => Some(is_administrator),
        // Chris is an external user, who may not see others.
        Who::Readers => Some(user == id || name != "chris"),
        Who::Managers => Some(user == id || is_administrator),
        Who::Removers => Some(is_administrator && user != ADMIN),
        Who::Inside => None,
    }
}

#[tokio::test]
async fn everybody_may_what_the_matrix_says_and_nothing_else() {
    for caller in [("admin", ADMIN), ("anna", ANNA), ("chris", CHRIS)] {
        for (method, path) in routes() {
            let Some(_) = expected(row(&method, &path), caller, caller.1) else { continue };
            // A server of its own for each route: some of them change something.
            let server = Server::demo().await;
            for user in [NOBODY, BJORN, ADMIN, caller.1] {
                let may = expected(row(&method, &path), caller, user).expect("a row that says so");
                let body = match path.as_str() {
                    "/api/v1/User/:param0" => r#"{"Tooltip":"x"}"#,
                    "/api/v1/User/:param0/UserPresenceStatus" => r#"{"Status":"StatusNormal"}"#,
                    "/api/v1/User/:param0/CustomCommand/:param1" => "null",
                    _ => "{}",
                };
                let call = server.call(method.clone(), filled(&path, &user.to_string())).by(caller.0);
                let got = call.body("application/json", body).send().await;
                let case = format!("{} {method} {path} on {user}: {} {}", caller.0, got.status, got.text);
                assert!(!got.status.is_server_error() && got.status != StatusCode::UNAUTHORIZED, "{case}");
                assert_eq!(got.status == StatusCode::FORBIDDEN, !may, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn online_what_upstream_restricts_takes_an_application_that_was_granted_it() {
    let server = Server::with_settings(&["--installation", "online"]).await;
    let db = server.app.store.writer();
    let app = |name: &'static str, granted| async move {
        application::add(db, name, granted).await.expect("an application").expose_secret().to_owned()
    };
    let (plain, granted) = (app("plain", false).await, app("granted", true).await);
    for (method, path) in routes().into_iter().filter(|(_, path)| path.starts_with("/api/")) {
        let is_open = OPEN_ONLINE.contains(&format!("{method} {path}").as_str());
        for (token, is_granted) in [(&plain, false), (&granted, true)] {
            let (ticket, _) = ticket::issue(db, ADMIN, None).await.expect("a ticket");
            // About nobody, so that nothing changes.
            let call: Call<'_> = server.call(method.clone(), filled(&path, "4711"));
            let call = call.header("authorization", &format!("SoTicket {}", ticket.expose_secret()));
            let got = call.header("so-apptoken", token).body("application/json", "{}").send().await;
            let is_restricted = got.status == StatusCode::FORBIDDEN && got.text.contains("User agent");
            assert_eq!(is_restricted, !is_open && !is_granted, "{method} {path}: {} {}", got.status, got.text);
        }
    }
}

#[tokio::test]
async fn ten_thousand_mutated_tickets_and_tokens_open_nothing_and_break_nothing() {
    let server = Server::with_settings(&["--guess-limits", "1000000,1000000,1000000"]).await;
    let db = server.app.store.writer();
    let ticket = ticket::issue(db, ADMIN, None).await.expect("a ticket").0;
    let token = ticket::issue_access_token(db, ADMIN, None).await.expect("a token");
    let app = application::add(db, "app", true).await.expect("an application");
    let right = [format!("SoTicket {}", ticket.expose_secret()), format!("Bearer {}", token.expose_secret())];
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..10_000 {
        let original = &right[round % 2];
        let mut mutated: Vec<char> = original.chars().collect();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..mutated.len());
            let other = char::from(random.random_range(0x21..0x7f_u8));
            match random.random_range(0..4) {
                0 => mutated[place] = other,
                1 => mutated.insert(place, other),
                2 if mutated.len() > 1 => drop(mutated.remove(place)),
                _ => mutated.truncate(place.max(1)),
            }
        }
        let mutated: String = mutated.into_iter().collect();
        // The scheme is read without regard to case, which is no mutation.
        if mutated.trim().eq_ignore_ascii_case(original)
            && mutated.split_whitespace().last() == original.split(' ').nth(1)
        {
            continue;
        }
        let call = server.get("/api/v1/User/currentPrincipal").header("authorization", &mutated);
        let got = call.header("so-apptoken", app.expose_secret()).send().await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{mutated}");
    }
    assert_eq!(ticket::Entity::find().all(db).await.expect("rows").len(), 2, "nothing was made or ended");
}
