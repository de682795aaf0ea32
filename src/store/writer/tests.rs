//! What the writer keeps, takes back, and survives.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::*;

struct Counted;

#[async_trait]
impl Ledger for Counted {
    type Record = &'static str;

    async fn write(&self, transaction: &WriteTransaction, records: Vec<&'static str>) -> Result<(), DbErr> {
        for record in records {
            transaction.execute_unprepared(&format!("INSERT INTO notes VALUES ('{record}')")).await?;
        }
        Ok(())
    }
}

struct Nobody;

#[async_trait]
impl Gather for Nobody {
    fn join(&self, _: &mut WriteTransaction) {}

    async fn gather(&self, _: &mut WriteTransaction, _: Vec<i32>, _: Vec<i32>) -> Result<HashSet<i32>, DbErr> {
        Ok(HashSet::new())
    }
}

async fn writer() -> (tempfile::TempDir, Store, Writer<&'static str>) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
    let store = Store::open(&url).await.expect("a database");
    store.writer().execute_unprepared("CREATE TABLE notes (text TEXT)").await.expect("a table");
    let writer = Writer::start(store.clone(), Counted, Nobody);
    (folder, store, writer)
}

async fn notes(store: &Store) -> i64 {
    let counted = "SELECT count(*) AS n FROM notes";
    let row = store.reader().query_one_raw(Statement::from_string(DbBackend::Sqlite, counted)).await;
    row.expect("an answer").expect("a row").try_get("", "n").expect("a number")
}

/// Notes `text`, then does what `end` says.
async fn note(
    writer: &Writer<&'static str>,
    text: &'static str,
    end: fn() -> Result<Settled<&'static str, ()>, DbErr>,
) -> Result<(), Undone> {
    let work = writer.write(Reach::Anything, move |transaction| {
        Box::pin(async move {
            transaction.execute_unprepared(&format!("INSERT INTO notes VALUES ('{text}')")).await?;
            end()
        })
    });
    work.await
}

#[tokio::test]
async fn what_is_undone_keeps_its_record_and_what_fails_takes_nothing_else_with_it() {
    let (_folder, store, writer) = writer().await;
    let kept = || Ok(Settled { undo: false, record: Some("record"), answer: () });
    let undone = || Ok(Settled { undo: true, record: Some("record"), answer: () });
    let fails = || Err(DbErr::Custom("no".to_owned()));
    let panics = || panic!("at the worst moment");
    let (first, one, two, three, four, five) = tokio::join!(
        writer.record("first"),
        note(&writer, "kept", kept),
        note(&writer, "undone", undone),
        note(&writer, "fails", fails),
        note(&writer, "panics", panics),
        writer.record("alone"),
    );
    assert!(first.is_ok() && one.is_ok() && two.is_ok() && three.is_err() && four.is_err() && five.is_ok());
    // One effect and four records.
    assert_eq!(notes(&store).await, 5);
    assert!(note(&writer, "after", kept).await.is_ok(), "the writer goes on");
}

#[tokio::test]
async fn nothing_is_answered_as_written_when_the_records_cannot_be() {
    let (_folder, store, writer) = writer().await;
    let record = || Ok(Settled { undo: false, record: Some("it's no SQL"), answer: () });
    let (one, two) = tokio::join!(note(&writer, "effect", record), writer.record("record"));
    assert!(one.is_err());
    assert_eq!(notes(&store).await, i64::from(two.is_ok()), "no effect without its record");
}

#[tokio::test]
async fn each_piece_of_a_transaction_is_kept_or_undone_by_itself() {
    let (_folder, store, writer) = writer().await;
    let kept = || Ok(Settled { undo: false, record: None, answer: () });
    let undone = || Ok(Settled { undo: true, record: None, answer: () });
    let ends = tokio::join!(
        note(&writer, "1", undone),
        note(&writer, "2", kept),
        note(&writer, "3", kept),
        note(&writer, "4", undone),
        note(&writer, "5", kept),
        note(&writer, "6", undone),
    );
    assert!(ends.0.is_ok() && ends.3.is_ok() && ends.5.is_ok());
    assert_eq!(notes(&store).await, 3);
}

#[tokio::test]
async fn a_transaction_that_the_database_ended_by_itself_leaves_nothing() {
    let (_folder, store, writer) = writer().await;
    let kept = || Ok(Settled { undo: false, record: Some("record"), answer: () });
    // As on a full disk, of which the piece tells its caller and makes nothing more.
    let ended = writer.write(Reach::Anything, |transaction| {
        Box::pin(async move {
            transaction.execute_unprepared("ROLLBACK").await?;
            Ok(Settled { undo: true, record: None, answer: () })
        })
    });
    let ends = tokio::join!(note(&writer, "before", kept), ended, note(&writer, "behind", kept));
    let trouble = |end: Result<(), Undone>| end.map_err(|Undone(cause)| Trouble::from(cause.as_ref()));
    assert_eq!([ends.0, ends.1, ends.2].map(trouble), [Err(Trouble::Passing); 3]);
    assert_eq!(notes(&store).await, 0);
    assert!(note(&writer, "after", kept).await.is_ok(), "the writer goes on");
    assert_eq!(notes(&store).await, 2);
}
