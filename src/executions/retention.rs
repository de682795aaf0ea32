//! Removes old records. It removes them only from the beginning of the audit chain, so that the rest can still be
//! verified.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::{Span, SpanRelativeTo};

use super::{
    audit::{
        AuditKey, ProofError, anchor,
        chain_cursor::{self, ChainCursor},
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

/// Removes the records of executions that finished before `horizon`, oldest first, up to the first newer one. Each page
/// has its own short transaction. `progress` gets the number of records removed with each page.
///
/// # Errors
/// The audit chain is broken: records that could prove a manipulation are not removed.
pub async fn remove_older(
    store: &Store,
    key: &AuditKey,
    horizon: DateTime<Utc>,
    mut progress: impl FnMut(u64),
) -> Result<(), ProofError> {
    loop {
        let key = key.clone();
        let remove = store.write_alone(Lock::AuditChain, move |transaction| {
            Box::pin(
                async move { Ok::<_, ProofError>((remove_page(transaction, &key, horizon).await?, Touched::Nothing)) },
            )
        });
        let removed = remove.await?;
        progress(removed);
        if removed < chain_cursor::PAGE {
            return Ok(());
        }
    }
}

async fn remove_page(db: &WriteTransaction, key: &AuditKey, horizon: DateTime<Utc>) -> Result<u64, ProofError> {
    let mut cursor = ChainCursor::new(key);
    cursor.begin(anchor::find(db).await?.as_ref())?;
    let (mut older, mut last) = (Vec::new(), None);
    for (entry, execution) in &chain_cursor::page(db, i64::MIN).await? {
        let finished_at = cursor.step(entry, execution.as_ref())?.finished_at;
        if finished_at >= horizon {
            break;
        }
        older.push(entry.id);
        last = Some((cursor.head.clone(), finished_at));
    }
    let Some((head, finished_at)) = last else { return Ok(0) };
    idempotency::clear_of(db, older.clone()).await?;
    let removed = execution::remove_all(db, older).await?;
    anchor::cut(db, key, head, finished_at).await?;
    Ok(removed)
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
