//! Large responses, which are written on a blocking thread, have the same form as small ones.

use kommando::users::{self, UserColumn};
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{ANNA, Server};

const USER: &str = "/api/v1/User/2";

/// A server on which a custom field of Anna contains this text.
async fn with_field(text: &str) -> Server {
    let server = Server::demo().await;
    let values = vec![(UserColumn::CustomFields, json!({"x": text}).into())];
    users::set_columns(server.app.store.writer(), ANNA, values).await.expect("a change");
    server
}

#[tokio::test]
async fn a_large_response_has_the_form_of_a_small_one() {
    let (small, large) = ("[D:01/01/2020] ".to_owned(), "[D:01/01/2020] ".repeat(20_000));
    let servers = [with_field(&small).await, with_field(&large).await];
    for (language, accept) in [(None, "application/json"), (Some("nb"), "application/json"), (Some("nb"), "text/xml")] {
        let mut answers = Vec::new();
        for server in &servers {
            let call = server.get(USER).by("admin").header("accept", accept);
            let call = if let Some(language) = language { call.header("so-language", language) } else { call };
            answers.push(call.send().await);
        }
        let shown = if language.is_some() { "01.01.2020 " } else { small.as_str() };
        assert_eq!(answers[0].text.replace(shown, &shown.repeat(20_000)), answers[1].text);
        for header in ["content-type", "content-language", "so-timezone", "vary", "cache-control"] {
            assert_eq!(answers[0].header(header), answers[1].header(header), "{header}");
        }
    }
    let select = servers[1].get(format!("{USER}?$select=name")).by("admin").send().await;
    assert!(select.body["Name"] == "anna" && select.body["CustomFields"].is_null(), "{}", select.text.len());
    let head = servers[1].call(Method::HEAD, USER).by("admin").header("so-language", "en").send().await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn long_exports_have_the_form_of_short_ones() {
    let command = format!(
        "name: tell\ndisplay_name: Tell\nallow_roles: [Administrator]\nsteps:\n  - message: {{text: '[SR_COMMAND_DONE] {}'}}\n",
        "x".repeat(40_000)
    );
    let server = Server::with_commands(&[&command]).await;
    for _ in 0..3 {
        assert_eq!(server.execute("admin", ANNA, "tell", None).await.status, StatusCode::OK);
    }
    for accept in ["application/jsonl", "text/csv"] {
        let list = |limit| {
            let path = format!("/_ext/executions?limit={limit}");
            server.get(path).by("admin").header("accept", accept).header("so-language", "nb").send()
        };
        let (one, all) = (list(1).await, list(3).await);
        assert!(all.text.starts_with(&one.text) && all.text.matches("Utført. xxx").count() == 3, "{accept}");
        assert_eq!(one.header("content-language"), all.header("content-language"));
        assert_eq!(one.header("content-type"), all.header("content-type"));
    }
}
