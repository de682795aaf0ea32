//! A full database, by SQLite's page limit; `tests/process/disk.rs` fills a real disk.

use poem::http::StatusCode;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::harness::{ANNA, Server};

/// Lets the database grow by at most this many pages, until the write connection is closed.
async fn limit(server: &Server, more: i64) {
    let store = &server.app.store;
    let count = Statement::from_string(DbBackend::Sqlite, "PRAGMA page_count");
    let row = store.writer().query_one_raw(count).await.expect("an answer").expect("a row");
    let pages: i64 = row.try_get_by_index(0).expect("a number");
    let limit = format!("PRAGMA max_page_count = {}", pages + more);
    store.writer().execute_unprepared(&limit).await.expect("a limit");
}

#[tokio::test]
async fn a_full_database_stops_writes_until_it_has_room() {
    let server = Server::demo().await;
    // The page limit exists only on SQLite, where tests/all runs this test.
    if server.app.store.has_multiple_writers() {
        return;
    }
    let run = async || server.execute("admin", ANNA, "set-away", Some("Yes")).await;
    let mut ran = 0;
    for _ in 0..3 {
        limit(&server, 5).await;
        let full = loop {
            let answer = run().await;
            if answer.status != StatusCode::OK {
                break answer;
            }
            ran += 1;
        };
        assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE, "{}", full.body);
        assert!(!server.listed("admin", ANNA).await.is_empty());
        // The failure closed the connection, and with it the limit.
        assert_eq!(run().await.status, StatusCode::OK);
        ran += 1;
    }
    assert!(ran > 3, "too few writes before it was full");
    assert_eq!(server.executions().await.len(), ran);
    assert!(server.verify(None).await.broken.is_none());
}
