//! Browser sessions, and the list of a user's tickets.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANNA, Answer, Call, PASSWORD, Server};

const CURRENT: &str = "/api/v1/User/current";

/// A browser with a session.
struct Browser {
    ticket: String,
    cookie: String,
    xsrf: String,
}

impl Browser {
    async fn log_in(server: &Server, name: &str) -> Self {
        let got = log_in(server, name, PASSWORD).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        let cookies: Vec<_> = got.headers.get_all("set-cookie").iter().map(|one| one.to_str().expect("text")).collect();
        let pairs: Vec<_> = cookies.iter().map(|one| one.split(';').next().expect("a pair")).collect();
        let xsrf = pairs.iter().find_map(|pair| pair.strip_prefix("XSRF-TOKEN=")).expect("a token");
        let ticket = got.body["ticket"].as_str().expect("a ticket").to_owned();
        Self { ticket, cookie: pairs.join("; "), xsrf: xsrf.to_owned() }
    }

    fn in_session<'a>(&self, call: Call<'a>) -> Call<'a> {
        call.header("cookie", &self.cookie).header("x-xsrf-token", &self.xsrf)
    }
}

async fn log_in(server: &Server, name: &str, password: &str) -> Answer {
    server.post("/_ext/session").json(json!({"userName": name, "password": password})).send().await
}

async fn tickets(server: &Server, caller: &str, query: &str) -> Vec<Value> {
    let got = server.get(format!("/_ext/tickets{query}")).by(caller).send().await;
    got.body["tickets"].as_array().unwrap_or_else(|| panic!("{}", got.text)).clone()
}

#[tokio::test]
async fn a_session_begins_with_a_ticket_and_two_cookies() {
    let server = Server::demo().await;
    let got = log_in(&server, "anna", PASSWORD).await;
    let members: Vec<_> = got.body.as_object().expect("an object").keys().cloned().collect();
    assert_eq!((got.status, members), (StatusCode::OK, ["ticket", "userId", "expires"].map(str::to_owned).to_vec()));
    assert_eq!(got.body["userId"], ANNA);
    let expires =
        got.body["expires"].as_str().expect("a time").parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    assert!((355..=360).contains(&(expires - chrono::Utc::now()).num_minutes()));
    let browser = Browser::log_in(&server, "anna").await;
    assert_eq!(browser.in_session(server.get(CURRENT)).send().await.body["Name"], "anna");
    let ticket = format!("SoTicket {}", browser.ticket);
    assert_eq!(server.get(CURRENT).header("authorization", &ticket).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_needs_its_xsrf_token_even_for_reads() {
    let server = Server::demo().await;
    let (anna, admin) = (Browser::log_in(&server, "anna").await, Browser::log_in(&server, "admin").await);
    for xsrf in [None, Some(""), Some("nonsense"), Some(admin.xsrf.as_str())] {
        for call in [server.get(CURRENT), server.post("/api/v1/User/2/CustomCommand/hello")] {
            let call = call.header("cookie", &anna.cookie);
            let got = match xsrf {
                Some(xsrf) => call.header("x-xsrf-token", xsrf).send().await,
                None => call.send().await,
            };
            let (_, message) = got.error(StatusCode::UNAUTHORIZED);
            match xsrf.unwrap_or_default() {
                "" => assert!(message.contains("came without the header X-XSRF-TOKEN"), "{message}"),
                _ => assert!(message.contains("X-XSRF-TOKEN does not belong to this session"), "{message}"),
            }
        }
    }
    // The response must not reveal whether the cookie is valid.
    let made_up = server.get(CURRENT).header("cookie", "kommando-session=7S:nonsense").send().await;
    assert!(made_up.error(StatusCode::UNAUTHORIZED).1.contains("came without the header X-XSRF-TOKEN"));
    let alone = server.get(CURRENT).header("x-xsrf-token", &anna.xsrf).send().await;
    assert!(alone.error(StatusCode::UNAUTHORIZED).1.contains("X-XSRF-TOKEN came without the session's cookie"));
    let with_basic = server.get(CURRENT).header("cookie", &anna.cookie).by("admin").send().await;
    assert_eq!(with_basic.body["Name"], "admin", "with Authorization, the session is ignored");
}

#[tokio::test]
async fn logging_out_ends_the_session_and_its_token() {
    let server = Server::demo().await;
    let (browser, other) = (Browser::log_in(&server, "anna").await, Browser::log_in(&server, "anna").await);
    let refused = server.call(Method::DELETE, "/_ext/session").header("cookie", &browser.cookie).send().await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let got = browser.in_session(server.call(Method::DELETE, "/_ext/session")).send().await;
    assert_eq!(got.status, StatusCode::NO_CONTENT);
    for cookie in got.headers.get_all("set-cookie") {
        assert!(cookie.to_str().expect("text").contains("Max-Age=0"), "{cookie:?}");
    }
    assert_eq!(browser.in_session(server.get(CURRENT)).send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(other.in_session(server.get(CURRENT)).send().await.status, StatusCode::OK, "other sessions stay valid");
    assert!(server.user(ANNA).await.user.last_logout.is_some());
}

#[tokio::test]
async fn a_refused_login_reveals_and_creates_nothing() {
    let server = Server::demo().await;
    let attempts = [
        log_in(&server, "anna", "wrong").await,
        log_in(&server, "absent", PASSWORD).await,
        log_in(&server, "dora", PASSWORD).await,
        log_in(&server, "", "").await,
    ];
    for got in &attempts {
        assert_eq!((got.status, &got.text), (StatusCode::UNAUTHORIZED, &attempts[0].text));
        assert!(got.headers.get("set-cookie").is_none());
    }
    for body in ["", "null", "{}", "[]", r#"{"userName":"anna"}"#, r#"{"userName":1,"password":2}"#, "{"] {
        let got = server.post("/_ext/session").body("application/json", body).send().await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}: {}", got.text);
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_log_in_a_visitor() {
    let server = Server::demo().await;
    let body = json!({"userName": "anna", "password": PASSWORD});
    let got = server.post("/_ext/session").header("origin", "https://elsewhere.example").json(body).send().await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_changed_password_ends_earlier_sessions() {
    let server = Server::demo().await;
    let browser = Browser::log_in(&server, "anna").await;
    let change = |old: &str, new: &str| {
        let body = json!({"userName": "anna", "oldPassword": old, "newPassword": new});
        server.post("/_ext/password").json(body).send()
    };
    assert_eq!(change("wrong", "a new password").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(change(PASSWORD, "").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(change(PASSWORD, PASSWORD).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.in_session(server.get(CURRENT)).send().await.status, StatusCode::OK);
    assert_eq!(change(PASSWORD, "a new password").await.status, StatusCode::NO_CONTENT);
    assert_eq!(browser.in_session(server.get(CURRENT)).send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.get(CURRENT).basic("anna", "a new password").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn users_see_and_end_their_own_tickets() {
    let server = Server::demo().await;
    let browser = Browser::log_in(&server, "anna").await;
    server.get("/api/v1/User/currentToken").by("anna").send().await;
    let found = tickets(&server, "anna", "").await;
    let kinds: Vec<_> = found.iter().map(|one| one["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["AccessToken", "Ticket"]);
    assert!(!json!(found).to_string().contains(&browser.ticket[3..]));
    let path = format!("/_ext/tickets/{}", found[1]["id"].as_str().expect("an id"));
    for (caller, status) in
        [("bjorn", StatusCode::NOT_FOUND), ("anna", StatusCode::NO_CONTENT), ("anna", StatusCode::NOT_FOUND)]
    {
        assert_eq!(server.call(Method::DELETE, &path).by(caller).send().await.status, status, "{caller}");
    }
    assert_eq!(browser.in_session(server.get(CURRENT)).send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(tickets(&server, "anna", "").await.len(), 1);
    assert_eq!(server.call(Method::DELETE, "/_ext/tickets/x").by("anna").send().await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_administrators_see_and_end_tickets_of_others() {
    let server = Server::demo().await;
    let (anna, admin) = (Browser::log_in(&server, "anna").await, Browser::log_in(&server, "admin").await);
    for (caller, user) in [("bjorn", ANNA), ("anna", ADMIN), ("anna", 4711), ("admin", 4711), ("chris", 2)] {
        let got = server.get(format!("/_ext/tickets?user={user}")).by(caller).send().await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{caller} {user}");
    }
    let found = tickets(&server, "admin", "?user=2").await;
    let path = format!("/_ext/tickets/{}", found[0]["id"].as_str().expect("an id"));
    assert_eq!(server.call(Method::DELETE, &path).by("admin").send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(anna.in_session(server.get(CURRENT)).send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(admin.in_session(server.get(CURRENT)).send().await.status, StatusCode::OK);
}
