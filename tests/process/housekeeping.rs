//! The background removal of expired records.

use chrono::{SubsecRound, TimeDelta, Utc};
use kommando::{
    app::audit_key,
    executions::{
        audit,
        execution::{self, Outcome, Steps},
    },
    store::Store,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{Process, folder};

const ADMIN: i32 = 1;
const ANNA: i32 = 2;

fn execution(age: TimeDelta) -> execution::Model {
    let time = (Utc::now() - age).trunc_subsecs(6);
    execution::Model {
        id: Uuid::now_v7(),
        user_id: ANNA,
        caller_id: ADMIN,
        application_id: None,
        way: None,
        operator: None,
        command_name: "hello".to_owned(),
        definition_hash: String::new(),
        action_result: "Implicit".to_owned(),
        outcome: Outcome::Succeeded,
        message: "Hello".to_owned(),
        steps: Steps::default(),
        inputs: None,
        request_id: String::new(),
        started_at: time,
        finished_at: time,
    }
}

#[tokio::test]
async fn expired_records_are_removed_and_the_rest_verifies() {
    let folder = folder();
    let mut process = Process::demo(folder.path());
    process.banner();
    let url = format!("sqlite://{}", folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    let key = audit_key::read(&folder.path().join("kommando.db.audit-key")).expect("a key");
    let executions = [execution(TimeDelta::days(4)), execution(TimeDelta::days(3)), execution(TimeDelta::days(1))];
    let entries = executions.iter().map(|execution| audit::entry_of(execution).expect("an entry")).collect();
    store
        .writer()
        .execute_unprepared("DELETE FROM audit_entries; DELETE FROM audit_changes")
        .await
        .expect("an empty chain");
    audit::append(store.writer(), &key, entries).await.expect("entries");
    execution::insert(store.writer(), executions.to_vec()).await.expect("executions");
    drop(process);

    let mut process = Process::start(folder.path(), &["serve", "--demo"], &[("KOMMANDO_RETENTION", "2d")]);
    process.logs(r#""message":"deleted expired rows","records":2,"webhooks":0,"keys":0"#);
    let found = audit::verify(&store, &key, None, |_| {}).await.expect("an answer");
    assert_eq!((found.broken, found.anchor.map(|anchor| anchor.position)), (None, Some(2)));
    assert!(found.head.position > 3, "the removal has an entry");
    process.signal("TERM");
    process.logs("stopped");
}
