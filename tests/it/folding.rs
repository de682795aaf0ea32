//! Filters of the user list ignore case by Unicode rules, alike on both databases.

use std::{collections::BTreeSet, env};

use kommando::{
    localization::Clock,
    store::Store,
    users::{
        self, NewUser, UserColumn, UserType, person,
        query::{self, ListQuery, QueryContext},
    },
};
use poem::http::StatusCode;
use proptest::{prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use sea_orm::{ConnectionTrait, IdenStatic, Iterable, Statement};
use serde_json::json;

use crate::{
    database::Database,
    harness::{ADMIN, ANNA, BJORN, Server},
};

/// Letters of several scripts, in both cases.
const LETTERS: &str = "aAbBnNsSæÆøØåÅäÄöÖüÜéÉñÑçÇłŁđĐžŽčČőŐğĞþÞðÐσΣςαΑωΩάΆжЖёЁїЇюЮաԱბ";

/// The number of generated sets of names; the variable `NAMES` sets it.
fn rounds() -> u32 {
    env::var("NAMES").ok().and_then(|names| names.parse().ok()).unwrap_or(4)
}

/// The text folded like names, with a final sigma like any other sigma.
fn key(text: &str) -> String {
    users::fold(text).replace('ς', "σ")
}

/// The ids of the users that match a filter.
async fn found(store: &Store, filter: &str) -> BTreeSet<i32> {
    let clock = Clock::of("UTC".parse().expect("a zone"));
    let parsed = ListQuery::parse(Some("assocName"), Some(filter), None);
    let question = ListQuery { limit: 5000, ..parsed.unwrap_or_else(|error| panic!("{filter}: {error}")) };
    let context = QueryContext { user_id: ADMIN, clock: &clock };
    let page = query::page(store.reader(), &query::ALL_USERS, context, &question).await;
    page.unwrap_or_else(|error| panic!("{filter}: {error}")).rows.into_iter().map(|row| row.id).collect()
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let letters: Vec<_> = LETTERS.chars().collect();
    let known = prop::collection::vec(select(letters), 1..8).prop_map(String::from_iter);
    prop::collection::vec(prop_oneof![3 => known, 1 => "\\p{L}{1,8}", 1 => "[%_\\\\a-b]{1,4}"], 12)
}

/// A part of a text with some letters in the other case: start, length, and a bit mask of the letters to change.
fn part(text: &str, (start, length, case): (usize, usize, u32)) -> String {
    let letters: Vec<_> = text.chars().collect();
    let start = start % letters.len();
    let letters = letters[start..].iter().take(1 + length % letters.len());
    let other = |(index, letter): (usize, &char)| {
        let other: String = if case >> (index % 32) & 1 == 1 {
            letter.to_uppercase().collect()
        } else {
            letter.to_lowercase().collect()
        };
        if key(&other) == key(&letter.to_string()) { other } else { letter.to_string() }
    };
    letters.enumerate().map(other).collect()
}

/// Whether an operator matches a text.
fn finds(operator: &str, text: &str, wanted: &str) -> bool {
    let (text, wanted) = (key(text), key(wanted));
    match operator {
        "eq" | "in" => text == wanted,
        "ne" | "notOneOf" => text != wanted,
        "begins" => text.starts_with(&wanted),
        "notBegins" => !text.starts_with(&wanted),
        "endswith" => text.ends_with(&wanted),
        "contains" => text.contains(&wanted),
        "notContains" => !text.contains(&wanted),
        _ => panic!("{operator}"),
    }
}

const OPERATORS: [&str; 9] =
    ["eq", "in", "ne", "notOneOf", "begins", "notBegins", "endswith", "contains", "notContains"];

#[tokio::test]
async fn a_filter_finds_exactly_the_texts_that_fold_alike() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let mut runner = TestRunner::default();
    let queries = prop::collection::vec((select(&OPERATORS[..]), 0..12usize, any::<(usize, usize, u32)>()), 40);
    let mut ids = Vec::new();
    for number in 0..12 {
        let new = NewUser {
            name: format!("user-{number}"),
            user_name: String::new(),
            tooltip: String::new(),
            user_type: UserType::InternalAssociate,
            role_id: 2,
            user_group_id: 1,
            person: person::named("x"),
        };
        ids.push(users::create(store.writer(), new).await.expect("a user"));
    }
    for _ in 0..rounds() {
        let names = names().new_tree(&mut runner).expect("names").current();
        for (id, name) in ids.iter().zip(&names) {
            let person = server.user(*id).await.person.expect("a person");
            let person = person::Model { firstname: name.clone(), lastname: "Øst".to_owned(), ..person };
            person::update(store.writer(), person).await.expect("a change");
            users::set_columns(store.writer(), *id, vec![(UserColumn::NickName, name.as_str().into())])
                .await
                .expect("a change");
        }
        for (operator, chosen, place) in queries.new_tree(&mut runner).expect("queries").current() {
            let wanted = part(&names[chosen], place);
            let value = format!("'{}'", wanted.replace('\'', "''"));
            for (column, after) in [("firstName", ""), ("ejDisplayName", ""), ("fullName", " Øst")] {
                let filter = match operator {
                    "endswith" => format!("endswith({column}, {value}) and ejDisplayName ne ''"),
                    _ => format!("{column} {operator} ({value}) and ejDisplayName ne ''"),
                };
                let texts = names.iter().map(|name| format!("{name}{after}"));
                let fitting = ids.iter().zip(texts).filter(|(_, text)| finds(operator, text, &wanted));
                let expected: BTreeSet<_> = fitting.map(|(id, _)| *id).collect();
                let is_plain = names[chosen].chars().all(|letter| LETTERS.contains(letter));
                assert!(operator != "contains" || !is_plain || expected.contains(&ids[chosen]), "{filter}: {names:?}");
                assert_eq!(found(store, &filter).await, expected, "{filter}: {names:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_filter_text_of_any_length_causes_no_database_error() {
    let server = Server::demo().await;
    let text = "\u{fdfa}".repeat(7900);
    for column in ["fullName", "lastName", "userName", "role", "associateDbId"] {
        for operator in ["eq", "begins", "notBegins", "contains", "notContains"] {
            let all = found(&server.app.store, &format!("{column} {operator} '{text}'")).await.len();
            assert_eq!(all, if operator.starts_with("not") { 5 } else { 0 }, "{column} {operator}");
        }
        assert!(found(&server.app.store, &format!("endswith({column}, '{text}')")).await.is_empty(), "{column}");
    }
    for start in ["", "\u{10ffff}", "\u{10ffff}\u{10ffff}", "a\u{10ffff}", "a\u{d7ff}"] {
        let all = found(&server.app.store, &format!("fullName begins '{start}'")).await.len();
        assert_eq!(all, if start.is_empty() { 5 } else { 0 }, "{start:?}");
    }
}

/// The tables and their columns that have a folded copy.
const COPIES: [(&str, &[&str]); 4] = [
    (
        "persons",
        &["firstname", "middle_name", "lastname", "mrmrs", "title", "email", "contact_name", "contact_department"],
    ),
    ("users", &["name", "user_name", "nick_name", "tooltip"]),
    ("roles", &["name"]),
    ("user_groups", &["name"]),
];

/// Asserts that every folded copy matches its text.
async fn check_copies(store: &Store) {
    let db = store.reader();
    for (table, columns) in COPIES {
        for column in columns {
            let query = format!("SELECT {column}, {column}_folded FROM {table}");
            for row in db.query_all_raw(Statement::from_string(db.get_database_backend(), query)).await.expect("rows") {
                let [text, copy] = [0, 1].map(|index| row.try_get_by_index::<String>(index).expect("a text"));
                assert_eq!(copy, key(&text), "{table}.{column}");
            }
        }
    }
}

#[tokio::test]
async fn every_write_of_a_text_updates_its_folded_copy() {
    let nick_name = "name: nick\ndisplay_name: Nick\nallow_roles: [Administrator]\nsteps: [{set_field: {field: nick_name, value: ÆRLIG}}]";
    let tooltip = "name: tip\ndisplay_name: Tip\nallow_roles: [Administrator]\nsteps: [{set_field: {field: tooltip, value: ØVERST}}]";
    let server = Server::with_commands(&[nick_name, tooltip]).await;
    check_copies(&server.app.store).await;
    let change =
        json!({"UserName": "ØRN@example.com", "Person": {"Firstname": "ÅSE", "Lastname": "ØST", "Title": "SJÅFØR"}});
    let changed = server.call(poem::http::Method::PATCH, format!("/api/v1/User/{ANNA}")).by("admin").json(change);
    assert_eq!(changed.send().await.status, StatusCode::OK);
    let new = server.post("/api/v1/User").by("admin").json(json!({"Name": "Ådne"})).send().await;
    assert_eq!(new.status, StatusCode::OK, "{}", new.text);
    for (operation, body) in [
        ("SaveUserGroup", json!({"UserGroup": {"Id": 1, "Value": "HOVEDKONTOR ØST"}})),
        ("SaveUserGroup", json!({"UserGroup": {"Value": "ÅSANE"}})),
        ("SaveRoleEntity", json!({"RoleId": 2, "Name": "RÅDGIVER", "RoleType": "Employee"})),
        ("SaveRoleEntity", json!({"Name": "ØKONOM", "RoleType": "Employee"})),
    ] {
        let saved = server.post(format!("/api/v1/Agents/User/{operation}")).by("admin").json(body).send().await;
        assert_eq!(saved.status, StatusCode::OK, "{operation}: {}", saved.text);
    }
    for command in ["nick", "tip"] {
        assert_eq!(server.execute("admin", BJORN, command, None).await.status, StatusCode::OK, "{command}");
    }
    check_copies(&server.app.store).await;
    for (filter, expected) in [
        ("fullName contains 'åse øst'", ANNA),
        ("userName eq 'ørn@EXAMPLE.com'", ANNA),
        ("title begins 'sjå'", ANNA),
        ("ejDisplayName eq 'ærlig'", BJORN),
        ("assocTooltip contains 'ØVER'", BJORN),
        ("role eq 'rådgiver' and usergroup begins 'hovedkontor øST' and associateDbId eq 2", ANNA),
    ] {
        assert_eq!(found(&server.app.store, filter).await, BTreeSet::from([expected]), "{filter}");
    }
}

/// The invalidation triggers with their definitions.
async fn triggers(store: &Store) -> Vec<String> {
    let backend = store.reader().get_database_backend();
    let query = match store.has_multiple_writers() {
        true => "SELECT tgname || ' ' || tgenabled::text AS told FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        false => "SELECT name || ' ' || sql AS told FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1",
    };
    let rows = store.reader().query_all_raw(Statement::from_string(backend, query)).await.expect("triggers");
    rows.iter().map(|row| row.try_get("", "told").expect("a text")).collect()
}

/// SQL that copies a row 1100 times with changed columns.
fn copies<C: IdenStatic>(
    table: &str,
    columns: impl Iterator<Item = C>,
    from: &str,
    changes: &[(&str, &str)],
) -> String {
    let columns: Vec<_> = columns.map(|column| column.as_str().to_owned()).filter(|name| name != "id").collect();
    let value = |column: &String| {
        let changed = changes.iter().find(|(name, _)| name == column);
        changed.map_or_else(|| format!("{table}.{column}"), |(_, value)| (*value).to_owned())
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) \
         INSERT INTO {table} ({}) SELECT {} FROM {from}",
        columns.join(", "),
        values.join(", ")
    )
}

#[tokio::test]
async fn the_migration_folds_existing_texts() {
    let database = Database::filled().await;
    let store = Store::open(&database.url).await.expect("a database");
    let known = store.migrations().await.expect("migrations");
    let place = known.iter().position(|one| one.name == "m0018_folded_texts").expect("the migration");
    // Revert the later migrations first, which is refused for a chain with new entries.
    store.writer().execute_unprepared("DELETE FROM audit_entries").await.expect("an empty chain");
    let later = u32::try_from(known.len() - place - 1).expect("a small number");
    store.migrate_down(later).await.expect("down");
    let told = triggers(&store).await;
    assert!(!told.is_empty());
    store.migrate_down(1).await.expect("down");
    // More rows than one batch folds; some are pure ASCII.
    for statement in [
        copies(
            "persons",
            person::Column::iter(),
            &format!("persons, n WHERE persons.id = {BJORN}"),
            &[("firstname", "CASE i % 2 WHEN 0 THEN 'ÅSE' ELSE 'ASE' END"), ("lastname", "'ØDEGÅRD ' || n.i")],
        ),
        copies(
            "users",
            UserColumn::iter(),
            &format!("users, persons WHERE users.id = {BJORN} AND persons.lastname LIKE 'ØDEGÅRD %'"),
            &[("person_id", "persons.id"), ("name", "'U' || persons.id"), ("nick_name", "'ŁÓDŹ'")],
        ),
        "UPDATE roles SET name = 'RÅDGIVER' WHERE id = 2".to_owned(),
    ] {
        store.writer().execute_unprepared(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    store.migrate_up().await.expect("up");
    check_copies(&store).await;
    store.migrate_down(later).await.expect("down");
    assert_eq!(triggers(&store).await, told);
    store.migrate_up().await.expect("up");
    for (filter, expected) in [
        ("lastName begins 'ødegård'", 1100),
        ("firstName eq 'Åse' and ejDisplayName contains 'ódź'", 550),
        ("fullName eq 'ase ødegård 7'", 1),
        ("role in ('rådgiver') and assocName notBegins 'u'", 3),
    ] {
        assert_eq!(found(&store, filter).await.len(), expected, "{filter}");
    }
}
