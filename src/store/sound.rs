//! Connections that are given back as they were taken, or not at all.

use sea_orm::sqlx::{Connection, Error, SqliteConnection};

/// Whether a connection may be given back: one that believes to be in a transaction is to be closed.
///
/// SQLite ends a transaction by itself when the disk is full, or on errors of the disk. sqlx then cannot undo it, counts
/// it as open, and begins the next one as a savepoint of it: whatever is written from then on is answered, and lost.
pub async fn is_sound(connection: &mut SqliteConnection) -> Result<bool, Error> {
    // An undoing that was begun by dropping a transaction is done before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

    use crate::{
        error::Trouble,
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
    async fn after_a_full_database_what_is_answered_is_stored() {
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
        assert_eq!((Trouble::from(&full), written > 0), (Trouble::Full, true));
        for _ in 0..3 {
            write(&store).await.expect("room: the limit was that of a connection that is gone");
        }
        assert_eq!(number(&store, "SELECT count(*) FROM notes").await, written + 3);
    }
}
