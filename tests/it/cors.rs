//! Cross-origin requests: allowed origins may call, never with cookies.

use std::collections::BTreeSet;

use kommando::api::{self, EXPOSED};
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::{
    access_ways::ticket,
    harness::{ADMIN, ANNA, Answer, Call, PASSWORD, Server, kommando},
};

const HELLO: &str = "/api/v1/User/2/CustomCommand/hello";
const APP: &str = "https://app.example.com";
const LOCAL: &str = "http://localhost:3000";
/// Origins that the setting does not name.
const OTHERS: [&str; 7] = [
    "https://elsewhere.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "null",
    "*",
];

async fn server() -> Server {
    Server::with_settings(&["--cors-origins", "https://app.example.com,http://localhost:3000"]).await
}

fn preflight<'a>(server: &'a Server, path: &str, origin: &str) -> Call<'a> {
    let call = server.call(Method::OPTIONS, path).header("origin", origin);
    call.header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,so-language")
}

#[track_caller]
fn assert_closed(got: &Answer, case: &str) {
    let names = got.headers.keys().map(|name| name.as_str().to_owned());
    let open: Vec<_> = names.filter(|name| name.starts_with("access-control-")).collect();
    assert!(open.is_empty(), "{case}: {open:?}");
}

#[tokio::test]
async fn without_the_setting_no_other_origin_may_call() {
    let server = Server::demo().await;
    let got = preflight(&server, HELLO, APP).send().await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("KOMMANDO_CORS_ORIGINS"), "{}", got.text);
    assert_closed(&got, "preflight");
    let got = server.get("/api/v1/User/2").by("admin").header("origin", APP).send().await;
    assert_eq!(got.status, StatusCode::OK);
    assert_closed(&got, "read");
    let got = server.post(HELLO).by("admin").header("origin", APP).send().await;
    assert!(got.error(StatusCode::FORBIDDEN).1.contains("KOMMANDO_CORS_ORIGINS"), "{}", got.text);
}

#[tokio::test]
async fn a_preflight_needs_no_login() {
    let server = server().await;
    for (origin, path) in [(APP, HELLO), (LOCAL, "/api/v1/User/2"), (APP, "/_ext/session"), (APP, "/nope")] {
        let got = preflight(&server, path, origin).send().await;
        assert_eq!((got.status, got.text.as_str()), (StatusCode::NO_CONTENT, ""), "{path}");
        assert_eq!(got.header("access-control-allow-origin"), Some(origin));
        assert_eq!(got.header("access-control-allow-methods"), Some("GET, HEAD, POST, PUT, PATCH, DELETE"));
        let asked = Some("authorization,content-type,so-language");
        assert_eq!(got.header("access-control-allow-headers"), asked);
        assert_eq!(got.header("access-control-allow-credentials"), None);
        assert!(got.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{:?}", got.headers);
    }
    let got = server.call(Method::OPTIONS, HELLO).header("origin", APP).send().await;
    got.error(StatusCode::METHOD_NOT_ALLOWED);
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn an_allowed_origin_calls_and_reads_every_answer() {
    let server = server().await;
    let ticket = ticket(&server, ADMIN).await;
    let call = server.post(HELLO).header("authorization", &ticket).header("origin", APP);
    let ran = call.header("sec-fetch-site", "cross-site").send().await;
    assert_eq!((ran.status, &ran.body["Success"]), (StatusCode::OK, &true.into()), "{}", ran.text);
    let refused = server.post(HELLO).header("origin", APP).send().await;
    refused.error(StatusCode::UNAUTHORIZED);
    let missing = server.get("/nope").header("origin", APP).send().await;
    missing.error(StatusCode::NOT_FOUND);
    let bad =
        server.get("/api/v1/User/2?$select=shoe").header("authorization", &ticket).header("origin", APP).send().await;
    bad.error(StatusCode::BAD_REQUEST);
    for got in [ran, refused, missing, bad] {
        assert_eq!(got.header("access-control-allow-origin"), Some(APP), "{}", got.text);
        assert_eq!(got.header("access-control-allow-credentials"), None);
        assert_eq!(got.header("access-control-expose-headers"), Some(EXPOSED.join(", ").as_str()));
    }
}

#[tokio::test]
async fn basic_from_another_origin_is_refused() {
    let server = server().await;
    for mode in ["cors", "no-cors", "navigate"] {
        let call = server.post(HELLO).by("admin").header("origin", APP).header("sec-fetch-mode", mode);
        assert!(call.send().await.error(StatusCode::UNAUTHORIZED).1.contains("SoTicket"), "{mode}");
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn an_unlisted_origin_may_not_call() {
    let server = server().await;
    for origin in OTHERS {
        let got = preflight(&server, HELLO, origin).send().await;
        assert!(got.error(StatusCode::FORBIDDEN).1.contains("KOMMANDO_CORS_ORIGINS"), "{origin}: {}", got.text);
        assert_closed(&got, origin);
        let got = server.get("/api/v1/User/2").by("admin").header("origin", origin).send().await;
        assert_closed(&got, origin);
        assert!(got.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "caches must distinguish origins");
        let got = server.post(HELLO).by("admin").header("origin", origin).send().await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let got = server.post(HELLO).by("admin").header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "a cross-site request without Origin is refused");
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn another_origin_neither_sends_nor_gets_cookies() {
    let server = server().await;
    let log_in = || server.post("/_ext/session").json(json!({"userName": "anna", "password": PASSWORD}));
    let own = log_in().header("origin", "http://127.0.0.1:8080").send().await;
    let pairs = own.headers.get_all("set-cookie").iter().map(|one| one.to_str().expect("text"));
    let pairs: Vec<_> = pairs.map(|one| one.split(';').next().expect("a pair").to_owned()).collect();
    assert_eq!(pairs.len(), 2, "a page of the own origin gets a session");
    let xsrf = pairs.iter().find_map(|pair| pair.strip_prefix("XSRF-TOKEN=")).expect("a token");
    let current = |origin: &str| {
        let call = server.get("/api/v1/User/current").header("origin", origin);
        call.header("cookie", &pairs.join("; ")).header("x-xsrf-token", xsrf).send()
    };
    assert_eq!(current("http://127.0.0.1:8080").await.status, StatusCode::OK);
    assert_eq!(current(APP).await.status, StatusCode::UNAUTHORIZED);
    let other = log_in().header("origin", APP).send().await;
    assert_eq!((other.status, other.headers.get("set-cookie")), (StatusCode::OK, None));
    let ticket = format!("SoTicket {}", other.body["ticket"].as_str().expect("a ticket"));
    let call = server.get("/api/v1/User/current").header("origin", APP).header("authorization", &ticket);
    assert_eq!(call.send().await.body["AssociateId"], ANNA, "the ticket of the login is valid");
}

#[test]
fn every_response_header_is_exposed_to_pages() {
    // Browsers expose Content-Language and Last-Modified to every page, and Set-Cookie to none.
    let always = ["Content-Language", "Last-Modified", "Set-Cookie"];
    let document = api::document();
    let mut headers = BTreeSet::new();
    for methods in document["paths"].as_object().expect("paths").values() {
        for operation in methods.as_object().expect("methods").values() {
            for response in operation["responses"].as_object().expect("responses").values() {
                headers.extend(response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
            }
        }
    }
    assert!(headers.len() > 8, "{headers:?}");
    for name in headers {
        let is_exposed = EXPOSED.iter().chain(&always).any(|known| known.eq_ignore_ascii_case(&name));
        assert!(is_exposed, "{name} is missing from api::cors::EXPOSED");
    }
}

#[test]
fn an_invalid_origin_stops_the_start() {
    for wrong in ["*", "app.example.com", "https://app.example.com/", "https://a.example,null", ""] {
        let output = kommando().args(["config", "check"]).env("KOMMANDO_CORS_ORIGINS", wrong).output().expect("an end");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("is not an origin"), "{wrong}: {told}");
    }
}
