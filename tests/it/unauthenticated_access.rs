//! Every route outside the list of public ones refuses callers without credentials. The list should only shrink.

use kommando::api;
use poem::http::{Method, StatusCode};

use crate::harness::Server;

/// Public routes: a path, a method with a path, or every path below a prefix that ends with a slash.
const PUBLIC: [&str; 15] = [
    "/",
    "/api",
    "/api/state/:param0",
    "/api/v1",
    "/docs",
    "/docs/",
    "/health/live",
    "/health/ready",
    "/openapi-3.1.json",
    "/openapi.json",
    "/openapi.yaml",
    "/_ext/console",
    "/_ext/console/",
    "POST /_ext/password",
    "POST /_ext/session",
];

#[tokio::test]
async fn every_route_needs_credentials_unless_it_is_public() {
    let server = Server::demo().await;
    for (path, methods) in api::routes() {
        // A path parameter may be an id or a name: try both.
        for user in ["2", "anna", "4711"] {
            let filled = path.replace(":param0", user).replace(":param1", "hello");
            let head = methods.contains(&Method::GET).then_some(Method::HEAD);
            for method in methods.iter().chain(&head) {
                let is_below = |known: &&str| known.len() > 1 && known.ends_with('/') && path.starts_with(*known);
                let is_public = PUBLIC.contains(&path.as_str())
                    || PUBLIC.iter().any(is_below)
                    || PUBLIC.contains(&format!("{method} {path}").as_str());
                let status = server.call(method.clone(), &filled).send().await.status;
                assert_eq!(status == StatusCode::UNAUTHORIZED, !is_public, "{method} {path}: {status}");
            }
        }
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn credentials_are_checked_before_the_rest_of_the_request() {
    let server = Server::demo().await;
    let path = "/api/v1/User/x/CustomCommand/nope?actionResult=Maybe";
    let got = server.post(path).header("accept", "image/png").body("text/plain", "x").send().await;
    got.error(StatusCode::UNAUTHORIZED);
}

#[test]
fn the_public_list_has_no_dead_entries() {
    let routes = api::routes();
    for path in PUBLIC {
        let (method, path) = path.split_once(' ').unwrap_or(("GET", path));
        let is_there = |(route, methods): &(String, Vec<Method>)| {
            let is_path = route == path || path.len() > 1 && path.ends_with('/') && route.starts_with(path);
            is_path && methods.iter().any(|known| known == method)
        };
        assert!(routes.iter().any(is_there), "{method} {path} is not a route");
    }
}
