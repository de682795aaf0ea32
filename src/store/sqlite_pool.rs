//! The check of an SQLite connection before it returns to the pool.

use sea_orm::sqlx::{Connection, Error, SqliteConnection};

/// Whether a connection may return to the pool. A connection that still counts as being in a transaction must be
/// closed.
///
/// SQLite itself ends a transaction when the disk is full or on I/O errors. sqlx's rollback then fails, and sqlx counts
/// the transaction as open: it begins the next one as a savepoint, and later writes seem to succeed but are lost.
pub async fn is_reusable(connection: &mut SqliteConnection) -> Result<bool, Error> {
    // Completes the pending rollback of a dropped transaction.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

    use crate::{
        error::DbErrorKind,
        store::{Store, Touched},
    };

    async fn number(store: &Store, query: &str) -> i64 {
        let row = store.reader().query_one_raw(Statement::from_string(DbBackend::Sqlite, query)).await;
        row.expect("an answer").expect("a row").try_get_by_index(0).expect("a number")
    }

    async fn write(store: &Store) -> Result<(), DbErr> {
        let insert = store.write(|transaction| {
            Box::pin(async move {
                transaction.execute_unprepared("INSERT INTO notes VALUES (zeroblob(5000))").await?;
                Ok(((), Touched::Nothing))
            })
        });
        insert.await
    }

    #[tokio::test]
    async fn after_a_full_database_successful_writes_are_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display())).await;
        let store = store.expect("a database");
        store.writer().execute_unprepared("CREATE TABLE notes (bytes BLOB)").await.expect("a table");
        let pages = number(&store, "PRAGMA page_count").await;
        store.writer().execute_unprepared(&format!("PRAGMA max_page_count = {}", pages + 10)).await.expect("a limit");
        let mut written = 0;
        let full = loop {
            match write(&store).await {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((DbErrorKind::from(&full), written > 0), (DbErrorKind::Full, true));
        for _ in 0..3 {
            write(&store).await.expect("room: a new connection has no limit");
        }
        assert_eq!(number(&store, "SELECT count(*) FROM notes").await, written + 3);
    }
}
