//! The rows of which every change must have an entry in the audit chain.

use kommando::{
    executions::audit::{Action, change},
    store::Store,
};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryOrder, Statement};

const TABLES: [&str; 11] = [
    "applications",
    "credentials",
    "data_rights",
    "login_names",
    "memberships",
    "notes",
    "persons",
    "roles",
    "stored_secrets",
    "user_groups",
    "users",
];
/// Columns that change by logins, or with every change of the row.
const UNAUDITED: [&str; 3] = ["last_login", "last_logout", "updated_at"];
/// Actions that change no row of these tables.
const WITHOUT_ROWS: [Action; 5] = [
    Action::TicketIssued,
    Action::TicketsRevoked,
    Action::DefinitionsLoaded,
    Action::WebhookRedriven,
    Action::RetentionCut,
];

/// The rows at one point in time, and the records so far.
#[derive(Debug)]
pub struct AuditedState {
    rows: Vec<String>,
    pub changes: Vec<change::Model>,
    executions: usize,
}

async fn column_names(db: &impl ConnectionTrait, table: &str) -> Vec<String> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"),
        _ => format!(
            "SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{table}' \
             AND table_schema = current_schema() ORDER BY column_name"
        ),
    };
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.expect("columns");
    let names = rows.iter().map(|row| row.try_get::<String>("", "name").expect("a name"));
    names.filter(|name| !UNAUDITED.contains(&name.as_str())).collect()
}

async fn rows_of(db: &impl ConnectionTrait, table: &str) -> Vec<String> {
    let names = column_names(db, table).await;
    assert!(!names.is_empty(), "there is no table {table}");
    let columns: Vec<_> = names.iter().map(|name| format!("CAST(\"{name}\" AS TEXT)")).collect();
    let sql = format!("SELECT {} FROM {table}", columns.join(", "));
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("rows");
    let text = |row: &sea_orm::QueryResult| {
        let cells = (0..names.len()).map(|index| row.try_get_by_index::<Option<String>>(index).expect("a cell"));
        format!("{table}: {:?}", cells.collect::<Vec<_>>())
    };
    rows.iter().map(text).collect()
}

impl AuditedState {
    pub async fn read(store: &Store) -> Self {
        let db = store.reader();
        let mut rows = Vec::new();
        for table in TABLES {
            rows.extend(rows_of(db, table).await);
        }
        rows.sort();
        let changes = change::Entity::find().order_by_asc(change::Column::Id).all(db).await.expect("changes");
        let executions = kommando::executions::execution::Entity::find().all(db).await.expect("executions").len();
        Self { rows, changes, executions }
    }

    /// The changes recorded since an earlier state.
    pub fn since<'a>(&'a self, before: &Self) -> Vec<&'a change::Model> {
        self.changes.iter().filter(|change| !before.changes.contains(change)).collect()
    }

    /// What is wrong: a change of rows without a record, or a record without a change.
    pub fn problem_since(&self, before: &Self) -> Option<String> {
        let new = self.since(before);
        let differs = self.rows != before.rows;
        let is_recorded = !new.is_empty() || self.executions != before.executions;
        if differs && !is_recorded {
            let rows = self.rows.iter().filter(|row| !before.rows.contains(row));
            return Some(format!("changed without an entry: {:?}", rows.collect::<Vec<_>>()));
        }
        let needless = new.iter().find(|change| !differs && !WITHOUT_ROWS.contains(&change.action));
        needless.map(|change| format!("an entry without a change: {change:?}"))
    }
}
