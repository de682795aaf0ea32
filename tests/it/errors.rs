//! Error responses: status, type and message for bad requests, and never a 5xx for them.

use poem::http::{Method, StatusCode};

use crate::harness::{ABSENT, Server};

const HELLO: &str = "/api/v1/User/2/CustomCommand/hello";

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let server = Server::demo().await;
    for path in ["/nope", "/api/v2", "/api/v1/Users", "/api/v1/User//CustomCommand", "/api/v1/User/2/CustomCommand/a/b"]
    {
        let got = server.get(path).by("admin").send().await;
        assert_eq!(got.error(StatusCode::NOT_FOUND).0, "SoNotFoundException", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let server = Server::demo().await;
    for (path, allowed) in [
        (HELLO, "POST"),
        ("/api/v1/User/current", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        // Its POST answers 501, and is not in the document.
        ("/api/v1/License", "GET, HEAD"),
    ] {
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
            let got = server.call(method, path).by("admin").send().await;
            got.error(StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(got.header("allow"), Some(allowed));
        }
    }
    let unheard_of = Method::from_bytes(b"FROB").expect("a method");
    server.call(unheard_of, HELLO).by("admin").send().await.error(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_the_values_it_takes() {
    let server = Server::demo().await;
    let names = "is not one of Implicit, Yes, Ok, No, Cancel";
    for (path, parameter, reason) in [
        ("/api/v1/User/x/CustomCommand/hello", "id", "`x` is not a 32-bit integer"),
        ("/api/v1/User/99999999999/CustomCommand/hello", "id", "`99999999999` is not a 32-bit integer"),
        ("/api/v1/User/+2/CustomCommand/hello", "id", "`+2` is not a 32-bit integer"),
        ("/api/v1/User/x%20(occurred%20while%20parsing%20/CustomCommand/hello", "id", "`x (occurred while parsing `"),
        ("/api/v1/User/2/CustomCommand/hello?actionResult=Maybe", "actionResult", names),
        ("/api/v1/User/2/CustomCommand/hello?actionResult=%FF", "actionResult", "its value is not UTF-8"),
        ("/api/v1/User/2/CustomCommand/hello?actionResult=5", "actionResult", names),
        ("/api/v1/User/2/CustomCommand/hello?actionResult=-1", "actionResult", names),
        ("/api/v1/User/2/CustomCommand/hello?actionResult=%20", "actionResult", names),
        ("/api/v1/User/2/CustomCommand/hello?actionResult=Yes&actionResult=No", "actionResult", "more than once"),
    ] {
        let got = server.post(path).by("admin").send().await;
        let (kind, message) = got.error(StatusCode::BAD_REQUEST);
        assert_eq!(kind, "ArgumentException", "{path}");
        assert!(message.starts_with(&format!("Parameter {parameter}: ")) && message.contains(reason), "{message}");
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn a_missing_user_is_reported_in_upstreams_words() {
    let server = Server::demo().await;
    let got = server.execute("admin", ABSENT, "no-such-command", None).await;
    let expected = ("SoNotFoundException", "User with given id does not exist in the db.");
    assert_eq!(got.error(StatusCode::NOT_FOUND), expected);
    server.get("/api/v1/User/-5/CustomCommand").by("admin").send().await.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bodies_of_a_wrong_type_or_size_are_refused() {
    let server = Server::demo().await;
    for media in ["application/xml", "text/xml", "application/x-www-form-urlencoded", "text/plain", "json"] {
        let got = server.post(HELLO).by("admin").body(media, "<x/>").send().await;
        got.error(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    for media in ["text/json", "application/json-patch+json", "application/merge-patch+json; charset=utf-8"] {
        let got = server.post(HELLO).by("admin").body(media, "null").send().await;
        assert_eq!(got.status, StatusCode::OK, "{media}");
    }
    let got = server.post(HELLO).by("admin").body("application/json", vec![b' '; 1024 * 1024 + 1]).send().await;
    got.error(StatusCode::PAYLOAD_TOO_LARGE);
    let got = server.post(HELLO).by("admin").body("application/json", vec![b' '; 1024 * 1024]).send().await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn accepting_neither_json_nor_xml_is_refused_before_a_run() {
    let server = Server::demo().await;
    for accept in ["application/json;q=0, application/xml;q=0", "*/*;q=0", "application/*;q=0, image/png"] {
        let got = server.post(HELLO).by("admin").header("accept", accept).send().await;
        got.error(StatusCode::NOT_ACCEPTABLE);
    }
    assert!(server.executions().await.is_empty());
    let wide = ["", "*/*", "application/*", "application/merge-patch+json", "text/html, application/json;q=0.1"];
    let others = ["aplication/json", "text/html", "image/*", "application/x+xml", "json", "text/xml;q=0"];
    for accept in wide.into_iter().chain(others) {
        let got = server.post(HELLO).by("admin").header("accept", accept).send().await;
        assert_eq!(got.status, StatusCode::OK, "{accept}");
        assert_eq!(got.header("content-type"), Some("application/json; charset=utf-8"));
    }
    let got = server.post(HELLO).by("admin").header("accept", "application/json;q=0").send().await;
    assert_eq!(got.header("content-type"), Some("application/xml; charset=utf-8"));
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_with_any_credentials() {
    let server = Server::demo().await;
    for (name, value) in [("origin", "https://elsewhere.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let got = server.post(HELLO).by("admin").header(name, value).send().await;
        assert_eq!(got.error(StatusCode::FORBIDDEN).0, "SoIllegalOperationException", "{name}: {value}");
    }
    assert!(server.executions().await.is_empty());
    let got = server.post(HELLO).by("admin").header("origin", "http://127.0.0.1:8080").send().await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn invalid_path_segments_are_client_errors() {
    let server = Server::demo().await;
    for segment in ["%FF", "%00", "..%2F..%2Fetc", "%", "%zz", "'%20OR%201=1--", "%E2%80%AE"] {
        let got = server.get(format!("/api/v1/User/{segment}")).by("admin").send().await;
        assert!(got.status.is_client_error(), "{segment}: {}", got.status);
        got.error(got.status);
    }
}

#[tokio::test]
async fn a_lost_database_is_not_reported_as_a_wrong_password() {
    let server = Server::demo().await;
    server.app.store.clone().close().await.expect("a closed database");
    for call in [server.get("/api/v1/User/current").by("admin"), server.get("/health/ready")] {
        let got = call.send().await;
        let (_, message) = got.error(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(message, "The server cannot answer now. Try again.");
        assert_eq!(got.header("retry-after"), Some("1"));
    }
    assert_eq!(server.get("/health/live").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_response_has_its_own_request_id() {
    let server = Server::demo().await;
    let mut ids = Vec::new();
    for path in ["/health/live", "/api", "/docs", "/nope", "/api/v1/User/2"] {
        let got = server.get(path).send().await;
        ids.push(got.header("x-request-id").expect("an id").to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}
