//! Secrets that users keep on the server: who gets them back, and that the database has them only encrypted.

use kommando::{
    executions::audit::{self, Action, Actor, AuditKey, OldRecords, Source, change},
    users::{self, UserColumn, role, secrets::MAX_SECRETS},
    vault::stored_secret,
};
use poem::http::StatusCode;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    audited_state::AuditedState,
    harness::{ANNA, Answer, BJORN, CHRIS, Server},
};

const SECRET: &str = "a-secret-of-anna";

async fn post(server: &Server, caller: &str, path: &str, body: Value) -> Answer {
    server.post(format!("/api/v1/Agents/{path}")).by(caller).json(body).send().await
}

async fn give_role(server: &Server, user: i32, name: &str) {
    let db = server.app.store.writer();
    let role = role::find_by_name(db, name).await.expect("an answer").expect("a role");
    users::set_columns(db, user, vec![(UserColumn::RoleId, role.id.into())]).await.expect("a change");
}

async fn save_credentials(server: &Server, caller: &str, credentials: Value) -> Answer {
    post(server, caller, "User/SaveUntrustedCredentials", json!({"Type": "HR", "Credentials": credentials})).await
}

/// Anna's credentials, as a caller gets them.
async fn credentials(server: &Server, caller: &str) -> Vec<Value> {
    let body = json!({"AssociateId": ANNA, "Type": "HR"});
    let answer = post(server, caller, "User/GetUntrustedCredentialsForAssociate", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body.as_array().expect("a list").clone()
}

async fn rows(server: &Server) -> Vec<stored_secret::Model> {
    stored_secret::Entity::find().all(server.app.store.reader()).await.expect("rows")
}

#[tokio::test]
async fn credentials_go_back_to_their_user_and_to_system_users() {
    let server = Server::demo().await;
    give_role(&server, BJORN, "UserAdmin").await;
    give_role(&server, CHRIS, "System").await;
    let saved = json!({
        "PublicValue": "anna@hr.example.com",
        "SecretValue": SECRET,
        "Comment": "Payroll",
        "ValidFrom": "2026-01-01T00:00:00",
    });
    assert_eq!(save_credentials(&server, "anna", saved).await.status, StatusCode::NO_CONTENT);
    for (caller, secret) in [("anna", SECRET), ("chris", SECRET), ("bjorn", ""), ("admin", "")] {
        let found = credentials(&server, caller).await;
        assert_eq!(found.len(), 1);
        let expected = json!([secret, "anna@hr.example.com", "Payroll", "2026-01-01T00:00:00", true]);
        let names = ["SecretValue", "PublicValue", "Comment", "ValidFrom", "IsActive"];
        assert_eq!(Value::from_iter(names.map(|name| found[0][name].clone())), expected, "{caller}");
    }
    let own = post(&server, "anna", "User/GetUntrustedCredentials", json!({"Type": "HR"})).await;
    assert_eq!(own.body, Value::from(credentials(&server, "anna").await));
    let other = post(&server, "bjorn", "User/GetUntrustedCredentials", json!({"Type": "HR"})).await;
    assert_eq!(other.body, json!([]));
    let stored = format!("{:?}", rows(&server).await);
    assert!(stored.contains("Payroll") && !stored.contains(SECRET), "{stored}");
}

#[tokio::test]
async fn what_is_left_out_stays_as_it_was_saved() {
    let server = Server::demo().await;
    let saved = json!({"PublicValue": "me", "SecretValue": SECRET, "Comment": "Payroll"});
    save_credentials(&server, "anna", saved).await;
    for change in [json!({"PublicValue": "me", "IsActive": false}), json!({"PublicValue": "me", "SecretValue": ""})] {
        assert_eq!(save_credentials(&server, "anna", change).await.status, StatusCode::NO_CONTENT);
    }
    // An administrator does not see the secret, and can change the rest.
    let body =
        json!({"AssociateId": ANNA, "Type": "HR", "Credentials": {"PublicValue": "me", "Comment": "Time sheets"}});
    let changed = post(&server, "admin", "User/SaveUntrustedCredentialsForAssociate", body).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text);
    save_credentials(&server, "anna", json!({"PublicValue": "another"})).await;
    let found = credentials(&server, "anna").await;
    let shown = |index: usize| ["SecretValue", "Comment", "IsActive"].map(|name| found[index][name].clone());
    assert_eq!(found.len(), 2);
    assert_eq!(shown(0), [json!(SECRET), json!("Time sheets"), json!(false)]);
    assert_eq!(shown(1), [json!(""), json!(""), json!(true)]);
    let remove = json!({"Type": "HR", "PublicValue": "me"});
    for expected in [vec!["secret.deleted".to_owned()], vec![]] {
        let before = AuditedState::read(&server.app.store).await;
        let removed = post(&server, "anna", "User/RemoveUntrustedCredentials", remove.clone()).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
        let after = AuditedState::read(&server.app.store).await;
        let actions: Vec<_> = after.since(&before).iter().map(|change| change.action.word()).collect();
        assert_eq!((after.problem_since(&before), actions), (None, expected));
    }
    assert_eq!(credentials(&server, "anna").await.len(), 1);
}

#[tokio::test]
async fn secrets_are_limited_in_length_and_number() {
    let server = Server::demo().await;
    for (credentials, message) in [
        (json!({"SecretValue": "s".repeat(71)}), "SecretValue: the text has more than 70 characters."),
        (json!({"PublicValue": "p".repeat(239)}), "PublicValue: the text has more than 238 characters."),
        (json!({"Comment": "c".repeat(256)}), "Comment: the text has more than 255 characters."),
        (json!({"ValidTo": "soon"}), "Body: \"soon\" is not a date such as \"2026-11-23T14:52:00\"."),
        (json!({"ValidFrom": "2026-02-01", "ValidTo": "2026-01-31"}), "ValidTo: it is before ValidFrom."),
        (json!({}), "Entity to save is not in request body."),
    ] {
        let refused = save_credentials(&server, "anna", credentials).await;
        assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, message);
    }
    let empty = json!({"Type": " ", "Credentials": {"PublicValue": "me"}});
    let refused = post(&server, "anna", "User/SaveUntrustedCredentials", empty).await;
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, "Type: it is empty.");
    for number in 0..MAX_SECRETS {
        let saved = save_credentials(&server, "anna", json!({"PublicValue": number.to_string()})).await;
        assert_eq!(saved.status, StatusCode::NO_CONTENT);
    }
    let refused = save_credentials(&server, "anna", json!({"PublicValue": "one more"})).await;
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, "Credentials: the user has 100 already; remove one first.");
    assert_eq!(save_credentials(&server, "bjorn", json!({"PublicValue": "1"})).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn tokens_are_found_by_their_key_for_the_user_who_saved_them() {
    let server = Server::demo().await;
    give_role(&server, CHRIS, "System").await;
    let tokens = json!({"Provider": "calendar", "AccessToken": SECRET, "RefreshToken": "another"});
    let saved = post(&server, "anna", "User/SaveExternalTokens", json!({"TokenManagementInfo": tokens})).await;
    let key = saved.body.as_str().expect("a key").to_owned();
    let get = async |caller: &str, key: &str| {
        let answer = post(&server, caller, "User/GetExternalTokens", json!({"Key": key})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.body
    };
    for caller in ["anna", "chris"] {
        let found = get(caller, &key).await;
        let shown = ["Provider", "AccessToken", "RefreshToken"].map(|name| found[name].clone());
        assert_eq!(Value::from_iter(shown), json!(["calendar", SECRET, "another"]), "{caller}");
    }
    assert_eq!((get("admin", &key).await, get("anna", "unknown").await), (Value::Null, Value::Null));
    let stored = format!("{:?}", rows(&server).await);
    assert!(stored.contains("calendar") && !stored.contains(SECRET) && !stored.contains(&key), "{stored}");
    for _ in 0..MAX_SECRETS {
        post(&server, "anna", "User/SaveExternalTokens", json!({"TokenManagementInfo": {"Provider": "new"}})).await;
    }
    assert_eq!((rows(&server).await.len(), get("anna", &key).await), (MAX_SECRETS, Value::Null), "the oldest is gone");
    let gone = server.get(format!("/_ext/audit?subject={ANNA}&action=secret.deleted")).by("admin").send().await.body;
    assert_eq!(gone["entries"][0]["after"]["provider"], "calendar", "{gone}");
}

#[tokio::test]
async fn administrators_keep_the_log_ins_of_services() {
    let server = Server::demo().await;
    give_role(&server, CHRIS, "System").await;
    let save = async |body: Value| post(&server, "admin", "User/SaveServiceAuth", body).await;
    let saved = save(json!({"Server": "mail.example.com", "Port": 993, "Username": "us", "Password": SECRET})).await;
    let id = saved.body["ServiceAuthId"].as_i64().expect("an id");
    let changed = save(json!({"ServiceAuthId": id, "AuthType": "OAuth", "Password": null})).await.body;
    let names = ["Server", "Port", "AuthType", "Username", "Password"];
    let shown = Value::from_iter(names.map(|name| changed[name].clone()));
    assert_eq!(shown, json!(["mail.example.com", 993, "OAuth", "us", SECRET]));
    let get = async |caller: &str, id: i64| {
        post(&server, caller, &format!("User/GetServiceAuth?serviceAuthId={id}"), json!({})).await
    };
    assert_eq!(get("chris", id).await.body, changed);
    assert_eq!(get("anna", id).await.status, StatusCode::FORBIDDEN);
    for (body, message) in [
        (json!({"ServiceAuthId": 4711, "Port": 1}), "ServiceAuthId: there is no service authentication 4711."),
        (json!({"Port": 65_536}), "Port: it is not a number from 0 to 65535."),
        (json!({}), "Entity to save is not in request body."),
    ] {
        assert_eq!(save(body).await.error(StatusCode::BAD_REQUEST).1, message);
    }
    for _ in 0..2 {
        let path = format!("User/DeleteServiceAuth?serviceAuthId={id}");
        assert_eq!(post(&server, "admin", &path, json!({})).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(get("admin", id).await.body, Value::Null);
    let history = server.get(format!("/_ext/audit?subjectType=service_auth&subject={id}")).by("admin").send().await;
    assert!(history.text.contains("mail.example.com") && !history.text.contains(SECRET), "{}", history.text);
    let entries = history.body["entries"].as_array().expect("entries").iter();
    let actions: Vec<_> = entries.map(|entry| entry["action"].as_str().expect("an action")).collect();
    assert_eq!(actions, ["secret.deleted", "secret.saved", "secret.saved"]);
}

/// The secrets of a caller's credentials.
async fn own_secrets(server: &Server, caller: &str) -> Vec<String> {
    let answer = post(server, caller, "User/GetUntrustedCredentials", json!({"Type": "HR"})).await;
    let secret = |credentials: &Value| credentials["SecretValue"].as_str().expect("a secret").to_owned();
    answer.body.as_array().expect("a list").iter().map(secret).collect()
}

#[tokio::test]
async fn a_secret_is_bound_to_its_row() {
    let server = Server::demo().await;
    save_credentials(&server, "anna", json!({"PublicValue": "me", "SecretValue": SECRET})).await;
    for (value, secret) in [("me", "one"), ("other", "two")] {
        save_credentials(&server, "bjorn", json!({"PublicValue": value, "SecretValue": secret})).await;
    }
    let db = server.app.store.writer();
    let stolen = rows(&server).await.into_iter().find(|row| row.user_id == Some(ANNA)).expect("a row");
    let update = stored_secret::Entity::update_many()
        .col_expr(stored_secret::Column::Encrypted, Expr::value(&stolen.encrypted))
        .filter(stored_secret::Column::UserId.eq(BJORN))
        .filter(stored_secret::Column::Properties.contains("other"));
    update.exec(db).await.expect("an update");
    assert_eq!(own_secrets(&server, "bjorn").await, ["one", ""], "a copied secret is not shown, others are");
    save_credentials(&server, "bjorn", json!({"PublicValue": "other", "SecretValue": "three"})).await;
    assert_eq!(own_secrets(&server, "bjorn").await, ["one", "three"], "saving repairs it");
    // A client would send the password to another place.
    let properties = stolen.properties.replace("\"me\"", "\"you\"");
    assert_ne!(properties, stolen.properties);
    let changed = stored_secret::ActiveModel { properties: Set(properties), ..stolen.clone().into() };
    changed.update(db).await.expect("an update");
    assert_eq!(own_secrets(&server, "anna").await, [""]);
    let refused = save_credentials(&server, "anna", json!({"PublicValue": "you", "Comment": "x"})).await;
    let message = "SecretValue: the stored one cannot be read; send it again.";
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, message);
    // A row with unreadable properties is not shown, and does not prevent saving others.
    let changed = stored_secret::ActiveModel { properties: Set("x".to_owned()), ..stolen.into() };
    changed.update(db).await.expect("an update");
    save_credentials(&server, "anna", json!({"PublicValue": "new", "SecretValue": SECRET})).await;
    assert_eq!(own_secrets(&server, "anna").await, [SECRET]);
}

/// A writer of the database must not be able to send a new password to another server.
#[tokio::test]
async fn what_was_changed_in_the_database_is_not_saved_again() {
    let server = Server::demo().await;
    let save = async |body: Value| post(&server, "admin", "User/SaveServiceAuth", body).await;
    let auth = json!({"Server": "mail.example.com", "Port": 993, "AuthType": "", "Username": "us", "Password": SECRET});
    let id = save(auth.clone()).await.body["ServiceAuthId"].clone();
    save_credentials(&server, "anna", json!({"PublicValue": "me", "SecretValue": SECRET, "IsActive": false})).await;
    for row in rows(&server).await {
        let properties = row.properties.replace("mail.", "evil.").replace("\"comment\":\"\"", "\"comment\":\"evil\"");
        assert_ne!(properties, row.properties);
        let changed = stored_secret::ActiveModel { properties: Set(properties), ..row.into() };
        changed.update(server.app.store.writer()).await.expect("an update");
    }
    let refused = save(json!({"ServiceAuthId": id, "Password": "new"})).await;
    let message = "ServiceAuthId: the stored one cannot be read; send all properties and the password again.";
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, message);
    let mut all = auth;
    all["ServiceAuthId"] = id;
    let saved = save(all).await;
    assert_eq!((&saved.body["Server"], &saved.body["Password"]), (&"mail.example.com".into(), &SECRET.into()));
    save_credentials(&server, "anna", json!({"PublicValue": "me", "SecretValue": "new"})).await;
    let found = credentials(&server, "anna").await;
    let shown = ["SecretValue", "Comment", "IsActive"].map(|name| found[0][name].clone());
    assert_eq!((found.len(), shown), (1, [json!("new"), json!(""), json!(true)]), "as new ones");
}

/// What looks like a text in several languages stays as it was saved.
#[tokio::test]
async fn secrets_are_not_translated() {
    let server = Server::demo().await;
    let text = "US:\"a\";NO:\"b\"[I:007]";
    save_credentials(&server, "anna", json!({"PublicValue": "me", "SecretValue": text})).await;
    post(&server, "anna", "Associate/SaveNote", json!({"AssociateId": ANNA, "Note": [text]})).await;
    let read = async |path: &str, body: Value| {
        let call = server.post(format!("/api/v1/Agents/{path}")).by("anna").header("accept-language", "en").json(body);
        call.send().await.body
    };
    let credentials = read("User/GetUntrustedCredentials", json!({"Type": "HR"})).await;
    assert_eq!(credentials[0]["SecretValue"], text);
    assert_eq!(read("Associate/GetNote", json!({"AssociateId": ANNA})).await, json!([text]));
}

#[tokio::test]
async fn records_name_the_secret_without_it() {
    let server = Server::demo().await;
    for secret in [SECRET, "another-secret"] {
        save_credentials(&server, "anna", json!({"PublicValue": "me", "SecretValue": secret})).await;
    }
    let tokens = json!({"Provider": "calendar", "AccessToken": SECRET});
    let key = post(&server, "anna", "User/SaveExternalTokens", json!({"TokenManagementInfo": tokens})).await.body;
    let history = server.get(format!("/_ext/audit?subject={ANNA}")).by("admin").send().await;
    let entries = history.body["entries"].as_array().expect("entries");
    let saved: Vec<_> = entries.iter().filter(|entry| entry["action"] == "secret.saved").collect();
    assert_eq!(saved.len(), 3);
    assert!(saved[0].to_string().contains("calendar"), "{}", saved[0]);
    for entry in &saved[1..] {
        let named = ["kind", "type", "publicValue", "hasNewSecret"].map(|name| entry["after"][name].clone());
        assert_eq!(Value::from_iter(named), json!(["untrusted_credentials", "HR", "me", true]), "{entry}");
    }
    for secret in [SECRET, "another-secret", key.as_str().expect("a key")] {
        assert!(!history.text.contains(secret), "{}", history.text);
    }
}

#[tokio::test]
async fn secrets_get_the_new_key_of_the_audit_chain() {
    let server = Server::with_empty_chain().await;
    save_credentials(&server, "anna", json!({"PublicValue": "me", "SecretValue": SECRET})).await;
    let (former, new) = (server.audit_key(), AuditKey::new("b".repeat(32).into()));
    let (store, actor) = (&server.app.store, Actor::of(Source::system()));
    audit::change_key(store, &former, &new, &actor, |_| {}).await.expect("another key");
    let row = rows(&server).await.remove(0);
    assert!(row.decrypt(&former.vault_key()).is_err());
    assert_eq!(row.decrypt(&new.vault_key()).expect("a secret").expose_secret(), SECRET);
    // The server has the former key only, and so can neither read nor save.
    let refused = post(&server, "anna", "User/GetUntrustedCredentials", json!({"Type": "HR"})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let refused = save_credentials(&server, "anna", json!({"PublicValue": "new"})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let (_, unreadable) = audit::change_key(store, &new, &former, &actor, |_| {}).await.expect("another key");
    assert_eq!((unreadable, &credentials(&server, "anna").await[0]["SecretValue"]), (0, &SECRET.into()));
    let broken =
        stored_secret::ActiveModel { properties: Set("{}".to_owned()), ..rows(&server).await.remove(0).into() };
    let broken = broken.update(store.writer()).await.expect("an update");
    let (_, unreadable) = audit::change_key(store, &former, &new, &actor, |_| {}).await.expect("another key");
    assert_eq!((unreadable, rows(&server).await), (1, vec![broken]), "what cannot be read is counted and stays");
    let changed = change::Entity::find().filter(change::Column::Action.eq(Action::KeyChanged)).all(store.reader());
    let changed = changed.await.expect("changes");
    assert!(changed.iter().any(|change| change.after.0.get("secretsUnreadable") == Some(&1.into())));
    audit::change_key(store, &new, &former, &actor, |_| {}).await.expect("another key");
    let begun = audit::begin_anew(store, &new, &actor, "lost", OldRecords::Keep).await;
    begun.expect("a new chain");
    assert_eq!(rows(&server).await.len(), 0, "without the lost key, the secrets are deleted");
    let begun = change::Entity::find().filter(change::Column::Action.eq(Action::ChainBegunAnew));
    let begun = begun.one(store.reader()).await.expect("an answer").expect("a change");
    assert_eq!(begun.after.0["secretsDeleted"], 1);
}

#[tokio::test]
async fn a_notepad_is_for_its_user_and_those_who_manage_the_user() {
    let server = Server::demo().await;
    let save = async |caller: &str, pages: Value| {
        post(&server, caller, "Associate/SaveNote", json!({"AssociateId": ANNA, "Note": pages})).await
    };
    let get = async |caller: &str| post(&server, caller, "Associate/GetNote", json!({"AssociateId": ANNA})).await;
    assert_eq!(get("anna").await.body, json!([]));
    for pages in [json!(["one", "two"]), json!(["one"])] {
        assert_eq!(save("anna", pages.clone()).await.status, StatusCode::NO_CONTENT);
        assert_eq!((get("anna").await.body, get("admin").await.body), (pages.clone(), pages));
    }
    assert_eq!(
        (get("bjorn").await.status, save("bjorn", json!([])).await.status),
        (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN)
    );
    let refused = save("anna", json!(vec!["page"; users::note::MAX_PAGES + 1])).await;
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, "Note: there are more than 100 pages.");
    let refused = save("anna", json!(["p".repeat(10_001)])).await;
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, "Note: the page has more than 10000 characters.");
    assert_eq!(get("anna").await.body, json!(["one"]));
    assert_eq!(save("anna", json!([])).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get("anna").await.body, json!([]));
}

#[tokio::test]
async fn the_key_for_local_storage_stays_the_same_for_a_user() {
    let server = Server::demo().await;
    let key = async |caller: &str| {
        let answer = post(&server, caller, "Associate/GetEncryptionKey", json!({})).await;
        answer.body.as_str().expect("a key").to_owned()
    };
    let (first, second) = tokio::join!(key("anna"), key("anna"));
    assert_eq!((&first, &first), (&second, &key("anna").await));
    assert_ne!(first, key("bjorn").await);
    assert!(first.len() >= 40 && rows(&server).await.len() == 2);
    let broken = stored_secret::Entity::update_many().col_expr(stored_secret::Column::Encrypted, Expr::value("x"));
    broken.exec(server.app.store.writer()).await.expect("an update");
    let new = key("anna").await;
    assert_ne!(new, first, "an unreadable key is replaced");
    assert_eq!(new, key("anna").await);
    let history = server.get(format!("/_ext/audit?subject={ANNA}&action=secret.saved")).by("admin").send().await.body;
    let replaced: Vec<_> = (0..2).map(|index| history["entries"][index]["after"]["replaced"].clone()).collect();
    assert_eq!(replaced, [json!(true), json!(false)], "{history}");
}
