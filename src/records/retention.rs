//! How long records are kept, and how older ones are removed: always from the beginning of the chain, so that what is
//! kept can still be proven.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::{Span, SpanRelativeTo};

use super::{
    audit::{
        AuditKey, ProofError, anchor,
        walk::{self, Walk},
    },
    execution, idempotency,
};
use crate::{
    clock,
    store::{Lock, Store, Touched, WriteTransaction},
};

/// Longer than any idempotency key is kept, whose execution must be there to answer with.
const SHORTEST: TimeDelta = TimeDelta::days(2);

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention(TimeDelta);

impl Retention {
    /// What finished before this time is older.
    pub fn horizon(self) -> DateTime<Utc> {
        clock::now() - self.0
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || format!("`{text}` is no length of time such as 365d or 72h");
        let span: Span = text.parse().map_err(|_| form())?;
        // Months and years have no length of their own.
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| form())?;
        match TimeDelta::seconds(length.as_secs()) {
            length if length < SHORTEST => Err(format!("`{text}` is too short; records are kept for 2d at least")),
            length => Ok(Self(length)),
        }
    }
}

/// Removes the records of executions that finished before this time, oldest first, a page in a transaction of its own so
/// that nobody waits long to write. It ends at the first that is younger. `progress` is told how many were removed.
///
/// # Errors
/// The database does not answer, or the records do not hold: what could be proof of a change is not removed.
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
        if removed < walk::PAGE {
            return Ok(());
        }
    }
}

async fn remove_page(db: &WriteTransaction, key: &AuditKey, horizon: DateTime<Utc>) -> Result<u64, ProofError> {
    let mut walk = Walk::new(key);
    walk.begin(anchor::find(db).await?.as_ref())?;
    let (mut older, mut last) = (Vec::new(), None);
    for (entry, execution) in &walk::page(db, i64::MIN).await? {
        let finished_at = walk.step(entry, execution.as_ref())?.finished_at;
        if finished_at >= horizon {
            break;
        }
        older.push(entry.id);
        last = Some((walk.head.clone(), finished_at));
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
    fn days_have_24_hours_and_months_no_length() {
        assert_eq!("365d".parse(), Ok(Retention(TimeDelta::days(365))));
        assert_eq!("48 hours".parse(), Ok(Retention(TimeDelta::days(2))));
        for (text, expected) in [
            ("47h", "kept for 2d at least"),
            ("-365d", "kept for 2d at least"),
            ("12 months", "no length of time such as 365d"),
            ("1y", "no length of time such as 365d"),
            ("365", "no length of time such as 365d"),
            ("", "no length of time such as 365d"),
        ] {
            let fault = text.parse::<Retention>().expect_err(text);
            assert!(fault.contains(expected), "{text}: {fault}");
        }
    }
}
