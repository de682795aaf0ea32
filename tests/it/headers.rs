//! Headers and query parameters: each is given once and can be read, or the request is refused by name and does
//! nothing.

use kommando::{
    api::{
        self,
        headers::{LISTS, SINGLE},
    },
    auth::session::SESSION_COOKIE,
};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANNA, Answer, BJORN, CHRIS, Call, PASSWORD, Server};

const HELLO: &str = "/api/v1/User/2/CustomCommand/hello";
const AGENT: &str = "/api/v1/Agents/User/ExecuteUserCommand";
const TWICE: &str = "it is given more than once";
const UNREADABLE: &[u8] = "slutt-Bjørn".as_bytes();
/// Headers that only some operations accept.
const OWN: [&str; 2] = ["X-Dry-Run", "Idempotency-Key"];

/// Requests of every kind: changes, runs, reads, public operations and pages.
fn samples(server: &Server) -> Vec<(&'static str, Call<'_>)> {
    let (get, post) = (|path| server.get(path), |path| server.post(path));
    let run = json!({"CommandName": "hello", "User": {"AssociateId": ANNA}});
    let log_in = json!({"userName": "anna", "password": PASSWORD});
    vec![
        (HELLO, post(HELLO).by("admin")),
        (AGENT, post(AGENT).by("admin").body("application/json", run.to_string())),
        ("DELETE /api/v1/User/3", server.call(Method::DELETE, "/api/v1/User/3").by("admin")),
        ("/api/v1/User/2", get("/api/v1/User/2").by("admin")),
        ("/api/v1/User", get("/api/v1/User").by("admin")),
        ("/_ext/executions", get("/_ext/executions").by("admin")),
        ("/_ext/session", post("/_ext/session").body("application/json", log_in.to_string())),
        ("/health/live", get("/health/live")),
        ("/api", get("/api")),
        ("/docs", get("/docs")),
    ]
}

/// A valid value of a header.
fn right(name: &str) -> &'static str {
    match name {
        "Authorization" => "Basic YWRtaW46Y29ycmVjdCBob3JzZQ==",
        "Content-Encoding" => "identity",
        "Content-Length" => "0",
        "Content-Type" => "application/json",
        "If-Modified-Since" | "If-Unmodified-Since" => "Mon, 23 Nov 2026 18:35:15 GMT",
        "Host" => "127.0.0.1:8080",
        "Origin" => "http://127.0.0.1:8080",
        "Sec-Fetch-Mode" => "navigate",
        "Sec-Fetch-Site" => "same-origin",
        "SO-Culture" => "nb-NO",
        "SO-Language" => "nb",
        "SO-TimeZone" => "NO",
        "traceparent" => "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "X-Demo-Fault" => "slow=0",
        "X-Dry-Run" => "true",
        _ => "x",
    }
}

#[track_caller]
fn assert_refused(got: &Answer, name: &str, reason: &str, case: &str) {
    assert_eq!(got.status, StatusCode::BAD_REQUEST, "{name} {case}: {}", got.text);
    assert!(got.text.contains(name) && got.text.contains(reason), "{name} {case}: {}", got.text);
}

/// Asserts that no command ran and no user changed.
async fn assert_nothing_happened(server: &Server) {
    assert!(server.executions().await.is_empty());
    for user in [ADMIN, ANNA, BJORN, CHRIS] {
        assert!(!server.user(user).await.user.deleted, "{user}");
    }
    assert_eq!(server.user(ANNA).await.user.last_login, None);
}

#[tokio::test]
async fn a_repeated_header_is_refused_by_name() {
    let server = Server::in_demo_mode().await;
    for name in SINGLE.into_iter().chain(["Host"]) {
        for (other, is_same) in [(right(name), true), ("y", false)] {
            for (path, call) in samples(&server) {
                let got = call.header(name, right(name)).header(name, other).send().await;
                let reason = if name == "Host" { "more than one" } else { TWICE };
                assert_refused(&got, name, reason, &format!("twice, the same: {is_same}, at {path}"));
            }
        }
    }
    assert_nothing_happened(&server).await;
}

#[tokio::test]
async fn an_unreadable_header_is_refused_by_name() {
    let server = Server::in_demo_mode().await;
    for name in SINGLE.into_iter().chain(LISTS) {
        for value in [UNREADABLE, b"\xff"] {
            for (path, call) in samples(&server) {
                // The samples already have these headers.
                let call = match name {
                    "Authorization" => server.post(HELLO),
                    "Content-Type" => server.post(HELLO).by("admin"),
                    _ => call,
                };
                let got = call.header_bytes(name, value).send().await;
                assert_refused(&got, &format!("Header {name}: "), "visible ASCII", path);
            }
        }
    }
    assert_nothing_happened(&server).await;
}

#[tokio::test]
async fn our_own_operations_refuse_unknown_query_parameters() {
    let server = Server::demo().await;
    let document = server.get("/openapi.json").send().await.body;
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        if !path.starts_with("/_ext/") {
            continue;
        }
        for method in operations.as_object().expect("operations").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path = path.replace("{id}", "1");
            let got = server.call(method, format!("{path}?nope=1")).by("admin").send().await;
            assert_refused(&got, "Parameter nope: ", "this operation does not take it", &path);
            count += 1;
        }
    }
    assert!(count > 8, "{count}");
    let got = server.get("/_ext/executions?comand=hello").by("admin").send().await;
    assert_refused(&got, "Parameter comand: ", "did you mean `command`?", "a misspelt name");
    assert_eq!(server.get("/_ext/executions?Command=hello").by("admin").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn changes_refuse_unknown_query_parameters() {
    let server = Server::demo().await;
    for path in ["/api/v1/User/2?nope=1", "/api/v1/User?nope=1&$mode=slim", "/api/v1/User/2/CustomCommand?nope=1"] {
        assert_eq!(server.get(path).by("admin").send().await.status, StatusCode::OK, "{path}");
    }
    let refused = [
        (Method::GET, "/api/v1/User?$tpo=1", "Parameter $tpo: ", "did you mean `$top`?"),
        (Method::GET, "/api/v1/User?$search=anna", "Parameter $search: ", "does not take it"),
        (Method::GET, "/api/v1/User/2?$select=Name&$expand=Person", "Parameter $expand: ", "does not take it"),
        (
            Method::POST,
            "/api/v1/User/2/CustomCommand/set-away?actionResut=No",
            "Parameter actionResut: ",
            "`actionResult`?",
        ),
        (Method::POST, "/api/v1/Agents/User/ExecuteUserCommand?dryRun=true", "Parameter dryRun: ", "does not take it"),
        (Method::DELETE, "/api/v1/User/5?dryRun=true", "Parameter dryRun: ", "Its query parameters: "),
    ];
    for (method, path, name, remedy) in refused {
        let got = server.call(method, path).by("admin").send().await;
        assert_refused(&got, name, remedy, path);
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn a_change_conditional_on_an_etag_is_refused() {
    let server = Server::demo().await;
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        for name in ["If-Match", "If-None-Match"] {
            let call = server.call(method.clone(), "/api/v1/User/5").by("admin").header(name, "*");
            assert_refused(&call.json(json!({})).send().await, &format!("Header {name}: "), "", "a change");
        }
    }
    assert_eq!(
        server.get("/api/v1/User/5").by("admin").header("If-Match", "\"x\"").send().await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn list_headers_may_be_repeated() {
    let server = Server::demo().await;
    for name in LISTS {
        let values = if name == "If-None-Match" { ["\"one\"", "W/\"two\""] } else { ["*/*", "en"] };
        let call = server.get("/api/v1/User/2").by("admin").header(name, values[0]).header(name, values[1]);
        let got = call.send().await;
        assert_eq!(got.status, StatusCode::OK, "{name}: {}", got.text);
    }
    let tag = server.get("/docs").send().await.header("etag").expect("a tag").to_owned();
    let call = server.get("/docs").header("if-none-match", "\"other\"").header("if-none-match", &tag);
    assert_eq!(call.send().await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn empty_headers_of_the_vendors_client_count_as_absent() {
    let server = Server::in_demo_mode().await;
    let ok = ["Accept", "Accept-Language", "Content-Type", "SO-AppToken", "SO-Culture", "SO-Language", "SO-TimeZone"];
    let current = server.get("/api/v1/User/2").by("admin").header("If-Modified-Since", "").send().await;
    assert_eq!(current.status, StatusCode::OK, "If-Modified-Since: {}", current.text);
    let harmless = ["Content-Encoding", "Sec-Fetch-Mode", "Sec-Fetch-Site", "traceparent", "X-XSRF-TOKEN"];
    for name in ok.into_iter().chain(harmless) {
        let got = server.post(HELLO).by("admin").header(name, "").send().await;
        assert_eq!(got.status, StatusCode::OK, "{name}: {}", got.text);
    }
    let count = server.executions().await.len();
    for name in ["Idempotency-Key", "X-Dry-Run", "X-Demo-Fault"] {
        let got = server.post(HELLO).by("admin").header(name, "").send().await;
        assert_refused(&got, name, if name == "X-Dry-Run" { "it must be" } else { "it takes" }, "empty");
    }
    let delete = server.call(Method::DELETE, "/api/v1/User/3").by("admin").header("If-Unmodified-Since", "");
    assert_refused(&delete.send().await, "If-Unmodified-Since", "is not a date", "empty");
    let got = server.post(HELLO).header("authorization", "").send().await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED, "an empty Authorization counts as absent");
    assert_eq!(server.executions().await.len(), count);
}

/// Every operation of the document: method, path with its parameters replaced, and its parameters.
fn operations() -> Vec<(Method, String, Vec<Value>)> {
    let document = api::document();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let parameters = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
            let filled = path.split('/').map(|segment| if segment.starts_with('{') { "2" } else { segment });
            let method = method.to_uppercase().parse().expect("a method");
            found.push((method, filled.collect::<Vec<_>>().join("/"), parameters));
        }
    }
    found
}

fn named(parameters: &[Value], place: &str) -> Vec<String> {
    let names = parameters.iter().filter(|one| one["in"] == place).filter_map(|one| one["name"].as_str());
    names.map(str::to_owned).collect()
}

#[test]
fn every_documented_header_has_a_rule() {
    for (method, path, parameters) in operations() {
        for name in named(&parameters, "header") {
            assert!(SINGLE.iter().chain(&LISTS).any(|known| *known == name), "{method} {path}: {name}");
        }
    }
}

#[tokio::test]
async fn a_header_of_other_operations_is_refused_naming_them() {
    let server = Server::demo().await;
    let pages = ["/", "/docs", "/_ext/console", "/openapi.json"].map(|path| (Method::GET, path.to_owned(), Vec::new()));
    let mut refused = 0;
    for (method, path, parameters) in operations().into_iter().chain(pages) {
        let takes = named(&parameters, "header");
        for name in OWN.into_iter().filter(|name| !takes.iter().any(|taken| taken == name)) {
            for value in ["true", "false", "k1", ""] {
                let call = server.call(method.clone(), &path).by("admin").header(name, value);
                let got = call.body("application/json", "{}").send().await;
                let case = format!("{method} {path}");
                assert_refused(&got, &format!("Header {name}: "), "this operation does not take it", &case);
                for taker in ["POST /api/v1/User/{id}/CustomCommand/{commandName}", &format!("POST {AGENT}")] {
                    assert!(got.text.contains(taker), "{case}: {}", got.text);
                }
                refused += 1;
            }
        }
    }
    assert!(refused > 400, "{refused}");
    assert_nothing_happened(&server).await;
}

#[tokio::test]
async fn a_repeated_query_parameter_is_refused_by_name() {
    let server = Server::demo().await;
    let mut refused = 0;
    for (method, path, parameters) in operations() {
        // Each value of additionalData is another input.
        for name in named(&parameters, "query").into_iter().filter(|name| name != "additionalData") {
            for query in [format!("{name}=1&{name}=1"), format!("{name}=1&{}=2", name.to_uppercase())] {
                let call = server.call(method.clone(), format!("{path}?{query}")).by("admin");
                let got = call.body("application/json", "{}").send().await;
                assert_eq!(got.status, StatusCode::BAD_REQUEST, "{method} {path}?{query}: {}", got.text);
                let told = got.text.to_lowercase();
                let parameter = format!("parameter {}: {TWICE}", name.to_lowercase());
                assert!(told.contains(&parameter), "{method} {path}?{query}: {}", got.text);
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
    assert_nothing_happened(&server).await;
}

#[tokio::test]
async fn a_repeated_session_cookie_is_refused() {
    let server = Server::demo().await;
    let cookies = format!("{SESSION_COOKIE}=7S:a; {SESSION_COOKIE}=7S:b");
    let got = server.get("/api/v1/User/current").header("cookie", &cookies).send().await;
    assert_refused(&got, SESSION_COOKIE, TWICE, "in one header");
    let call = server.get("/api/v1/User/current").header("cookie", &format!("{SESSION_COOKIE}=7S:a"));
    let got = call.header("cookie", &format!("{SESSION_COOKIE}=7S:a")).send().await;
    assert_refused(&got, SESSION_COOKIE, TWICE, "in two headers");
    let call = server.get("/api/v1/User/current").by("anna");
    let got = call.header("cookie", &cookies).header_bytes("cookie", UNREADABLE).send().await;
    assert_eq!(got.status, StatusCode::OK, "with Authorization, the cookie is ignored");
}
