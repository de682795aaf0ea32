//! Removes old records. From the beginning of the audit chain, their entries are removed, too. Records of one kind that
//! lie between records that are kept longer leave their entries without content. The rest can still be verified.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::{Span, SpanRelativeTo};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{
    audit::{
        self, Action, Actor, Anchor, AuditLog, Change, ChangedFields, CurrentKey, ProofError, Record, RecordKind,
        Subject, SubjectType, anchor,
        chain_cursor::{self, ChainCursor},
        change,
        mark::{self, Mark, MarkName},
    },
    execution, idempotency,
};
use crate::{
    clock,
    store::{Lock, Store, Touched, WriteTransaction},
};

/// Longer than idempotency keys live, because a key needs its execution to repeat the response.
const MIN_RETENTION: TimeDelta = TimeDelta::days(2);

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention(TimeDelta);

impl Retention {
    /// Records of executions that finished before this time are removed.
    pub fn horizon(self) -> DateTime<Utc> {
        clock::now() - self.0
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("`{text}` is not a duration such as 365d or 72h");
        let span: Span = text.parse().map_err(|_| invalid())?;
        // Fails for months and years, which vary in length.
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?;
        match TimeDelta::seconds(length.as_secs()) {
            length if length < MIN_RETENTION => Err(format!("`{text}` is too short; records are kept for 2d at least")),
            length => Ok(Self(length)),
        }
    }
}

/// How long changes are kept, where that differs from executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRetention {
    Forever,
    Limited(Retention),
}

impl FromStr for ChangeRetention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        text.parse().map(Self::Limited).map_err(|error: String| format!("{error}, or forever"))
    }
}

/// The times before which records are removed; `None`: they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizons {
    pub executions: Option<DateTime<Utc>>,
    pub changes: Option<DateTime<Utc>>,
}

impl Horizons {
    /// The same time for all records.
    pub fn of_all(time: DateTime<Utc>) -> Self {
        Self { executions: Some(time), changes: Some(time) }
    }

    /// From the settings. Changes are kept as long as executions, unless the settings say otherwise.
    pub fn new(executions: Option<Retention>, changes: Option<ChangeRetention>) -> Self {
        let executions = executions.map(Retention::horizon);
        let changes = match changes {
            None => executions,
            Some(ChangeRetention::Forever) => None,
            Some(ChangeRetention::Limited(retention)) => Some(retention.horizon()),
        };
        Self { executions, changes }
    }

    fn of(&self, kind: RecordKind) -> Option<DateTime<Utc>> {
        match kind {
            RecordKind::Execution => self.executions,
            RecordKind::Change => self.changes,
        }
    }

    fn contain(&self, record: &Record) -> bool {
        self.of(record.kind()).is_some_and(|horizon| record.time() < horizon)
    }

    /// The kind of records that are removed before records of the other kind.
    fn kind_removed_first(&self) -> Option<RecordKind> {
        match self.executions.cmp(&self.changes) {
            std::cmp::Ordering::Greater => Some(RecordKind::Execution),
            std::cmp::Ordering::Less => Some(RecordKind::Change),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// What one transaction removed.
struct RemovedPage {
    records: u64,
    is_last: bool,
}

/// The records to remove in one transaction.
#[derive(Default)]
struct OldRecords {
    executions: Vec<Uuid>,
    changes: Vec<Uuid>,
}

impl OldRecords {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Execution(execution) => self.executions.push(execution.id),
            Record::Change(change) => self.changes.push(change.id),
        }
    }

    /// Removes the records, and records that. `until` is the position up to which the entries were looked at.
    async fn remove_and_record(
        self,
        db: &WriteTransaction,
        audit_log: &AuditLog,
        actor: &Actor,
        until: i64,
    ) -> Result<u64, DbErr> {
        idempotency::clear_of(db, self.executions.clone()).await?;
        let executions = execution::remove_all(db, self.executions).await?;
        let changes = change::remove_all(db, self.changes).await?;
        if executions + changes > 0 {
            let fields = ChangedFields::from([
                ("position", until.into()),
                ("executions", executions.into()),
                ("changes", changes.into()),
            ]);
            let cut = Change::new(Action::RetentionCut, Subject::new(SubjectType::Chain, "", ""));
            let cut = cut.fields(ChangedFields::default(), fields);
            audit_log.record(db, actor, vec![cut]).await?;
        }
        Ok(executions + changes)
    }
}

/// Removes the records from before the horizons, oldest first, up to the first newer one, and records that. Each page has
/// its own short transaction. `progress` gets the number of records removed with each page.
///
/// # Errors
/// The audit chain is broken: records that could prove a manipulation are not removed.
pub async fn remove_older(
    store: &Store,
    key: &CurrentKey,
    actor: &Actor,
    horizons: Horizons,
    mut progress: impl FnMut(u64),
) -> Result<(), ProofError> {
    remove_pages(store, key, actor, horizons, None, &mut progress).await?;
    match horizons.kind_removed_first() {
        Some(kind) => remove_pages(store, key, actor, horizons, Some(kind), &mut progress).await,
        None => Ok(()),
    }
}

/// Removes page after page: all records from the beginning, or records of one kind between others.
async fn remove_pages(
    store: &Store,
    key: &CurrentKey,
    actor: &Actor,
    horizons: Horizons,
    between: Option<RecordKind>,
    progress: &mut impl FnMut(u64),
) -> Result<(), ProofError> {
    loop {
        let (key, actor) = (key.clone(), actor.clone());
        let remove = store.write_alone(Lock::AuditChain, move |transaction| {
            Box::pin(async move {
                let removed = match between {
                    None => remove_from_beginning(transaction, &key, &actor, horizons).await?,
                    Some(kind) => remove_between(transaction, &key, &actor, horizons, kind).await?,
                };
                Ok::<_, ProofError>((removed, Touched::Nothing))
            })
        });
        let RemovedPage { records, is_last } = remove.await?;
        progress(records);
        if is_last {
            return Ok(());
        }
    }
}

/// Removes a page of entries with their records.
async fn remove_from_beginning(
    db: &WriteTransaction,
    key: &CurrentKey,
    actor: &Actor,
    horizons: Horizons,
) -> Result<RemovedPage, ProofError> {
    let held = key.hold(db).await?;
    let mut cursor = ChainCursor::begin(db, &held).await?;
    let (mut old, mut last, mut count) = (OldRecords::default(), None, 0);
    let mut until = cursor.anchor.as_ref().map(|anchor| anchor.finished_at);
    for (entry, record) in &chain_cursor::page(db, i64::MIN).await? {
        let record = cursor.step(entry, record.as_ref())?;
        match record {
            Some(record) if !horizons.contain(record) => break,
            Some(record) => {
                old.add(record);
                until = Some(record.time());
            }
            // Removed earlier.
            None => {}
        }
        last = Some((cursor.head.clone(), cursor.digest.clone()));
        count += 1;
    }
    let Some((head, digest)) = last else { return Ok(RemovedPage { records: 0, is_last: true }) };
    let position = head.position;
    anchor::cut(db, Anchor::new(&held, head, digest, until.unwrap_or_else(clock::now_in_micros))).await?;
    let records = old.remove_and_record(db, &AuditLog::new(key.clone()), actor, position).await?;
    Ok(RemovedPage { records, is_last: count < chain_cursor::PAGE })
}

/// Removes a page of records of one kind, and the contents of their entries.
async fn remove_between(
    db: &WriteTransaction,
    key: &CurrentKey,
    actor: &Actor,
    horizons: Horizons,
    kind: RecordKind,
) -> Result<RemovedPage, ProofError> {
    let (held, name) = (key.hold(db).await?, MarkName::removed(kind));
    let mut cursor = ChainCursor::begin(db, &held).await?;
    cursor.skip_to(db, name).await?;
    let (mut old, mut last, mut count) = (OldRecords::default(), None, 0);
    for (entry, record) in &chain_cursor::page(db, cursor.head.position + 1).await? {
        if let Some(record) = cursor.step(entry, record.as_ref())?
            && record.kind() == kind
        {
            if !horizons.contain(record) {
                break;
            }
            // The entries of older versions keep their content, and are removed from the beginning only.
            if entry.kind.is_some() {
                old.add(record);
            }
        }
        last = Some((cursor.head.clone(), cursor.digest.clone()));
        count += 1;
    }
    let Some((head, digest)) = last else { return Ok(RemovedPage { records: 0, is_last: true }) };
    let (position, is_last) = (head.position, count < chain_cursor::PAGE);
    audit::remove_contents(db, old.executions.iter().chain(&old.changes).copied()).await?;
    // Without records to remove, the mark moves on by whole pages only, so that not every run of this writes.
    if !is_last || !old.executions.is_empty() || !old.changes.is_empty() {
        mark::put(db, Mark::new(&held, name, head, digest, clock::now_in_micros())).await?;
    }
    let records = old.remove_and_record(db, &AuditLog::new(key.clone()), actor, position).await?;
    Ok(RemovedPage { records, is_last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_kept_as_long_as_executions_unless_set_otherwise() {
        let year: Retention = "365d".parse().expect("a retention");
        let (both, forever) =
            (Horizons::new(Some(year), None), Horizons::new(Some(year), Some(ChangeRetention::Forever)));
        assert!(both.changes == both.executions && both.kind_removed_first().is_none());
        assert_eq!((forever.changes, forever.kind_removed_first()), (None, Some(RecordKind::Execution)));
        let shorter = Horizons::new(None, "90d".parse().ok());
        assert_eq!((shorter.executions, shorter.kind_removed_first()), (None, Some(RecordKind::Change)));
        assert_eq!("never".parse::<ChangeRetention>().map_err(|error| error.contains("forever")), Err(true));
    }

    #[test]
    fn days_have_24_hours_and_months_are_rejected() {
        assert_eq!("365d".parse(), Ok(Retention(TimeDelta::days(365))));
        assert_eq!("48 hours".parse(), Ok(Retention(TimeDelta::days(2))));
        for (text, expected) in [
            ("47h", "kept for 2d at least"),
            ("-365d", "kept for 2d at least"),
            ("12 months", "not a duration such as 365d"),
            ("1y", "not a duration such as 365d"),
            ("365", "not a duration such as 365d"),
            ("", "not a duration such as 365d"),
        ] {
            let error = text.parse::<Retention>().expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
