//! How the queue handles failing jobs, failing commits and clients that stop waiting.

use std::{collections::HashSet, sync::Mutex};

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::*;

/// Writes a text, or fails in the way that the text names.
struct Note(&'static str);

impl Job for Note {
    type Answer = &'static str;

    fn lane(&self) -> Lane {
        Lane::Rows(1)
    }

    fn must_finish(&self) -> bool {
        false
    }
}

fn queued(text: &'static str) -> (Queued<Note>, oneshot::Receiver<Result<&'static str, WriteError>>) {
    let (client, answer) = oneshot::channel();
    (Queued { job: Note(text), client, span: Span::none() }, answer)
}

/// Records the size of each batch. Dropping `leaving` lets clients stop waiting in the middle of a batch.
#[derive(Default)]
struct Notes {
    batches: Arc<Mutex<Vec<usize>>>,
    leaving: Mutex<Vec<oneshot::Receiver<Result<&'static str, WriteError>>>>,
}

#[async_trait]
impl BatchWriter for Notes {
    type Job = Note;

    async fn write(
        &self,
        transaction: &WriteTransaction,
        jobs: &[&Note],
        _: bool,
    ) -> Result<WrittenBatch<&'static str>, DbErr> {
        self.batches.lock().expect("no panic").push(jobs.len());
        for Note(text) in jobs {
            match *text {
                "fails" => transaction.execute_unprepared("INSERT INTO nowhere VALUES (1)").await.map(drop)?,
                "panics" => panic!("at the worst moment"),
                // A statement fails, and the writer ignores the error.
                "hides" => drop(transaction.execute_unprepared("INSERT INTO nowhere VALUES (1)").await),
                // The commit fails.
                "breaks" => {
                    let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO children VALUES (4711)";
                    transaction.execute_unprepared(orphan).await.map(drop)?;
                }
                "leaves" => self.leaving.lock().expect("no panic").clear(),
                _ => {}
            }
            transaction.execute_unprepared(&format!("INSERT INTO notes VALUES ('{text}')")).await.ok();
        }
        let answers = jobs.iter().map(|Note(text)| Some(*text)).collect();
        Ok(WrittenBatch { answers, touched: Touched::Nothing, on_commit: Box::new(|| ()) })
    }
}

struct Fixture {
    _folder: tempfile::TempDir,
    store: Store,
    writer: Arc<QueueWriter<Notes>>,
}

async fn fixture(notes: Notes) -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
    let store = Store::open(&url).await.expect("a database");
    let tables = "CREATE TABLE notes (text TEXT); CREATE TABLE parents (id INTEGER PRIMARY KEY); \
                  CREATE TABLE children (parent INTEGER REFERENCES parents)";
    store.writer().execute_unprepared(tables).await.expect("tables");
    let (permits, waiting_alone) = (Semaphore::new(1), Arc::default());
    let writer = Arc::new(QueueWriter { store: store.clone(), batches: notes, permits, waiting_alone });
    Fixture { _folder: folder, store, writer }
}

impl Fixture {
    async fn notes(&self) -> HashSet<String> {
        let all = Statement::from_string(DbBackend::Sqlite, "SELECT text FROM notes");
        let rows = self.store.reader().query_all_raw(all).await.expect("an answer");
        rows.iter().map(|row| row.try_get("", "text").expect("a text")).collect()
    }

    /// Writes one batch and returns which jobs succeeded.
    async fn write<const N: usize>(&self, texts: [&'static str; N]) -> [bool; N] {
        let (jobs, answers): (Vec<_>, Vec<_>) = texts.map(queued).into_iter().unzip();
        self.writer.write(jobs).await;
        let mut ends = [false; N];
        for (end, answer) in ends.iter_mut().zip(answers) {
            *end = answer.await.expect("an answer").is_ok();
        }
        ends
    }
}

#[tokio::test]
async fn a_failing_job_does_not_affect_others() {
    let notes = Notes::default();
    let batches = Arc::clone(&notes.batches);
    let fixture = fixture(notes).await;
    let ends = fixture.write(["one", "two", "fails", "three", "panics", "four", "five", "hides"]).await;
    assert_eq!(ends, [true, true, false, true, false, true, true, false]);
    assert_eq!(fixture.notes().await, HashSet::from(["one", "two", "three", "four", "five"].map(str::to_owned)));
    // Halved, first half first, until the failing job is alone.
    assert_eq!(*batches.lock().expect("no panic"), [8, 4, 2, 2, 1, 1, 4, 2, 1, 1, 2, 1, 1]);
    assert_eq!(fixture.write(["after"]).await, [true], "the queue goes on");
}

#[tokio::test]
async fn a_failed_commit_is_not_retried() {
    let notes = Notes::default();
    let batches = Arc::clone(&notes.batches);
    let fixture = fixture(notes).await;
    assert_eq!(fixture.write(["one", "breaks", "two"]).await, [false; 3]);
    assert_eq!(*batches.lock().expect("no panic"), [3]);
    assert_eq!(fixture.write(["after"]).await, [true], "the queue goes on");
    assert_eq!(fixture.notes().await, HashSet::from(["after".to_owned()]));
}

/// A client that stops waiting before the commit got a timeout, so its job must not be committed.
#[tokio::test]
async fn a_job_without_a_client_is_not_committed() {
    let notes = Notes::default();
    let fixture = fixture(notes).await;
    let (gone, answer) = queued("gone");
    fixture.writer.batches.leaving.lock().expect("no panic").push(answer);
    let (leaves, answer) = queued("leaves");
    fixture.writer.write(vec![gone, leaves]).await;
    assert!(answer.await.expect("an answer").is_ok());
    assert_eq!(fixture.notes().await, HashSet::from(["leaves".to_owned()]));
}

/// SQLite ends a transaction when the disk is full; later statements would take effect immediately.
#[tokio::test]
async fn after_a_failed_statement_nothing_is_executed_or_committed() {
    let fixture = fixture(Notes::default()).await;
    let hidden: Result<(), DbErr> = fixture
        .store
        .write(|transaction| {
            Box::pin(async move {
                transaction.execute_unprepared("INSERT INTO notes VALUES ('before')").await?;
                transaction.execute_unprepared("INSERT INTO nowhere VALUES (1)").await.ok();
                let later = transaction.execute_unprepared("INSERT INTO notes VALUES ('after')").await;
                assert!(later.is_err());
                Ok(((), Touched::Nothing))
            })
        })
        .await;
    assert!(hidden.is_err());
    assert!(fixture.notes().await.is_empty());
}
