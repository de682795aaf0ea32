//! Which Host headers a server accepts and uses in links.

use kommando::api;
use poem::{
    Endpoint, Request,
    http::{Method, StatusCode, header},
};
use serde_json::Value;

use crate::harness::Server;

/// Basic credentials of the administrator.
fn authorization() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("admin:{}", crate::harness::PASSWORD)))
}

/// Sends a request as the administrator; returns the status and the body.
async fn ask(server: &Server, method: Method, path: &str, headers: &[(&'static str, &str)]) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri_str(path).header(header::AUTHORIZATION, authorization());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let mut answer = server.endpoint.get_response(request.finish()).await;
    (answer.status(), answer.take_body().into_string().await.expect("text"))
}

#[tokio::test]
async fn dns_rebinding_reaches_nothing_on_loopback() {
    let server = Server::with_settings(&["--metrics", "path"]).await;
    let paths = api::routes().into_iter().chain([("/metrics".to_owned(), vec![Method::GET])]);
    for (path, methods) in paths {
        let filled = path.replace(":param0", "2").replace(":param1", "hello");
        for method in methods {
            let (status, body) = ask(&server, method.clone(), &filled, &[("host", "evil.example:8080")]).await;
            let is_probe = path.starts_with("/health/");
            assert_eq!(
                status == StatusCode::BAD_REQUEST && body.contains("KOMMANDO_HOSTS"),
                !is_probe,
                "{method} {path}: {body}"
            );
        }
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn a_public_listener_answers_listed_hosts_only() {
    let listen = ["--listen", "0.0.0.0:8080"];
    let any = Server::with_settings(&listen).await;
    let listed =
        Server::with_settings(&[&listen[..], &["--hosts", "kommando.example.com,192.0.2.7:8443"]].concat()).await;
    for (host, is_listed) in [("kommando.example.com", true), ("192.0.2.7:8443", true), ("evil.example", false)] {
        let user = "/api/v1/User/2";
        assert_eq!(ask(&any, Method::GET, user, &[("host", host)]).await.0, StatusCode::OK, "{host}");
        let (status, body) = ask(&listed, Method::GET, user, &[("host", host)]).await;
        assert_eq!(status == StatusCode::OK, is_listed, "{host}: {body}");
        assert_eq!(ask(&listed, Method::GET, "/health/ready", &[("host", host)]).await.0, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn links_use_the_accepted_host() {
    let server = Server::with_settings(&["--hosts", "kommando.example.com"]).await;
    let links = async |headers: &[(&'static str, &str)]| {
        let (status, user) = ask(&server, Method::GET, "/api/v1/User/2", headers).await;
        assert_eq!(status, StatusCode::OK, "{user}");
        let user: Value = serde_json::from_str(&user).expect("JSON");
        user["_Links"]["Self"].as_str().expect("a link").to_owned()
    };
    for headers in [
        &[("host", "kommando.example.com")][..],
        &[("host", "kommando.example.com"), ("x-forwarded-host", "evil.example")],
        &[("host", "kommando.example.com"), ("forwarded", "host=evil.example")],
    ] {
        assert_eq!(links(headers).await, "http://kommando.example.com/api/v1/user/2");
    }
    assert_eq!(links(&[("host", "")]).await, "http://localhost/api/v1/user/2", "without a host");
}
