//! Following what other processes change: the database tells of it as it happens, by `NOTIFY`. Whether it still does is
//! asked four times a second, so that a connection that is lost or frozen is no reason to believe what is remembered.

use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    sqlx::{self, Executor, postgres::PgListener},
};
use tokio::time::{sleep, timeout, timeout_at};

use crate::store::{Change, Changes, changes::EVERYBODY};

/// What the triggers notify.
const CHANNEL: &str = "kommando_changes";
/// How often to ask whether there is nothing new.
const PERIOD: Duration = Duration::from_millis(250);
/// How long the database may take to say so.
const PATIENCE: Duration = Duration::from_millis(500);

/// Listens for as long as the pool is open.
pub async fn keep_listening(pool: DatabaseConnection, changes: Changes) {
    let mut was_told = false;
    let is_closed = || pool.get_postgres_connection_pool().is_closed();
    while !is_closed() {
        if let Err(error) = listen(&pool, &changes, &mut was_told).await
            && was_told
            && !is_closed()
        {
            was_told = false;
            tracing::warn!(%error, "what others change is not heard; nothing is answered from memory");
        }
        sleep(PERIOD).await;
    }
}

async fn listen(pool: &DatabaseConnection, changes: &Changes, was_told: &mut bool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool.get_postgres_connection_pool()).await?;
    // Whoever is connected again without a word may have missed something.
    listener.eager_reconnect(false);
    let began = Instant::now();
    in_time(listener.listen(CHANNEL)).await?;
    changes.own().forget();
    changes.tell_everything();
    changes.heard(began);
    *was_told = true;
    let mut due = began + PERIOD;
    loop {
        match timeout_at(due.into(), listener.try_recv()).await {
            Ok(Ok(Some(notification))) => tell(changes, notification.payload()),
            Ok(Ok(None)) => return Err(sqlx::Error::WorkerCrashed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                // Whatever was committed before the question is told before its answer.
                let began = Instant::now();
                in_time(listener.execute("SELECT 1")).await?;
                while let Some(notification) = listener.next_buffered() {
                    tell(changes, notification.payload());
                }
                changes.heard(began);
                due = began + PERIOD;
            }
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(PATIENCE, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// A notification: changes, and behind them the number of the transaction that made them, as in `users:7,users:9@4711`.
fn tell(changes: &Changes, told: &str) {
    let (told, transaction) = told.split_once('@').unwrap_or((told, ""));
    if !changes.own().hear(transaction, read(told).count(), changes) {
        read(told).for_each(|change| changes.tell(change));
    }
}

/// What a transaction changed.
#[derive(Clone, Debug)]
pub struct Noted {
    /// Its number, as text.
    pub transaction: String,
    pub changes: Vec<Change>,
}

/// What a transaction changed so far, as the triggers noted it in a setting of its own.
///
/// # Errors
/// The database does not answer.
pub async fn changes_of(transaction: &DatabaseTransaction) -> Result<Noted, DbErr> {
    let changed = "SELECT coalesce(current_setting('kommando.changed', true), '') AS changed, \
                   coalesce(pg_current_xact_id_if_assigned()::text, '') AS number";
    let row = transaction.query_one_raw(Statement::from_string(DbBackend::Postgres, changed)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("what changed".to_owned()))?;
    let told: String = row.try_get("", "changed")?;
    Ok(Noted { transaction: row.try_get("", "number")?, changes: read(&told).collect() })
}

/// Notes that everything changed, as the triggers would: nobody tells them of a `TRUNCATE`. Once in a transaction: the
/// database sends the same notification only once.
///
/// # Errors
/// The database does not answer.
pub async fn note_everything(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    let note = format!(
        "SELECT pg_notify('{CHANNEL}', 'users:{EVERYBODY},access:{EVERYBODY}@' || pg_current_xact_id()), \
         set_config('kommando.changed', coalesce(current_setting('kommando.changed', true), '') || \
         ',users:{EVERYBODY},access:{EVERYBODY}', true)"
    );
    transaction.execute_unprepared(&note).await.map(drop)
}

/// The changes that a text tells of, as the triggers write them: `users:7,access:0`.
fn read(told: &str) -> impl Iterator<Item = Change> {
    told.split(',').filter_map(|one| {
        let (topic, id) = one.split_once(':')?;
        Some(Change::read(topic, id.parse().unwrap_or(EVERYBODY)))
    })
}
