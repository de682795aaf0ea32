//! The rows that have an entry in the chain: ended executions and changes.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    change,
    entry::{Model, RecordKind},
};
use crate::executions::execution;

/// A row that has an entry in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Execution(execution::Model),
    Change(change::Model),
}

impl Record {
    /// When the execution ended, or the change was made.
    pub fn time(&self) -> DateTimeUtc {
        match self {
            Self::Execution(execution) => execution.finished_at,
            Self::Change(change) => change.recorded_at,
        }
    }

    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Execution(_) => RecordKind::Execution,
            Self::Change(_) => RecordKind::Change,
        }
    }

    pub fn id(&self) -> Uuid {
        match self {
            Self::Execution(execution) => execution.id,
            Self::Change(change) => change.id,
        }
    }
}

/// Checks that a record equals the content of its entry. The error is the reason why not.
pub(super) fn check<'r>(entry: &Model, record: Option<&'r Record>) -> Result<&'r Record, &'static str> {
    // Entries of older versions have no kind.
    let is_change = || serde_json::from_str::<change::Model>(&entry.content).is_ok();
    match record {
        None if entry.kind.map_or_else(is_change, |kind| kind == RecordKind::Change) => Err("its change is missing"),
        None => Err("its execution is missing"),
        Some(record) if entry.kind.is_some_and(|kind| kind != record.kind()) => Err("its record is of another kind"),
        Some(record @ Record::Change(change)) if equals(change, &entry.content) => Ok(record),
        Some(Record::Change(_)) => Err("its change was altered"),
        Some(record @ Record::Execution(execution)) if equals(execution, &entry.content) => Ok(record),
        Some(Record::Execution(_)) => Err("its execution was changed"),
    }
}

/// Whether the content is this row. Most contents are what the row is written as; those of older versions have fewer
/// members, and are parsed.
fn equals<T: Serialize + DeserializeOwned + PartialEq>(row: &T, content: &str) -> bool {
    serde_json::to_string(row).is_ok_and(|text| text == content)
        || serde_json::from_str::<T>(content).is_ok_and(|recorded| recorded == *row)
}

/// The entry of an execution.
pub fn entry_of(execution: &execution::Model) -> Result<Model, DbErr> {
    Model::new(execution.id, RecordKind::Execution, execution)
}

/// Entries with their records.
pub(super) async fn with_records(
    db: &impl ConnectionTrait,
    entries: Vec<Model>,
) -> Result<Vec<(Model, Option<Record>)>, DbErr> {
    let executions = execution::find_all(db, entries.iter().map(|entry| entry.id).collect()).await?;
    let mut records: HashMap<_, _> = executions.into_iter().map(|one| (one.id, Record::Execution(one))).collect();
    let others = entries.iter().map(|entry| entry.id).filter(|id| !records.contains_key(id)).collect();
    let changes = change::find_all(db, others).await?.into_iter().map(Record::Change);
    records.extend(changes.map(|change| (change.id(), change)));
    let with_record = |entry: Model| {
        let record = records.remove(&entry.id);
        (entry, record)
    };
    Ok(entries.into_iter().map(with_record).collect())
}
