//! Following what other processes change: the database notifies of it as it happens. Whether it still does is asked four
//! times a second, so that a connection that is lost or frozen is no reason to trust what is held in memory.

use std::time::{Duration, Instant};

use sea_orm::{
    DatabaseConnection,
    sqlx::{self, Executor, Row, postgres::PgListener},
};
use tokio::time::{sleep, timeout, timeout_at};

use super::InstanceId;
use crate::store::{Invalidations, Touched};

/// What the triggers notify.
const CHANNEL: &str = "kommando_changes";
/// How often to ask whether there is nothing new.
const PERIOD: Duration = Duration::from_millis(250);
/// How long the database may take to say so.
const ANSWER_TIME: Duration = Duration::from_millis(500);
/// Stands for all users in a notification.
const ALL_USERS: i32 = 0;

/// Listens for as long as the pool is open.
pub async fn keep_listening(pool: DatabaseConnection, instance: InstanceId, invalidations: Invalidations) {
    let mut was_synced = false;
    let is_closed = || pool.get_postgres_connection_pool().is_closed();
    while !is_closed() {
        if let Err(error) = listen(&pool, &instance, &invalidations, &mut was_synced).await
            && was_synced
            && !is_closed()
        {
            was_synced = false;
            tracing::warn!(%error, "changes of other processes are not notified; nothing is answered from memory");
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
    // A new connection may have missed something.
    listener.eager_reconnect(false);
    with_timeout(listener.listen(CHANNEL)).await?;
    // A pooler between may take LISTEN and never pass on a notification: only an echo shows that the channel works.
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
            Ok(Ok(Some(notification))) => hear(notification.payload(), instance, invalidations),
            Ok(Ok(None)) => return Err(sqlx::Error::WorkerCrashed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                // What was committed before the question is notified before its answer.
                let asked = Instant::now();
                if self::backend(&mut listener).await? != backend {
                    return Err(sqlx::Error::WorkerCrashed);
                }
                while let Some(notification) = listener.next_buffered() {
                    hear(notification.payload(), instance, invalidations);
                }
                invalidations.synced(asked);
                due = asked + PERIOD;
            }
        }
    }
}

/// The process of the database that serves the connection.
async fn backend(listener: &mut PgListener) -> Result<i32, sqlx::Error> {
    with_timeout(listener.fetch_one("SELECT pg_backend_pid()")).await?.try_get(0)
}

async fn with_timeout<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(ANSWER_TIME, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Invalidates what another server, or another program, changed. A server has done so for its own changes.
fn hear(payload: &str, instance: &InstanceId, invalidations: &Invalidations) {
    let (changes, origin) = payload.rsplit_once('@').unwrap_or((payload, ""));
    if !instance.is_own(origin) && changes != "echo" {
        invalidations.invalidate(&touched(changes));
    }
}

/// What the triggers tell: `users:7,users:9`, or `access:0` for all users.
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

    /// Rule 7: a notification without an id is one of another program.
    #[test]
    fn changes_of_others_raise_versions_and_own_ones_do_not() {
        let (instance, invalidations) = (InstanceId::random(), Invalidations::default());
        let hear_from = |changes: &str, origin: &str| hear(&format!("{changes}@{origin}"), &instance, &invalidations);
        let versions = || [CacheScope::Users, CacheScope::Access].map(|scope| invalidations.version(scope, 7));
        hear_from("users:7", &instance.of_connections());
        hear_from("echo", "1234");
        assert_eq!(versions(), [0, 0]);
        hear_from("users:7,users:9", InstanceId::random().of_connections().as_str());
        hear_from("access:7", "");
        assert_eq!(versions(), [1, 1]);
        for everything in ["users:0", "access:7,access:0", "something else"] {
            let before = versions();
            hear_from(everything, "");
            assert_eq!(versions(), before.map(|version| version + 1), "{everything}");
        }
    }
}
