//! Authentication with passwords, tickets and access tokens.

use chrono::{TimeDelta, Utc};
use kommando::users::{self, UserColumn, application, credential, ticket};
use poem::http::StatusCode;
use sea_orm::{EntityTrait, sea_query::Expr};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::harness::{ADMIN, ANNA, Answer, Held, Server};

const CURRENT: &str = "/api/v1/User/current";

async fn issue(server: &Server, user: i32) -> String {
    let (ticket, _) = ticket::issue(server.app.store.writer(), user, None).await.expect("a ticket");
    ticket.expose_secret().to_owned()
}

async fn with(server: &Server, authorization: &str) -> Answer {
    server.get(CURRENT).header("authorization", authorization).send().await
}

async fn end_ticket(server: &Server, after: TimeDelta) {
    let end = Expr::value(Utc::now() + after);
    let update = ticket::Entity::update_many().col_expr(ticket::Column::ExpiresAt, end);
    update.exec(server.app.store.writer()).await.expect("an update");
}

#[tokio::test]
async fn name_and_user_name_log_in_in_any_case() {
    let server = Server::demo().await;
    for name in ["anna", "ANNA", "anna@example.com", "Anna@Example.COM"] {
        let got = server.get(CURRENT).by(name).send().await;
        assert_eq!((got.status, &got.body["AssociateId"]), (StatusCode::OK, &ANNA.into()), "{name}");
    }
}

#[tokio::test]
async fn all_wrong_credentials_get_the_same_answer() {
    let server = Server::demo().await;
    // The first user has no UserName; an empty name must not log in.
    let nothing = vec![(UserColumn::UserName, "".into())];
    users::set_columns(server.app.store.writer(), ADMIN, nothing).await.expect("a change");
    let attempts = [
        server.get(CURRENT).basic("anna", "wrong").send().await,
        server.get(CURRENT).basic("absent", "wrong").send().await,
        server.get(CURRENT).by("dora").send().await,
        server.get(CURRENT).basic("", "").send().await,
        server.get(CURRENT).by("").send().await,
        with(&server, "SoTicket 7T:nonsense").await,
        with(&server, "SoTicket nonsense").await,
        with(&server, "Basic 7T:nonsense").await,
        with(&server, "Bearer 8A:nonsense").await,
    ];
    for got in &attempts {
        assert_eq!(got.error(StatusCode::UNAUTHORIZED).0, "SoSessionException");
        assert_eq!(got.text, attempts[0].text);
        let challenges: Vec<_> = got.headers.get_all("www-authenticate").iter().collect();
        let allowed = [
            r#"Basic realm="kommando", charset="UTF-8""#,
            r#"SoTicket realm="kommando""#,
            r#"Bearer realm="kommando""#,
        ];
        assert_eq!(challenges, allowed);
    }
}

#[tokio::test]
async fn a_401_says_what_is_missing_or_misplaced() {
    let server = Server::demo().await;
    let (ticket, token) = (issue(&server, ANNA).await, server.get("/api/v1/User/currentToken").by("anna").send().await);
    let token = token.body.as_str().expect("a token").to_owned();
    for (authorization, told) in [
        (String::new(), "No credentials were sent."),
        ("Basic".to_owned(), "`name:password` in base64"),
        ("Basic anna:secret".to_owned(), "`name:password` in base64"),
        ("SoTicket".to_owned(), "There is no ticket after SoTicket"),
        ("Bearer".to_owned(), "There is no token after Bearer"),
        (ticket.clone(), "send `Authorization: SoTicket 7T:…`"),
        (format!("Bearer {ticket}"), "This is a ticket: send it as `Authorization: SoTicket 7T:…`"),
        ("Bearer 7T:nonsense".to_owned(), "This is a ticket: send it as `Authorization: SoTicket 7T:…`"),
        (format!("SoTicket {token}"), "This is an access token: send it as `Authorization: Bearer 8A:…`"),
        (token.clone(), "send `Authorization: Bearer …`"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(), "This server accepts no JWTs"),
        ("Negotiate YII=".to_owned(), "The scheme of Authorization is unknown"),
    ] {
        let got = with(&server, &authorization).await;
        let (kind, message) = got.error(StatusCode::UNAUTHORIZED);
        assert!(kind == "SoSessionException" && message.contains(told), "{authorization}: {message}");
        assert!(!message.contains(&ticket) && !message.contains(&token), "{message}");
        assert_eq!(got.headers.get_all("www-authenticate").iter().count(), 3, "{authorization}");
    }
    let outside = server.get("/_ext/executions").send().await;
    assert!(
        outside.body["detail"].as_str().expect("a text").starts_with("No credentials were sent."),
        "{}",
        outside.text
    );
}

#[tokio::test]
async fn a_fetch_from_a_page_gets_no_basic_challenge() {
    let server = Server::demo().await;
    let challenged = |mode: &'static str| {
        let call = server.get(CURRENT).header("sec-fetch-mode", mode);
        async { call.send().await.headers.get_all("www-authenticate").iter().count() }
    };
    assert_eq!((challenged("cors").await, challenged("same-origin").await, challenged("navigate").await), (2, 2, 3));
}

#[tokio::test]
async fn a_ticket_authenticates_its_user_and_counts_as_a_login() {
    let server = Server::demo().await;
    assert_eq!(server.user(ANNA).await.user.last_login, None);
    let ticket = issue(&server, ANNA).await;
    assert!(ticket.starts_with("7T:"));
    for scheme in ["SoTicket", "SOTICKET", "soticket"] {
        let got = with(&server, &format!("{scheme} {ticket}")).await;
        assert_eq!((got.status, &got.body["Name"]), (StatusCode::OK, &"anna".into()));
        assert_ne!(got.body["Lastlogin"], "0001-01-01T00:00:00");
    }
    assert_eq!(with(&server, &format!("SoTicket {ticket}x")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_ticket_is_stored_as_a_hash_only() {
    let server = Server::demo().await;
    let ticket = issue(&server, ANNA).await;
    let stored = ticket::Entity::find().all(server.app.store.reader()).await.expect("an answer");
    assert_eq!(stored.len(), 1);
    let secret = ticket.strip_prefix("7T:").expect("a prefix");
    assert!(!format!("{stored:?}").contains(secret), "{stored:?}");
}

#[tokio::test]
async fn an_expired_ticket_is_refused() {
    let server = Server::demo().await;
    let ticket = issue(&server, ANNA).await;
    end_ticket(&server, TimeDelta::seconds(-1)).await;
    assert_eq!(with(&server, &format!("SoTicket {ticket}")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn use_extends_a_ticket_without_writing_every_time() {
    let server = Server::demo().await;
    let ticket = format!("SoTicket {}", issue(&server, ANNA).await);
    let end = || async {
        let found = ticket::Entity::find().one(server.app.store.reader()).await.expect("an answer");
        found.expect("a ticket").expires_at
    };
    let first = end().await;
    with(&server, &ticket).await;
    assert_eq!(end().await, first, "an immediate use writes nothing");
    end_ticket(&server, TimeDelta::hours(1)).await;
    with(&server, &ticket).await;
    for _ in 0..100 {
        if end().await >= first {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a later use did not extend the ticket to six hours");
}

#[tokio::test]
async fn the_ticket_of_a_deactivated_user_is_refused() {
    let server = Server::demo().await;
    let ticket = issue(&server, ANNA).await;
    server.execute("admin", ANNA, "deactivate", Some("Yes")).await;
    assert_eq!(with(&server, &format!("SoTicket {ticket}")).await.status, StatusCode::UNAUTHORIZED);
    server.execute("admin", ANNA, "reactivate", Some("Yes")).await;
    assert_eq!(with(&server, &format!("SoTicket {ticket}")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_password_ends_earlier_tickets() {
    let server = Server::demo().await;
    let ticket = format!("SoTicket {}", issue(&server, ANNA).await);
    assert_eq!(with(&server, &ticket).await.status, StatusCode::OK);
    server.execute("admin", ANNA, "reset-password", Some("Ok")).await;
    assert_eq!(with(&server, &ticket).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn renewing_a_ticket_does_not_wait_for_other_writers() {
    let server = Server::demo().await;
    let ticket = format!("SoTicket {}", issue(&server, ANNA).await);
    end_ticket(&server, TimeDelta::hours(1)).await;
    let held = Held::nothing(&server.app.store).await;
    let answer = tokio::time::timeout(std::time::Duration::from_secs(2), with(&server, &ticket)).await;
    assert_eq!(answer.expect("an answer in time").status, StatusCode::OK);
    held.end();
}

#[tokio::test]
async fn a_temporary_password_expires_and_only_sets_a_new_one() {
    let server = Server::demo().await;
    for (after, status) in [(60, StatusCode::FORBIDDEN), (-1, StatusCode::UNAUTHORIZED)] {
        let hash = server.hash("a temporary password").await;
        let end = Some(Utc::now() + TimeDelta::seconds(after));
        credential::set_password(server.app.store.writer(), ANNA, hash, end).await.expect("a change");
        assert_eq!(server.get(CURRENT).basic("anna", "a temporary password").send().await.status, status);
        let session = server
            .post("/_ext/session")
            .json(json!({"userName": "anna", "password": "a temporary password"}))
            .send()
            .await;
        assert_eq!(session.status, status);
        let body = json!({"userName": "anna", "oldPassword": "a temporary password", "newPassword": "my own password"});
        let changed = server.post("/_ext/password").json(body).send().await.status;
        assert_eq!(changed, if after > 0 { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED });
        let own = server.get(CURRENT).basic("anna", "my own password").send().await.status;
        assert_eq!(own, if after > 0 { StatusCode::OK } else { StatusCode::UNAUTHORIZED });
    }
}

#[tokio::test]
async fn basic_accepts_a_ticket_as_its_name() {
    let server = Server::demo().await;
    let ticket = issue(&server, ANNA).await;
    assert_eq!(server.get(CURRENT).basic(&ticket, "").send().await.status, StatusCode::OK);
    assert_eq!(with(&server, &format!("Basic {ticket}")).await.status, StatusCode::OK);
    assert_eq!(server.get(CURRENT).basic(&ticket, "x").send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_ticket_ends_at_its_maximum_age_despite_use() {
    let server = Server::demo().await;
    let ticket = format!("SoTicket {}", issue(&server, ANNA).await);
    for (age, status) in [(167, StatusCode::OK), (168, StatusCode::UNAUTHORIZED)] {
        let update = ticket::Entity::update_many()
            .col_expr(ticket::Column::CreatedAt, Expr::value(Utc::now() - TimeDelta::hours(age)));
        update.exec(server.app.store.writer()).await.expect("an update");
        assert_eq!(with(&server, &ticket).await.status, status, "{age} hours");
    }
}

#[tokio::test]
async fn an_access_token_works_only_as_bearer_and_for_an_hour() {
    let server = Server::demo().await;
    let got = server.get("/api/v1/User/currentToken").by("anna").send().await;
    assert_eq!((got.status, got.header("cache-control")), (StatusCode::OK, Some("no-store")));
    let token = got.body.as_str().expect("a text").to_owned();
    assert!(token.starts_with("8A:"));
    let bearer = format!("Bearer {token}");
    assert_eq!(with(&server, &bearer).await.body["Name"], "anna");
    let again = server.get("/api/v1/User/currentToken").header("authorization", &bearer).send().await;
    assert_eq!(again.body, token.as_str(), "a token returns itself and does not extend its life");
    assert_eq!(with(&server, &format!("SoTicket {token}")).await.status, StatusCode::UNAUTHORIZED);
    let ticket = issue(&server, ANNA).await;
    assert_eq!(with(&server, &format!("Bearer {ticket}")).await.status, StatusCode::UNAUTHORIZED);
    let end = ticket::Entity::find().all(server.app.store.reader()).await.expect("an answer");
    let end = end.iter().find(|one| one.kind == ticket::Kind::AccessToken).expect("the token").expires_at;
    assert!((3590..=3600).contains(&(end - Utc::now()).num_seconds()));
    end_ticket(&server, TimeDelta::seconds(-1)).await;
    assert_eq!(with(&server, &bearer).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn too_many_failures_look_alike_for_known_and_unknown_users() {
    let server = Server::with_settings(&["--guess-limits", "3,100,100"]).await;
    let tickets = issue(&server, ANNA).await;
    for name in ["anna", "absent", "dora"] {
        for attempt in 0..5 {
            let got = server.get(CURRENT).basic(name, "wrong").send().await;
            let expected = if attempt < 3 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
            assert_eq!(got.error(expected).0, "SoSessionException", "{name} {attempt}");
            let wait = got.header("retry-after").map(|seconds| seconds.parse::<u64>().expect("seconds"));
            assert_eq!(wait.is_some_and(|seconds| (1..=60).contains(&seconds)), attempt >= 3, "{name} {wait:?}");
        }
    }
    let body = json!({"userName": "anna", "password": crate::harness::PASSWORD});
    let log_in = server.post("/_ext/session").json(body).send().await;
    assert_eq!(log_in.status, StatusCode::TOO_MANY_REQUESTS, "both ways to log in share one limit");
    assert_eq!(with(&server, &format!("SoTicket {tickets}")).await.status, StatusCode::OK);
    assert_eq!(server.get(CURRENT).by("bjorn").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_limiter_spares_successes_and_recent_passwords() {
    let server = Server::with_settings(&["--guess-limits", "3,3,3"]).await;
    let at_once = futures_util::future::join_all((0..40).map(|_| server.get(CURRENT).by("anna").send())).await;
    assert!(at_once.iter().all(|got| got.status == StatusCode::OK));
    for _ in 0..9 {
        server.get(CURRENT).basic("anna", "wrong").send().await;
    }
    assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_old_passwords_count_as_failed_logins() {
    let server = Server::with_settings(&["--guess-limits", "3,100,100"]).await;
    let ticket = format!("SoTicket {}", issue(&server, ANNA).await);
    let change = |old: &'static str| {
        let call = server.post("/api/v1/Agents/User/ChangeOwnPassword").header("authorization", &ticket);
        call.json(json!({"OldPassword": old, "NewPassword": "a new password"})).send()
    };
    for _ in 0..3 {
        assert_eq!(change("wrong").await.body, false);
    }
    for password in ["wrong", crate::harness::PASSWORD] {
        let got = change(password).await;
        assert_eq!(got.error(StatusCode::TOO_MANY_REQUESTS).0, "SoSessionException");
        assert!(got.header("retry-after").is_some());
    }
    assert_eq!(
        server.get(CURRENT).by("anna").send().await.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the limit is shared"
    );
}

#[tokio::test]
async fn debug_output_contains_no_secret() {
    let words = ["--oidc-issuer", "x", "--oidc-audience", "x", "--oidc-jwks-url", "http://127.0.0.1:1/"];
    let server = Server::with_settings(&words).await;
    let db = server.app.store.writer();
    let password = SecretString::from("canary of a password");
    let hash = server.hash(password.expose_secret()).await;
    credential::set_password(db, ANNA, hash.clone(), None).await.expect("a change");
    let credential = credential::find_password(db, ANNA).await.expect("an answer").expect("a password");
    let (ticket, row) = ticket::issue(db, ANNA, None).await.expect("a ticket");
    let (app, _) = application::add(db, "app", true).await.expect("an application");
    let stored = application::find_by_token(db, &app).await.expect("an answer").expect("an application");
    let log_in = server.get(CURRENT).basic("anna", password.expose_secret()).send().await;
    assert_eq!(log_in.status, StatusCode::OK, "the password is cached");
    let printed = format!(
        "{:#?} {password:?} {hash:?} {credential:#?} {ticket:?} {row:#?} {app:?} {stored:#?} {:#?}",
        server.app,
        server.user(ANNA).await
    );
    for secret in [&password, &ticket, &app] {
        assert!(!printed.contains(secret.expose_secret()), "{printed}");
    }
    assert!(!printed.contains("argon2id"), "{printed}");
}
