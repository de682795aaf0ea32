//! Demo mode: the reset and fault injection.

use kommando::users::{credential, ticket};
use poem::http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::harness::{ADMIN, ANNA, BJORN, CHRIS, Server};

const RESET: &str = "/_ext/demo/reset";

#[tokio::test]
async fn a_reset_restores_the_demo() {
    let server = Server::in_demo_mode().await;
    let state = async || {
        let users = server.get("/api/v1/User").by("admin").send().await;
        let anna = server.get("/api/v1/User/2").by("anna").send().await;
        (users.body["value"].clone(), anna.body["Person"].clone(), anna.body["OtherGroups"].clone())
    };
    let before = state().await;
    server.execute("admin", ANNA, "set-away", None).await;
    assert!(server.execute("admin", ANNA, "deactivate", Some("Yes")).await.status.is_success());
    let made = server.post("/api/v1/User").by("admin").json(json!({"Name": "eva"})).send().await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let renamed = server.call(Method::PATCH, "/api/v1/User/1").by("admin").json(json!({"Name": "root"})).send().await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text);

    let hash = server.hash("the other password").await;
    credential::set_password(server.app.store.writer(), CHRIS, hash, None).await.expect("a change");
    let (ticket, _) = ticket::issue(server.app.store.writer(), BJORN, None).await.expect("a ticket");
    let ticket = format!("SoTicket {}", ticket.expose_secret());
    let old = async || {
        let password = server.get("/api/v1/User/4").basic("chris", "the other password").send().await.status;
        let ticket = server.get("/api/v1/User/3").header("authorization", &ticket).send().await.status;
        [password, ticket]
    };
    for _ in 0..2 {
        assert_eq!(old().await, [StatusCode::OK; 2], "they are cached");
    }

    let reset = server.post(RESET).by("root").send().await;
    assert_eq!((reset.status, reset.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(old().await, [StatusCode::UNAUTHORIZED; 2]);
    assert_eq!(state().await, before);
    assert!(server.executions().await.is_empty());
    let again = server.post("/api/v1/User").by("admin").json(json!({"Name": "eva"})).send().await;
    assert_eq!(again.body["AssociateId"], made.body["AssociateId"], "ids start again");
    server.execute("admin", ADMIN, "hello", None).await;
    assert_eq!(server.executions().await.len(), 1);
}

#[tokio::test]
async fn only_administrators_reset_a_demo() {
    let demo = Server::in_demo_mode().await;
    assert_eq!(demo.post(RESET).send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(demo.post(RESET).by("anna").send().await.status, StatusCode::FORBIDDEN);
    let other = Server::demo().await;
    let got = other.post(RESET).by("admin").send().await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    assert_eq!(got.body["detail"], "This server is not a demo: it was not started with `serve --demo`.");
}

#[tokio::test]
async fn faults_are_injected_only_in_a_demo() {
    let demo = Server::in_demo_mode().await;
    let hello = |fault: &'static str| {
        demo.post("/api/v1/User/2/CustomCommand/hello").by("admin").header("X-Demo-Fault", fault).send()
    };
    let unavailable = hello("503").await;
    assert_eq!(unavailable.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unavailable.header("retry-after"), Some("1"));
    assert!(demo.executions().await.is_empty(), "no command ran");
    let slow = hello("slow=0").await;
    assert_eq!((slow.status, demo.executions().await.len()), (StatusCode::OK, 1));
    for fault in ["", "500", "slow=", "slow=121", "slow=-1"] {
        let got = hello(fault).await;
        let (_, message) = got.error(StatusCode::BAD_REQUEST);
        assert!(message.contains("it takes 503, drop, slow, or slow=SECONDS"), "{fault}: {message}");
    }
    let other = Server::demo().await;
    let got = other.get("/api/v1/User/current").by("admin").header("x-demo-fault", "503").send().await;
    let (_, message) = got.error(StatusCode::BAD_REQUEST);
    assert!(message.contains("only servers that were started with `serve --demo`"), "{message}");
}
