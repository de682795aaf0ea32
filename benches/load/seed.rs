//! Fills databases with many users and executions, by copying existing rows in a few statements. The statements work on
//! SQLite and PostgreSQL, except for ids and times.

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use kommando::{
    executions::{audit, execution},
    store::Store,
    users::{UserColumn, credential, person},
};
use sea_orm::{ConnectionTrait, DbBackend, IdenStatic, Iterable, Statement};

/// Number of executions per transaction.
const CHUNK: u64 = 100_000;
/// Length of the history in milliseconds: a year.
const HISTORY_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// Adds users up to `count`, with persons, login names and credentials: copies of the administrator with the role
/// Employee.
pub async fn users(url: &str, count: u32) -> anyhow::Result<()> {
    let store = Store::open(url).await?;
    let db = store.writer();
    let has = number(db, "SELECT MAX(id) FROM users").await?;
    ensure!(has > 0, "there is no administrator to copy");
    let range = (has as u64 + 1, u64::from(count));
    if range.0 <= range.1 {
        let email = "'user' || n.i || '@example.com'";
        for statement in [
            copies(
                "persons",
                person::Column::iter(),
                "t.id = (SELECT person_id FROM users WHERE id = 1)",
                range,
                &[
                    ("id", "n.i"),
                    ("firstname", "'First' || (n.i % 997)"),
                    ("firstname_folded", "'first' || (n.i % 997)"),
                    ("lastname", "'Last' || n.i"),
                    ("lastname_folded", "'last' || n.i"),
                    ("email", email),
                    ("email_folded", email),
                ],
            ),
            copies(
                "users",
                UserColumn::iter(),
                "t.id = 1",
                range,
                &[
                    ("id", "n.i"),
                    ("person_id", "n.i"),
                    ("name", "'user' || n.i"),
                    ("name_folded", "'user' || n.i"),
                    ("user_name", email),
                    ("user_name_folded", email),
                    ("role_id", "(SELECT id FROM roles WHERE name = 'Employee')"),
                ],
            ),
            copies(
                "credentials",
                credential::Column::iter(),
                "t.user_id = 1",
                range,
                &[("id", "n.i"), ("user_id", "n.i")],
            ),
            names("name", range),
            names("user_name", range),
        ] {
            db.execute_unprepared(&statement).await?;
        }
    }
    Ok(store.close().await?)
}

fn names(column: &str, (from, to): (u64, u64)) -> String {
    format!("INSERT INTO login_names (folded, user_id) SELECT {column}, id FROM users WHERE id BETWEEN {from} AND {to}")
}

/// Adds `count` executions over the last year, each with its audit entry and idempotency key. They are copies of the
/// newest one, so the audit chain can be continued but is not valid.
pub async fn executions(url: &str, count: u64, users: u32) -> anyhow::Result<()> {
    let store = Store::open(url).await?;
    let db = store.writer();
    let head = number(db, "SELECT MAX(position) FROM audit_entries").await?;
    ensure!(head > 0, "there is no execution to copy");
    let (id, time) = id_and_time(db.get_database_backend(), count);
    let expires = time_of(db.get_database_backend(), Utc::now() + TimeDelta::hours(20));
    let (user, position) = (format!("1 + n.i % {users}"), format!("{head} + n.i"));
    let entry = format!("t.position = {head}");
    let execution = format!("t.id = (SELECT id FROM audit_entries WHERE position = {head})");
    for from in (1..=count).step_by(CHUNK as usize) {
        let range = (from, count.min(from + CHUNK - 1));
        for statement in [
            copies(
                "executions",
                execution::Column::iter(),
                &execution,
                range,
                &[
                    ("id", &id),
                    ("user_id", &user),
                    ("outcome", "CASE n.i % 500 WHEN 0 THEN 'failed' ELSE 'succeeded' END"),
                    ("started_at", &time),
                    ("finished_at", &time),
                ],
            ),
            copies("audit_entries", audit::Column::iter(), &entry, range, &[("id", &id), ("position", &position)]),
            format!(
                "{} INSERT INTO idempotency_keys (scope, action_result, execution_id, expires_at) \
                 SELECT 'key {head} ' || n.i, 'Implicit', {id}, {expires} FROM n",
                numbers(range)
            ),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        eprintln!("{} of {count} executions", range.1);
    }
    Ok(store.close().await?)
}

/// A common table expression with the numbers of a range as `n.i`.
fn numbers((from, to): (u64, u64)) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})")
}

/// A statement that copies a row for each number of a range, with changed columns.
fn copies<C: IdenStatic>(
    table: &str,
    columns: impl Iterator<Item = C>,
    template: &str,
    range: (u64, u64),
    changes: &[(&str, &str)],
) -> String {
    let mut columns: Vec<String> = columns.map(|column| column.as_str().to_owned()).collect();
    // The entities do not have the columns of folded texts.
    columns.extend(changes.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name.ends_with("_folded")));
    let value = |column: &String| {
        let changed = changes.iter().find(|(name, _)| name == column);
        changed.map_or_else(|| format!("t.{column}"), |(_, value)| (*value).to_owned())
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    format!(
        "{} INSERT INTO {table} ({}) SELECT {} FROM {table} AS t, n WHERE {template}",
        numbers(range),
        columns.join(", "),
        values.join(", ")
    )
}

/// SQL expressions for a UUIDv7 and its time, for the number `n.i`.
fn id_and_time(backend: DbBackend, count: u64) -> (String, String) {
    let (now, step) = (Utc::now().timestamp_millis(), HISTORY_MS / count.max(1));
    let time = format!("({now} - ({count} - n.i + 1) * {step})");
    match backend {
        DbBackend::Postgres => (
            format!(
                "(LPAD(TO_HEX({time}), 12, '0') || '7' || LPAD(TO_HEX(n.i % 4096), 3, '0') || '8' || \
                 LPAD(TO_HEX(n.i), 15, '0'))::uuid"
            ),
            format!("TO_TIMESTAMP({time} / 1000)"),
        ),
        _ => (
            format!("UNHEX(PRINTF('%012x7%03x8%015x', {time}, n.i % 4096, n.i))"),
            format!("STRFTIME('%Y-%m-%dT%H:%M:%S+00:00', {time} / 1000, 'unixepoch')"),
        ),
    }
}

fn time_of(backend: DbBackend, time: DateTime<Utc>) -> String {
    let text = time.to_rfc3339();
    if backend == DbBackend::Postgres { format!("'{text}'::timestamptz") } else { format!("'{text}'") }
}

/// The number that a query returns; 0 for null.
pub async fn number(db: &impl ConnectionTrait, query: &str) -> anyhow::Result<i64> {
    let statement = Statement::from_string(db.get_database_backend(), query);
    let row = db.query_one_raw(statement).await?.context("no row")?;
    // In PostgreSQL, an id has 32 bits, and a position has 64.
    let small = || row.try_get_by_index::<Option<i32>>(0).map(|number| number.map(i64::from));
    Ok(row.try_get_by_index::<Option<i64>>(0).or_else(|_| small())?.unwrap_or_default())
}
