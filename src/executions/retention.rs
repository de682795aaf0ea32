//! Removes old records. It removes them only from the beginning of the audit chain, so that the rest can still be
//! verified.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::{Span, SpanRelativeTo};

use super::{
    audit::{
        Action, Actor, AuditKey, AuditLog, Change, ChangedFields, ProofError, Record, Subject, SubjectType, anchor,
        chain_cursor::{self, ChainCursor},
        change,
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

/// Removes the executions and changes from before `horizon`, oldest first, up to the first newer one, and records that. Each page
/// has its own short transaction. `progress` gets the number of records removed with each page.
///
/// # Errors
/// The audit chain is broken: records that could prove a manipulation are not removed.
pub async fn remove_older(
    store: &Store,
    key: &AuditKey,
    actor: &Actor,
    horizon: DateTime<Utc>,
    mut progress: impl FnMut(u64),
) -> Result<(), ProofError> {
    loop {
        let (key, actor) = (key.clone(), actor.clone());
        let remove = store.write_alone(Lock::AuditChain, move |transaction| {
            Box::pin(async move {
                Ok::<_, ProofError>((remove_page(transaction, &key, &actor, horizon).await?, Touched::Nothing))
            })
        });
        let removed = remove.await?;
        progress(removed);
        if removed < chain_cursor::PAGE {
            return Ok(());
        }
    }
}

async fn remove_page(
    db: &WriteTransaction,
    key: &AuditKey,
    actor: &Actor,
    horizon: DateTime<Utc>,
) -> Result<u64, ProofError> {
    let mut cursor = ChainCursor::new(key);
    cursor.begin(anchor::find(db).await?.as_ref())?;
    let (mut executions, mut changes, mut last) = (Vec::new(), Vec::new(), None);
    for (entry, record) in &chain_cursor::page(db, i64::MIN).await? {
        let record = cursor.step(entry, record.as_ref())?;
        if record.time() >= horizon {
            break;
        }
        match record {
            Record::Execution(_) => executions.push(entry.id),
            Record::Change(_) => changes.push(entry.id),
        }
        last = Some((cursor.head.clone(), record.time()));
    }
    let Some((head, finished_at)) = last else { return Ok(0) };
    idempotency::clear_of(db, executions.clone()).await?;
    let executions = execution::remove_all(db, executions).await?;
    let changes = change::remove_all(db, changes).await?;
    let (position, until) = (head.position, finished_at.to_rfc3339());
    anchor::cut(db, key, head, finished_at).await?;
    let fields = ChangedFields::from([
        ("position", position.into()),
        ("until", until.into()),
        ("executions", executions.into()),
        ("changes", changes.into()),
    ]);
    let cut = Change::new(Action::RetentionCut, Subject::new(SubjectType::Chain, "", ""));
    let cut = cut.fields(ChangedFields::default(), fields);
    AuditLog::new(key.clone()).record(db, actor, vec![cut]).await?;
    Ok(executions + changes)
}

#[cfg(test)]
mod tests {
    use super::*;

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
