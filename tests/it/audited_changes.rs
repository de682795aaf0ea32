//! Every change of users, roles, groups, passwords and applications has an entry in the audit chain that says who made
//! it, by what way, and what changed.

use std::{collections::HashSet, fs};

use kommando::{
    executions::audit::{ChangedFields, change},
    store::Store,
};
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::{
    audited_state::AuditedState,
    command_line::Line,
    harness::{ANNA, BJORN, Server},
};

/// The newest change.
async fn newest(server: &Server) -> change::Model {
    AuditedState::read(&server.app.store).await.changes.pop().expect("a change")
}

#[tokio::test]
async fn a_promotion_is_recorded_with_actor_and_fields() {
    let server = Server::with_empty_chain().await;
    let path = format!("/api/v1/User/{BJORN}");
    let got =
        server.call(Method::PATCH, &path).by("admin").json(json!({"Role": {"Id": 1}, "Tooltip": "Boss"})).send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let change = newest(&server).await;
    assert_eq!((change.action.word(), change.way.word()), ("user.updated".to_owned(), "rest"));
    assert_eq!((change.actor_id, change.actor_name.as_str()), (Some(1), "admin"));
    assert_eq!((change.subject_id, change.subject_name.as_str()), (BJORN.to_string(), "bjorn"));
    assert_eq!(Some(change.request_id.as_str()), got.header("x-request-id"));
    assert_eq!(change.after, ChangedFields::from([("role", json!("Administrator")), ("tooltip", json!("Boss"))]));
    assert_eq!(change.before.0["role"], json!("Employee"));
}

#[tokio::test]
async fn neither_secrets_nor_values_of_custom_fields_are_recorded() {
    let server = Server::with_empty_chain().await;
    let path = format!("/api/v1/User/{ANNA}");
    let body = json!({"CustomFields": {"x_shoe": "size 38"}, "Credentials": [
        {"Type": {"Type": "CRM5/PASSWORD"}, "Value": "a long new password"}
    ]});
    let got = server.call(Method::PUT, &path).by("admin").json(body).send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let changes = AuditedState::read(&server.app.store).await.changes;
    let words: Vec<_> = changes.iter().map(|change| change.action.word()).collect();
    assert_eq!(words, ["user.updated", "password.set"]);
    assert_eq!(changes[0].after.0["customFields"], json!(["x_shoe"]));
    let text = serde_json::to_string(&changes).expect("JSON");
    assert!(!text.contains("size 38") && !text.contains("new password") && !text.contains("argon2"), "{text}");
}

#[tokio::test]
async fn an_altered_or_removed_change_is_found() {
    use kommando::executions::audit::{self, InvalidRecord};
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

    let server = Server::with_empty_chain().await;
    for _ in 0..3 {
        let body = json!({"Tooltip": uuid::Uuid::now_v7().to_string()});
        server.call(Method::PATCH, format!("/api/v1/User/{ANNA}")).by("admin").json(body).send().await;
    }
    server.link().await;
    let changes = AuditedState::read(&server.app.store).await.changes;
    assert_eq!(changes.len(), 3);
    let db = server.app.store.writer();
    let first_invalid = async || {
        let found = server.verify(None).await.broken;
        found.map(|error| (error.record, error.reason))
    };
    assert_eq!(first_invalid().await, None);
    let set = |column: change::Column, value: Expr| change::Entity::update_many().col_expr(column, value);
    set(change::Column::ActorName, Expr::value("eve"))
        .filter(change::Column::Id.eq(changes[1].id))
        .exec(db)
        .await
        .expect("a change");
    assert_eq!(first_invalid().await, Some((InvalidRecord::Entry(2), "its change was altered")));
    change::Entity::delete_by_id(changes[1].id).exec(db).await.expect("a removal");
    assert_eq!(first_invalid().await, Some((InvalidRecord::Entry(2), "its change is missing")));
    let missing = change::ActiveModel::from(changes[1].clone());
    change::Entity::insert(missing).exec_without_returning(db).await.expect("an insertion");
    assert_eq!(first_invalid().await, None);
    audit::Entity::delete_by_id(changes[2].id).exec(db).await.expect("a removal");
    assert_eq!(first_invalid().await, Some((InvalidRecord::Change(changes[2].id), "it has no entry in the chain")));
}

#[tokio::test]
async fn every_change_by_the_command_line_has_an_entry() {
    let line = Line::new();
    let folder = line.folder.path();
    assert!(line.say_with(&["user", "add", "root", "--role", "Administrator", "--password-stdin"], "a long secret").ok);
    fs::write(folder.join("users.csv"), "name,group\nole,Users\n").expect("a file");
    fs::write(folder.join("more.csv"), "name,group\nole,Support\n").expect("a file");
    let url = format!("sqlite://{}", folder.join("kommando.db").display());
    let words: [(&[&str], &str, &[&str]); 16] = [
        (&["user", "add", "eva", "--password-stdin"], "a long secret", &["user.created", "password.set"]),
        (&["user", "set-password", "eva", "--password-stdin"], "another secret", &["password.set"]),
        (&["user", "set-role", "eva", "ExternalUser"], "", &["user.updated"]),
        (&["group", "add", "Sales"], "", &["group.saved"]),
        (&["group", "add", "Sales"], "", &[]),
        (&["group", "rename", "Sales", "Selling"], "", &["group.saved"]),
        (&["user", "set-group", "eva", "Selling"], "", &["user.updated"]),
        (&["user", "set-group", "eva", "Selling"], "", &[]),
        (&["ticket", "issue", "--user", "eva"], "", &["ticket.issued"]),
        (&["user", "deactivate", "eva"], "", &["user.deactivated"]),
        (&["user", "reactivate", "eva"], "", &["user.reactivated"]),
        (&["app", "add", "partner"], "", &["application.added"]),
        (&["app", "revoke", "partner"], "", &["application.revoked"]),
        (&["import", "users", "users.csv"], "", &["user.created"]),
        (&["import", "users", "more.csv", "--update", "--make-groups"], "", &["group.saved", "user.updated"]),
        (&["import", "users", "more.csv", "--update"], "", &[]),
    ];
    for (words, input, expected) in words {
        let store = Store::open(&url).await.expect("a database");
        let before = AuditedState::read(&store).await;
        let said = line.say_with(words, input);
        let after = AuditedState::read(&store).await;
        store.close().await.expect("an end");
        let new = after.since(&before);
        let actions: Vec<_> = new.iter().map(|change| change.action.word()).collect();
        assert_eq!(actions, expected, "{words:?}: {}{}", said.out, said.err);
        assert_eq!(after.problem_since(&before), None, "{words:?}");
        let ways: HashSet<_> = new.iter().map(|change| change.way.word()).collect();
        let way = if words[0] == "import" { "import" } else { "command_line" };
        assert!(ways.iter().all(|found| *found == way), "{words:?}: {ways:?}");
        assert!(new.iter().all(|change| !change.actor_name.is_empty() && change.actor_id.is_none()), "{new:?}");
    }
    assert!(line.say(&["audit", "verify"]).ok);
}

/// The audit records that a caller sees.
async fn listed(server: &Server, name: &str, query: &str) -> Vec<serde_json::Value> {
    let got = server.get(format!("/_ext/audit{query}")).by(name).send().await;
    assert_eq!(got.status, StatusCode::OK, "{query}: {}", got.text);
    got.body["entries"].as_array().expect("entries").clone()
}

fn words(entries: &[serde_json::Value]) -> Vec<String> {
    let word = |entry: &serde_json::Value| {
        format!(
            "{} {} {}",
            entry["actorName"].as_str().expect("a name"),
            entry["action"].as_str().expect("an action"),
            entry["subjectName"].as_str().expect("a name")
        )
    };
    entries.iter().map(word).collect()
}

#[tokio::test]
async fn the_story_of_a_day_is_listed_filtered_and_exported() {
    let server = Server::with_empty_chain().await;
    let made = server.post("/api/v1/User").by("admin").json(json!({"Name": "eva"})).send().await;
    let eva = made.body["AssociateId"].as_i64().expect("an id");
    let promoted = server.call(Method::PATCH, format!("/api/v1/User/{eva}"));
    promoted.by("admin").json(json!({"Role": {"Id": 1}})).send().await;
    server.execute("admin", i32::try_from(eva).expect("an id"), "deactivate", Some("Yes")).await;
    server.execute("anna", ANNA, "hello", None).await;
    let all = listed(&server, "admin", "").await;
    assert_eq!(
        words(&all),
        [
            "anna command.executed anna",
            "admin command.executed eva",
            "admin user.updated eva",
            "admin user.created eva"
        ]
    );
    assert_eq!(
        (&all[2]["before"], &all[2]["after"]),
        (&json!({"role": "Employee"}), &json!({"role": "Administrator"}))
    );
    assert_eq!((all[1]["way"].as_str(), all[1]["after"]["outcome"].as_str()), (Some("rest"), Some("succeeded")));
    let active = json!({"isActive": true, "Person.Retired": false});
    assert_eq!((&all[1]["before"], &all[1]["after"]["isActive"]), (&active, &json!(false)));
    for (query, expected) in [
        (format!("?subject={eva}"), 3),
        (format!("?subject={eva}&action=user.updated"), 1),
        ("?action=COMMAND.EXECUTED".to_owned(), 2),
        ("?actor=1".to_owned(), 3),
        ("?way=agent".to_owned(), 0),
        ("?subjectType=role&subject=1".to_owned(), 0),
        ("?to=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        assert_eq!(listed(&server, "admin", &query).await.len(), expected, "{query}");
    }
    let first = server.get("/_ext/audit?limit=2").by("admin").send().await;
    let cursor = first.header("x-next-cursor").expect("a cursor");
    assert_eq!(listed(&server, "admin", &format!("?limit=2&cursor={cursor}")).await, all[2..]);
    assert_eq!(words(&listed(&server, "anna", "").await), ["anna command.executed anna"], "only what concerns anna");
    let csv = server.get("/_ext/audit").by("admin").header("accept", "text/csv").send().await;
    assert!(
        csv.text.starts_with("id,time,action,actorId,actorName,operator,applicationId,application,way,"),
        "{}",
        csv.text
    );
    assert_eq!(csv.text.lines().count(), 5, "{}", csv.text);
    for (query, message) in [
        ("?action=user.fired", "is not one of user.created, user.updated"),
        ("?subjectType=user", "Parameter subjectType: give `subject`, too."),
        ("?way=carrier_pigeon", "is not one of rest, agent, console"),
    ] {
        let got = server.get(format!("/_ext/audit{query}")).by("admin").send().await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(got.text.contains(message), "{query}: {}", got.text);
    }
}

#[tokio::test]
async fn steps_record_what_they_changed() {
    let server = Server::with_empty_chain().await;
    server.execute("admin", ANNA, "deactivate", Some("Yes")).await;
    let id = server.executions().await[0].id;
    let got = server.get(format!("/_ext/executions/{id}")).by("admin").send().await;
    let steps = got.body["steps"].as_array().expect("steps");
    let retired = steps.iter().find(|step| step["name"] == "set_deleted").expect("a step");
    let active = |is_active: bool| json!({"isActive": is_active, "Person.Retired": !is_active});
    assert_eq!((&retired["before"], &retired["after"]), (&active(true), &active(false)));
}

#[test]
fn the_command_line_exports_the_records_and_continues_a_tail() {
    let line = Line::new();
    assert!(line.say_with(&["user", "add", "eva", "--password-stdin"], "a long secret").ok);
    let tail = || {
        let said = line.say(&["audit", "tail", "--position-file", "position"]);
        assert!(said.ok, "{}", said.err);
        let records = said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let words = records.map(|record| (record["position"].clone(), record["action"].clone()));
        words.collect::<Vec<_>>()
    };
    assert_eq!(tail(), [(json!(1), json!("user.created")), (json!(2), json!("password.set"))]);
    assert_eq!(tail(), []);
    assert!(line.say(&["user", "deactivate", "eva"]).ok);
    assert_eq!(tail(), [(json!(3), json!("user.deactivated"))]);
    let export = line.say(&["audit", "export", "--format", "csv", "--user", "eva", "--action", "user.deactivated"]);
    assert!(export.ok && export.out.lines().count() == 2 && export.out.contains(",command_line,"), "{}", export.out);
    let wrong = line.say(&["audit", "export", "--format", "csv", "--action", "user.fired"]);
    assert!(!wrong.ok && wrong.err.contains("`user.fired` must be one of user.created, user.updated"), "{}", wrong.err);
    fs::write(line.folder.path().join("position"), "x").expect("a file");
    let wrong = line.say(&["audit", "tail", "--position-file", "position"]);
    assert!(!wrong.ok && wrong.err.contains("position does not contain a position of the chain"), "{}", wrong.err);
}
