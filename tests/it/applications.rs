//! Application tokens in an online installation.

use kommando::users::{application, ticket};
use poem::http::StatusCode;
use secrecy::ExposeSecret;

use crate::harness::{ANNA, Call, Server};

const ONLINE: [&str; 2] = ["--installation", "online"];
/// Paths that upstream restricts to granted applications in an online installation.
const RESTRICTED: [&str; 4] =
    ["/api/v1/User/current", "/api/v1/User/2", "/api/v1/User/anna", "/api/v1/User/2/CustomCommand"];
const OPEN: [&str; 3] = ["/api/v1/User/currentPrincipal", "/api/v1/User/currentToken", "/_ext/executions"];

async fn add(server: &Server, name: &str, has_user_agent: bool) -> String {
    let (token, _) = application::add(server.app.store.writer(), name, has_user_agent).await.expect("an application");
    token.expose_secret().to_owned()
}

async fn ticket(server: &Server) -> String {
    let (ticket, _) = ticket::issue(server.app.store.writer(), ANNA, None).await.expect("a ticket");
    format!("SoTicket {}", ticket.expose_secret())
}

fn through<'a>(call: Call<'a>, ticket: &str, app: Option<&str>) -> Call<'a> {
    let call = call.header("authorization", ticket);
    match app {
        Some(app) => call.header("so-apptoken", app),
        None => call,
    }
}

#[tokio::test]
async fn online_refuses_basic_and_tickets_without_an_application() {
    let server = Server::with_settings(&ONLINE).await;
    let (ticket, app) = (ticket(&server).await, add(&server, "partner", false).await);
    let wrong = through(server.get(OPEN[0]), "Bearer 8A:nonsense", None).send().await;
    let wrong = wrong.error(StatusCode::UNAUTHORIZED).1.to_owned();
    let cookie = format!("kommando-session={}", &ticket["SoTicket ".len()..]);
    let (off, no_app) = ("Basic is not allowed in an online installation", "a ticket needs the header SO-AppToken");
    for (got, told) in [
        (server.get(OPEN[0]).send().await, "No credentials were sent."),
        (server.get(OPEN[0]).by("anna").send().await, off),
        (server.get(OPEN[0]).basic("anna", "wrong").send().await, off),
        (through(server.get(OPEN[0]), &ticket, None).send().await, no_app),
        (through(server.get(OPEN[0]), "SoTicket 7T:nonsense", None).send().await, no_app),
        (through(server.get(OPEN[0]), &ticket, Some("")).send().await, no_app),
        (through(server.get(OPEN[0]), &ticket, Some("nonsense")).send().await, &wrong),
        (server.get(OPEN[0]).by("anna").header("so-apptoken", &app).send().await, off),
        (server.get(OPEN[0]).header("cookie", &cookie).send().await, "came without the header X-XSRF-TOKEN"),
    ] {
        let (_, message) = got.error(StatusCode::UNAUTHORIZED);
        assert!(message.contains(told), "{told}: {message}");
        let schemes = got.headers.get_all("www-authenticate");
        assert!(!schemes.iter().any(|scheme| scheme.to_str().expect("text").starts_with("Basic")));
    }
    assert_eq!(through(server.get(OPEN[0]), &ticket, Some(&app)).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn online_the_user_agent_needs_a_granted_application() {
    let server = Server::with_settings(&ONLINE).await;
    let ticket = ticket(&server).await;
    let (plain, granted) = (add(&server, "plain", false).await, add(&server, "granted", true).await);
    for path in RESTRICTED {
        let got = through(server.get(path), &ticket, Some(&plain)).send().await;
        assert_eq!(got.error(StatusCode::FORBIDDEN).0, "SoIllegalOperationException", "{path}");
        assert_eq!(through(server.get(path), &ticket, Some(&granted)).send().await.status, StatusCode::OK, "{path}");
    }
    for path in OPEN {
        assert_eq!(through(server.get(path), &ticket, Some(&plain)).send().await.status, StatusCode::OK, "{path}");
    }
    let run = || server.post("/api/v1/User/2/CustomCommand/hello");
    assert_eq!(through(run(), &ticket, Some(&plain)).send().await.status, StatusCode::FORBIDDEN);
    assert_eq!(through(run(), &ticket, Some(&granted)).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_execution_records_its_application() {
    let server = Server::demo().await;
    let (ticket, app) = (ticket(&server).await, add(&server, "partner", false).await);
    let run = || server.post("/api/v1/User/2/CustomCommand/hello");
    for app in [None, Some(app.as_str()), Some("nonsense")] {
        assert_eq!(through(run(), &ticket, app).send().await.status, StatusCode::OK);
    }
    let recorded: Vec<_> = server.executions().await.iter().map(|one| one.application_id).collect();
    assert_eq!(recorded, [None, Some(1), None]);
    let listed = server.get("/_ext/executions").by("admin").send().await;
    assert_eq!(listed.body["executions"][1]["applicationId"], 1);
}

#[tokio::test]
async fn an_access_token_ends_with_its_application() {
    let server = Server::with_settings(&ONLINE).await;
    let (ticket, app) = (ticket(&server).await, add(&server, "granted", true).await);
    let token = through(server.get("/api/v1/User/currentToken"), &ticket, Some(&app)).send().await;
    let bearer = format!("Bearer {}", token.body.as_str().expect("a token"));
    let call = || server.get(RESTRICTED[0]).header("authorization", &bearer).send();
    assert_eq!(call().await.status, StatusCode::OK);
    assert!(application::revoke(server.app.store.writer(), "granted").await.expect("an answer").is_some());
    assert_eq!(call().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(through(server.get(OPEN[0]), &ticket, Some(&app)).send().await.status, StatusCode::UNAUTHORIZED);
}
