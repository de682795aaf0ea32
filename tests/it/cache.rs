//! The user cache never contradicts the database, even when another process changes it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use kommando::{
    clock,
    executions::audit::{Source, Way},
    store::{Store, Touched},
    users::{
        self, Effect, Needs, Presence, ProviderNames, Snapshot, UserCache, UserColumn, credential, role, set_columns,
        ticket, user_details,
    },
};
use poem::http::{Method, StatusCode};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::harness::{ADMIN, ANNA, BJORN, CHRIS, Held, PASSWORD, Server};

async fn rank(cache: &UserCache) -> i32 {
    cache.user(ANNA).await.expect("an answer").expect("a user").user.rank
}

async fn set_rank(db: &impl ConnectionTrait, rank: i32) {
    set_columns(db, ANNA, vec![(UserColumn::Rank, rank.into())]).await.expect("a change");
}

#[tokio::test]
async fn changes_are_visible_once_they_are_committed() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let cache = UserCache::new(store.clone());
    for by_statement in [1, 3, 5] {
        set_rank(store.writer(), by_statement).await;
        assert_eq!(rank(&cache).await, by_statement);
        let own = cache.clone();
        let set: Result<(), DbErr> = store
            .write(move |transaction| {
                Box::pin(async move {
                    set_rank(transaction, by_statement + 1).await;
                    assert_eq!(rank(&own).await, by_statement, "the uncommitted change is visible");
                    Ok(((), Touched::users([ANNA])))
                })
            })
            .await;
        set.expect("a commit");
        assert_eq!(rank(&cache).await, by_statement + 1);
    }
}

#[tokio::test]
async fn changes_by_another_process_are_seen_within_a_second() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let cache = UserCache::new(store.clone());
    let other = Store::open(&server.database.url).await.expect("the same database");
    set_rank(store.writer(), 0).await;
    for by_other in 1..8 {
        assert_eq!(rank(&cache).await, by_other - 1);
        set_rank(other.writer(), by_other).await;
        let changed = Instant::now();
        while rank(&cache).await != by_other {
            assert!(changed.elapsed() < Duration::from_secs(1), "not seen after a second");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A transaction decides on what other processes committed before it, not on cached values.
#[tokio::test]
async fn a_run_sees_a_change_just_made_by_another_process() {
    let rest = r#"{name: rest, display_name: Rest, allow_roles: [Administrator], when: [{field: rank, in: [1]}],
                   steps: [{set_presence: {status: StatusNotAvailable}}]}"#;
    let server = Server::with_commands(&[rest]).await;
    let other = Store::open(&server.database.url).await.expect("the same database");
    for _ in 0..5 {
        set_rank(other.writer(), 1).await;
        while server.listed("admin", ANNA).await.is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(server.execute("admin", ANNA, "rest", None).await.status, StatusCode::OK);
        set_rank(other.writer(), 2).await;
        let answer = server.execute("admin", ANNA, "rest", None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{:?}", answer.body);
    }
}

/// A random effect of a run on a user.
fn effect(random: &mut StdRng, hash: &users::password::PasswordHash) -> Effect {
    match random.random_range(0..10) {
        0 => Effect::UpdateUser(vec![(UserColumn::Rank, random.random_range(0..9).into())]),
        1 => Effect::UpdateUser(vec![(
            UserColumn::Tooltip,
            format!("It's \\ Ænd \u{1f600} {}", random.random::<u8>()).into(),
        )]),
        2 => Effect::UpdateUser(vec![(UserColumn::IsOnTravel, random.random::<bool>().into())]),
        3 => Effect::SetPresence {
            status: Presence::StatusNotAvailable,
            message: "x".repeat(random.random_range(0..300)),
        },
        4 => Effect::SetRole([role::ADMINISTRATOR, role::EMPLOYEE, "No role"][random.random_range(0..3)].to_owned()),
        5 => Effect::SetGroup(["Head office", "Field sales", "No group"][random.random_range(0..3)].to_owned()),
        6 | 7 => Effect::SetRetired(random.random()),
        8 => Effect::SetTemporaryPassword { hash: Some(hash.clone()), expires_at: clock::now() + TimeDelta::hours(1) },
        _ => Effect::RevokeTickets,
    }
}

/// The users and their credentials in the database.
async fn stored(
    store: &Store,
    ids: &[i32],
) -> BTreeMap<i32, (users::User, Option<users::password::PasswordHash>, usize)> {
    let db = store.reader();
    let mut stored = BTreeMap::new();
    for id in ids {
        let user = users::find(db, *id).await.expect("an answer").expect("a user");
        let password = credential::find_password(db, *id).await.expect("an answer").map(|found| found.secret);
        let tickets = ticket::list(db, *id, TimeDelta::days(1), None, 100).await.expect("an answer").len();
        stored.insert(*id, (user, password, tickets));
    }
    stored
}

/// Applying effects to a snapshot gives the rows that the database has after the write; exactly the changed rows are
/// marked as touched; and the cache agrees. So runs in a batch are decided as if they ran one by one.
#[tokio::test]
async fn a_snapshot_applies_effects_like_the_database() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let cache = UserCache::new(store.clone());
    let mut random = StdRng::seed_from_u64(7);
    let hash = server.hash("a temporary password").await;
    let ids: Vec<_> = users::list(store.reader()).await.expect("users").iter().map(|user| user.user.id).collect();
    // Two users share a person, so that retiring one affects the other.
    let person_id = server.user(ANNA).await.user.person_id.expect("a person");
    set_columns(store.writer(), CHRIS, vec![(UserColumn::PersonId, person_id.into())]).await.expect("a change");
    for round in 0..60 {
        for id in &ids {
            ticket::issue(store.writer(), *id, None).await.expect("a ticket");
        }
        let runs: Vec<_> = (0..random.random_range(1..6))
            .map(|_| {
                let effects: Vec<_> = (0..random.random_range(1..4)).map(|_| effect(&mut random, &hash)).collect();
                (ids[random.random_range(0..ids.len())], effects)
            })
            .collect();
        let mut needs = Needs::default();
        needs.callers.insert(ADMIN);
        for (id, effects) in &runs {
            needs.users.insert(*id);
            effects.iter().for_each(|effect| needs.add_effect(effect, *id));
        }
        let time = clock::now_in_micros();
        let mut snapshot =
            Snapshot::read(store.reader(), &needs, time, ProviderNames::None, None).await.expect("a snapshot");
        let (before, mut writes) = (stored(store, &ids).await, users::UserWrites::default());
        for (id, effects) in &runs {
            let caller = users::Caller::operator(Source::system());
            let mut plan = snapshot.plan_for(caller, *id);
            let end = effects.iter().try_for_each(|effect| plan.add(effect).map(drop));
            let changes = plan.into_changes();
            if end.is_ok() {
                writes.extend(snapshot.apply(changes));
            }
        }
        let touched = writes.touched();
        let written: Result<(), DbErr> = store
            .write(move |transaction| {
                Box::pin(async move {
                    let touched = writes.touched();
                    writes.execute(transaction, time).await?;
                    Ok(((), touched))
                })
            })
            .await;
        written.expect("a commit");
        let after = stored(store, &ids).await;
        for (id, (user, password, tickets)) in &after {
            if let Some(folded) = snapshot.user(*id) {
                assert_eq!(**folded, *user, "round {round}");
            }
            let (users, access) = match &touched {
                Touched::Ids { users, access } => (users.contains(id), access.contains(id)),
                other => (*other == Touched::Everything, *other == Touched::Everything),
            };
            let (user_before, password_before, tickets_before) = &before[id];
            assert!(users || user == user_before, "round {round}: user {id} changed and was not touched");
            let has_same_access = password == password_before && tickets == tickets_before;
            assert!(access || has_same_access, "round {round}: the access of {id} changed and was not touched");
            assert_eq!(cache.user(*id).await.expect("an answer").as_deref(), Some(user), "round {round}");
            let account = cache.user_details(*id).await.expect("an answer").expect("an account");
            assert_eq!(*account.user, *user, "round {round}");
        }
    }
}

/// A request invalidates every cache entry that it changed before it is answered.
#[tokio::test]
async fn changes_are_visible_when_the_request_is_answered() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let cache = UserCache::new(store.clone());
    let ids: Vec<_> = users::list(store.reader()).await.expect("users").iter().map(|user| user.user.id).collect();
    let agent = |operation: &str| server.post(format!("/api/v1/Agents/User/{operation}"));
    let user = |id: i32, rest: &str| format!("/api/v1/User/{id}{rest}");
    let log_in = json!({"userName": "anna", "password": PASSWORD});
    let new_password = json!({"userName": "anna", "oldPassword": PASSWORD, "newPassword": "another battery"});
    let requests = [
        server.post("/_ext/session").json(log_in),
        server.get("/api/v1/User/currentToken").by("anna"),
        server.call(Method::DELETE, "/_ext/session").by("anna"),
        server.call(Method::PUT, user(CHRIS, "/UserPresenceStatus")).by("admin").json(json!({"Status": "StatusNone"})),
        server.call(Method::PATCH, user(CHRIS, "")).by("admin").json(json!({"Tooltip": "patched"})),
        agent("SetPassword").by("admin").json(json!({"AssociateId": CHRIS, "Password": "a longer password"})),
        server.post(user(BJORN, "/CustomCommand/reset-password?actionResult=Ok")).by("admin"),
        server.post(user(BJORN, "/CustomCommand/set-away")).by("admin"),
        server.call(Method::DELETE, user(BJORN, "")).by("admin"),
        agent("SaveUserGroup").by("admin").json(json!({"UserGroup": {"Id": 1, "Value": "Main office"}})),
        server.post("/_ext/password").json(new_password),
    ];
    for (index, request) in requests.into_iter().enumerate() {
        for id in &ids {
            drop((cache.user(*id).await, cache.user_details(*id).await, cache.password(*id).await));
        }
        let answer = request.send().await;
        assert!(answer.status.is_success(), "request {index}: {:?}", answer.body);
        for id in &ids {
            let db = store.reader();
            let stored = users::find(db, *id).await.expect("an answer");
            assert_eq!(cache.user(*id).await.expect("an answer").as_deref(), stored.as_ref(), "request {index}");
            let stored = user_details::find(db, *id).await.expect("an answer");
            assert_eq!(
                cache.user_details(*id).await.expect("an answer").as_deref(),
                stored.as_ref(),
                "request {index}"
            );
            let stored = credential::find_password(db, *id).await.expect("an answer");
            assert_eq!(cache.password(*id).await.expect("an answer"), stored, "request {index}");
        }
    }
}

#[tokio::test]
async fn a_locked_user_does_not_delay_other_users() {
    let server = Server::demo().await;
    // Row locks do not exist on SQLite, which has a single writer: tests/postgres/run runs this test.
    if !server.app.store.has_multiple_writers() {
        return;
    }
    let [her, him] = [ANNA, CHRIS];
    let held = Held::user(&server.app.store, her).await;
    let go_away = |id: i32| server.post(format!("/api/v1/User/{id}/CustomCommand/set-away")).by("admin").send();
    // The jobs on the locked user wait up to ten seconds; there are more of them than write connections.
    let others = timeout(Duration::from_secs(5), async {
        for answer in join_all((0..40).map(|_| go_away(him))).await {
            assert_eq!(answer.body["Success"], true);
        }
        held.end();
    });
    let (answers, others) = tokio::join!(join_all((0..24).map(|_| go_away(her))), others);
    assert!(others.is_ok(), "jobs on another user wait, too");
    assert!(answers.iter().all(|answer| answer.body["Success"] == true), "not all succeed after the lock is released");
}

#[tokio::test]
async fn a_list_of_commands_is_made_once_for_all_requests_of_a_caller() {
    let server = Server::demo().await;
    let admin = users::Caller::of(&server.user(ADMIN).await).expect("a caller");
    let list = async |request: &str| {
        let caller = admin.clone().with_source(Source::request(Way::Rest, request.to_owned()));
        server.app.commands.list(&caller, ANNA).await.expect("a list")
    };
    // On PostgreSQL, nothing is answered from memory before the first notification has come.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let first = list("one").await;
        assert!(!first.is_empty());
        if Arc::ptr_eq(&first, &list("another").await) {
            break;
        }
        assert!(Instant::now() < deadline, "each request made a list");
        sleep(Duration::from_millis(50)).await;
    }
}
