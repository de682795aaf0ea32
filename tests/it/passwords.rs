//! The password policy and Unicode normalization of passwords.

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use kommando::{app::App, commands::Catalog};
use poem::http::{Method, StatusCode};
use sea_orm::ConnectionTrait;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    database::Database,
    harness::{ANNA, Answer, PASSWORD, Server, config},
};

const CURRENT: &str = "/api/v1/User/current";
const TOO_SHORT: &str = "elevenchars";

async fn logs_in(server: &Server, name: &str, password: &str) -> bool {
    server.get(CURRENT).basic(name, password).send().await.status == StatusCode::OK
}

/// Calls every operation that sets a password, as an administrator.
async fn set_everywhere(server: &Server, password: &str) -> Vec<(&'static str, Answer)> {
    let credential = json!({"Type": {"Type": "CRM5/PASSWORD"}, "Value": password});
    let agent = |operation| format!("/api/v1/Agents/User/{operation}");
    let calls: Vec<(&str, Method, String, Value)> = vec![
        (
            "POST /User",
            Method::POST,
            "/api/v1/User".into(),
            json!({"Name": format!("new{}", password.len()), "Credentials": [credential]}),
        ),
        ("PUT /User", Method::PUT, "/api/v1/User/2".into(), json!({"Credentials": [credential]})),
        (
            "SaveUser",
            Method::POST,
            agent("SaveUser"),
            json!({"Name": format!("other{}", password.len()), "Credentials": [credential]}),
        ),
        ("SetPassword", Method::POST, agent("SetPassword"), json!({"AssociateId": 2, "Password": password})),
        (
            "SetPasswordFromName",
            Method::POST,
            agent("SetPasswordFromName"),
            json!({"AssociateName": "bjorn", "Password": password}),
        ),
        (
            "ChangePassword",
            Method::POST,
            agent("ChangePassword"),
            json!({"AssociateId": 4, "OldPassword": PASSWORD, "NewPassword": password}),
        ),
        (
            "ChangePasswordFromName",
            Method::POST,
            agent("ChangePasswordFromName"),
            json!({"AssociateName": "dora", "OldPassword": PASSWORD, "NewPassword": password}),
        ),
        ("SaveCredential", Method::POST, agent("SaveCredential"), json!({"UserId": 2, "Credential": credential})),
        (
            "/_ext/password",
            Method::POST,
            "/_ext/password".into(),
            json!({"userName": "admin", "oldPassword": PASSWORD, "newPassword": password}),
        ),
    ];
    let mut answers = Vec::new();
    for (operation, method, path, body) in calls {
        let answer = server.call(method, path).by("admin").json(body).send().await;
        answers.push((operation, answer));
    }
    answers
}

#[tokio::test]
async fn no_operation_sets_a_password_that_is_too_short() {
    let server = Server::demo().await;
    for (operation, answer) in set_everywhere(&server, TOO_SHORT).await {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{operation}: {}", answer.text);
        assert!(answer.text.contains("it has fewer than 12 characters"), "{operation}: {}", answer.text);
    }
    for name in ["admin", "anna", "bjorn", "chris"] {
        assert!(logs_in(&server, name, PASSWORD).await, "{name}");
    }
    let own = json!({"OldPassword": PASSWORD, "NewPassword": TOO_SHORT});
    let own = server.post("/api/v1/Agents/User/ChangeOwnPassword").by("anna").json(own).send().await;
    assert!(own.error(StatusCode::BAD_REQUEST).1.contains("fewer than 12 characters"));
}

#[tokio::test]
async fn a_password_of_the_minimum_length_is_set_by_every_operation() {
    let server = Server::demo().await;
    for (operation, answer) in set_everywhere(&server, "twelve chars").await {
        assert!(answer.status.is_success() && answer.body != false, "{operation}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_minimum_length_is_a_setting() {
    let server = Server::with_settings(&["--password-min-length", "20"]).await;
    let told = |password: &'static str| {
        let call = server.post("/api/v1/Agents/User/IsPasswordValidWithReason").by("anna");
        async move { call.json(json!({"Password": password})).send().await.body["Reason"].clone() }
    };
    assert_eq!(told("nineteen characters").await, "it has fewer than 20 characters");
    assert_eq!(told("nineteen characters!").await, "");
    let set = json!({"AssociateId": ANNA});
    let generated = server.post("/api/v1/Agents/User/SetGeneratedPassword").by("admin").json(set).send().await;
    assert_eq!(generated.body.as_str().map(str::len), Some(20));
}

#[tokio::test]
async fn the_first_administrator_obeys_the_minimum_length() {
    let database = Database::empty().await;
    let app = App::build(&config(&database.url, &["--migrate"]), Catalog::default()).await.expect("an application");
    let short = SecretString::from(TOO_SHORT);
    for refused in [app.register_administrator(&short).await, app.fill_demo(&short).await] {
        let error = refused.expect_err("a refusal");
        assert!(error.to_string().contains("KOMMANDO_ADMIN_PASSWORD"), "{error}");
    }
    assert!(app.has_no_users().await.expect("an answer"));
    assert!(app.register_administrator(&SecretString::from("twelve chars")).await.expect("an administrator"));
}

/// Stores a password like an earlier version: any text, without normalization.
async fn store_old(server: &Server, password: &str) {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).expect("a cost"));
    let hash = argon2.hash_password(password.as_bytes()).expect("a hash");
    let update = format!("UPDATE credentials SET secret = '{hash}' WHERE user_id = {ANNA}");
    server.app.store.writer().execute_unprepared(&update).await.expect("a change");
}

#[tokio::test]
async fn a_stored_password_that_is_too_short_still_logs_in() {
    let server = Server::demo().await;
    store_old(&server, "short").await;
    assert!(logs_in(&server, "anna", "short").await && logs_in(&server, "anna", "short").await);
    assert!(!logs_in(&server, "anna", "shor").await);
}

#[tokio::test]
async fn a_password_matches_in_any_spelling_of_its_letters() {
    let server = Server::demo().await;
    let (composed, decomposed) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
    for (set, typed) in [(composed, decomposed), (decomposed, composed)] {
        let set = json!({"AssociateId": ANNA, "Password": set});
        let answer = server.post("/api/v1/Agents/User/SetPassword").by("admin").json(set).send().await;
        assert_eq!(answer.body, true);
        assert!(logs_in(&server, "anna", typed).await && logs_in(&server, "anna", composed).await);
    }
    let same = json!({"userName": "anna", "oldPassword": composed, "newPassword": decomposed});
    let same = server.post("/_ext/password").json(same).send().await;
    assert!(same.status == StatusCode::BAD_REQUEST && same.text.contains("it is the old one"), "{}", same.text);
}

#[tokio::test]
async fn an_old_hash_matches_only_the_spelling_that_was_hashed() {
    let server = Server::demo().await;
    store_old(&server, "cafe\u{301}").await;
    assert!(logs_in(&server, "anna", "cafe\u{301}").await);
    assert!(!logs_in(&server, "anna", "caf\u{e9}").await, "even while the other spelling is cached");
}
