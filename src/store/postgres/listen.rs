//! Listens to PostgreSQL notifications of changes by other processes. A check four times a second detects a lost or
//! frozen connection, after which cached rows are not used.

use std::time::{Duration, Instant};

use sea_orm::{
    DatabaseConnection,
    sqlx::{self, Executor, Row, postgres::PgListener},
};
use tokio::time::{sleep, timeout, timeout_at};

use super::InstanceId;
use crate::store::{Invalidations, Touched};

/// The channel of the triggers.
const CHANNEL: &str = "kommando_changes";
/// Time between two checks of the connection, and between two attempts to connect.
const PERIOD: Duration = Duration::from_millis(250);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
/// The id that stands for all users in a notification.
const ALL_USERS: i32 = 0;

/// Listens until the pool is closed; reconnects after errors.
pub async fn keep_listening(pool: DatabaseConnection, instance: InstanceId, invalidations: Invalidations) {
    let mut was_synced = false;
    let is_closed = || pool.get_postgres_connection_pool().is_closed();
    while !is_closed() {
        if let Err(error) = listen(&pool, &instance, &invalidations, &mut was_synced).await
            && was_synced
            && !is_closed()
        {
            was_synced = false;
            tracing::warn!(%error, "lost the notification channel; caching is off until it reconnects");
        }
        sleep(PERIOD).await;
    }
}

async fn listen(
    pool: &DatabaseConnection,
    instance: &InstanceId,
    invalidations: &Invalidations,
    was_synced: &mut bool,
) -> Result<(), sqlx::Error> {
    let pool = pool.get_postgres_connection_pool();
    let mut listener = PgListener::connect_with(pool).await?;
    // Reconnecting here would hide missed notifications.
    listener.eager_reconnect(false);
    with_timeout(listener.listen(CHANNEL)).await?;
    // A connection pooler may accept LISTEN but never deliver notifications. An echo proves that the channel works.
    let backend = backend(&mut listener).await?;
    let echo = format!("echo@{:016x}", rand::random::<u64>());
    let began = Instant::now();
    with_timeout(sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(&echo).execute(pool)).await?;
    with_timeout(async {
        loop {
            match listener.try_recv().await? {
                Some(notification) if notification.payload() == echo => return Ok(()),
                Some(_) => {}
                None => return Err(sqlx::Error::WorkerCrashed),
            }
        }
    })
    .await?;
    invalidations.invalidate(&Touched::Everything);
    invalidations.synced(began);
    *was_synced = true;
    let mut due = began + PERIOD;
    loop {
        match timeout_at(due.into(), listener.try_recv()).await {
            Ok(Ok(Some(notification))) => apply(notification.payload(), instance, invalidations),
            Ok(Ok(None)) => return Err(sqlx::Error::WorkerCrashed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                // Notifications of earlier commits arrive before the answer to this query.
                let checked_at = Instant::now();
                if self::backend(&mut listener).await? != backend {
                    return Err(sqlx::Error::WorkerCrashed);
                }
                while let Some(notification) = listener.next_buffered() {
                    apply(notification.payload(), instance, invalidations);
                }
                invalidations.synced(checked_at);
                due = checked_at + PERIOD;
            }
        }
    }
}

/// The id of the PostgreSQL process that serves the connection. It changes when a pooler swaps connections.
async fn backend(listener: &mut PgListener) -> Result<i32, sqlx::Error> {
    with_timeout(listener.fetch_one("SELECT pg_backend_pid()")).await?.try_get(0)
}

async fn with_timeout<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(RESPONSE_TIMEOUT, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Invalidates the users in a notification, unless this server sent it: it has already invalidated its own changes.
fn apply(payload: &str, instance: &InstanceId, invalidations: &Invalidations) {
    let (changes, origin) = payload.rsplit_once('@').unwrap_or((payload, ""));
    if !instance.is_own(origin) && changes != "echo" {
        invalidations.invalidate(&touched(changes));
    }
}

/// Parses the payload of the triggers: `users:7,users:9`, or `access:0` for all users.
fn touched(changes: &str) -> Touched {
    changes.split(',').fold(Touched::Nothing, |touched, change| {
        let change = change.split_once(':').map(|(scope, id)| (scope, id.parse().unwrap_or(ALL_USERS)));
        touched.and(match change {
            None | Some((_, ALL_USERS)) => Touched::Everything,
            Some(("access", id)) => Touched::access([id]),
            Some((_, id)) => Touched::users([id]),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::CacheScope;

    /// A notification without an id comes from another program.
    #[test]
    fn only_changes_of_other_servers_raise_versions() {
        let (instance, invalidations) = (InstanceId::random(), Invalidations::default());
        let notify = |changes: &str, origin: &str| apply(&format!("{changes}@{origin}"), &instance, &invalidations);
        let versions = || [CacheScope::Users, CacheScope::Access].map(|scope| invalidations.version(scope, 7));
        notify("users:7", &instance.of_connections());
        notify("echo", "1234");
        assert_eq!(versions(), [0, 0]);
        notify("users:7,users:9", InstanceId::random().of_connections().as_str());
        notify("access:7", "");
        assert_eq!(versions(), [1, 1]);
        for everything in ["users:0", "access:7,access:0", "something else"] {
            let before = versions();
            notify(everything, "");
            assert_eq!(versions(), before.map(|version| version + 1), "{everything}");
        }
    }
}
