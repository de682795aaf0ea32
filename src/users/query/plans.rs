//! Tests SQLite's query plans: common filters must not scan all users.

use sea_orm::{ConnectionTrait, DbBackend, Statement, sea_query::SqliteQueryBuilder};

use super::{ALL_USERS, ListQuery, QueryContext, selected, statement};
use crate::{localization::Clock, store::Store};

async fn plan(store: &Store, filter: Option<&str>, order_by: Option<&str>, after: Option<i32>) -> String {
    let clock = Clock::of("UTC".parse().expect("a zone"));
    let context = QueryContext { user_id: 1, clock: &clock };
    let columns = "assocName,fullName,role,usergroup,isActive";
    let parsed = ListQuery::parse(Some(columns), filter, order_by).expect("a query");
    let list_query = ListQuery { after, limit: 51, ..parsed };
    let columns = selected(&ALL_USERS, &list_query.columns).expect("columns");
    let query = statement(DbBackend::Sqlite, &ALL_USERS, context, &list_query, &columns).expect("a statement");
    let (sql, values) = query.build(SqliteQueryBuilder);
    let explain = Statement::from_sql_and_values(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"), values);
    let rows = store.reader().query_all_raw(explain).await.expect("a plan");
    let lines: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").expect("a line")).collect();
    lines.join("\n")
}

#[tokio::test]
async fn queries_with_an_index_neither_scan_nor_sort_all_users() {
    let folder = tempfile::tempdir().expect("a folder");
    let store =
        Store::open(&format!("sqlite://{}?mode=rwc", folder.path().join("k.db").display())).await.expect("open");
    store.migrate_up().await.expect("a schema");
    for (filter, order_by) in [
        ("assocName eq 'anna'", None),
        ("assocName begins 'an'", None),
        ("assocName eq 'ØRNULF'", None),
        ("userName begins 'ØR'", None),
        ("lastName eq 'øst'", None),
        ("firstName begins 'ØR'", None),
        ("personEmail begins 'ØST@'", None),
        ("lastName oneOf ('ØST', 'ÅS')", None),
        ("associateDbId eq '2'", None),
        ("assocName begins 'an' and isActive eq true", Some("assocName")),
        ("userName eq 'anna@example.com'", Some("assocName")),
        ("personEmail eq 'anna@example.com'", Some("assocName")),
        ("lastName begins 'lind'", Some("lastName, firstName desc")),
        ("firstName in ('anna', 'ada') and lastName contains 'lind'", None),
        ("associateDbId oneOf (1, 2)", Some("fullName")),
        ("role eq 1", Some("assocName")),
        ("usergroup eq 1 and isActive eq true", Some("assocName desc")),
    ] {
        let plan = plan(&store, Some(filter), order_by, None).await;
        assert!(plan.contains("SEARCH users") && !plan.contains("SCAN"), "{filter}, {order_by:?}:\n{plan}");
    }
    for (filter, order_by) in [(None, None), (None, Some("assocName")), (Some("role eq 1"), Some("assocName"))] {
        let page = plan(&store, filter, order_by, Some(3)).await;
        assert!(page.contains("SEARCH users") && !page.contains("SCAN"), "{filter:?}, {order_by:?}:\n{page}");
        assert!(!page.contains("TEMP B-TREE"), "{filter:?}, {order_by:?}:\n{page}");
    }
}
