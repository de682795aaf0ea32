//! Verification on a schedule: of the entries since the last one, and once a week of all.

use std::{
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jiff::{Span, SpanRelativeTo};
use sea_orm::{ConnectionTrait, DbErr};

use super::{
    AuditKey, ChainError, CurrentKey,
    chain_cursor::ChainCursor,
    chain_error::ProofError,
    mark::{self, Mark, MarkName},
    verify,
};
use crate::{
    clock,
    store::{Store, Touched},
};

/// Time after which all entries are verified again.
const FULL_PERIOD: TimeDelta = TimeDelta::days(7);

/// How often the chain is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerificationInterval(pub Duration);

impl FromStr for VerificationInterval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("`{text}` is not an interval of at least 1s, such as 24h or 7d");
        let span: Span = text.parse().map_err(|_| invalid())?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?;
        let length = Duration::try_from(length).map_err(|_| invalid())?;
        if length < Duration::from_secs(1) { Err(invalid()) } else { Ok(Self(length)) }
    }
}

/// The result of the last verification, shared by its clones; `None` until the first one has ended.
#[derive(Clone, Debug, Default)]
pub struct VerificationStatus(Arc<RwLock<Option<LastVerification>>>);

impl VerificationStatus {
    pub fn get(&self) -> Option<LastVerification> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, last: LastVerification) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastVerification {
    pub ended_at: DateTime<Utc>,
    /// The last valid entry.
    pub position: i64,
    /// The number of entries that were verified this time.
    pub entries: u64,
    /// Whether all entries were verified.
    pub is_full: bool,
    pub broken: Option<ChainError>,
}

/// Verifies the entries since the mark of the last verification, and the seals; everything if the last full verification
/// was a week ago. Then moves the mark.
///
/// # Errors
/// The database failed, or the key of the chain was changed and the new one is not here.
pub async fn verify_on_schedule(store: &Store, key: &CurrentKey) -> Result<LastVerification, DbErr> {
    let snapshot = store.begin_snapshot().await?;
    let held = key.in_snapshot(&snapshot).await?;
    let last_full = mark::find(&snapshot, MarkName::Verified).await?.map(|mark| mark.made_at);
    let now = clock::now_in_micros();
    let recent_full = last_full.filter(|time| *time <= now && now - *time < FULL_PERIOD);
    let mut entries = 0;
    let verified = verify_newer_or_all(&snapshot, &held, recent_full.is_none(), |more| entries += more).await;
    drop(snapshot);
    let (position, broken) = match verified {
        Ok(cursor) => {
            let position = cursor.head.position;
            let mark = Mark::new(&held, MarkName::Verified, cursor.head, cursor.digest, recent_full.unwrap_or(now));
            if position > 0
                && let Err(error) = keep(store, key, held, mark).await
            {
                tracing::warn!(%error, "failed to keep the position of the verification; the next one begins further back");
            }
            (position, None)
        }
        Err((cursor, ProofError::Chain(error))) => (cursor.map_or(0, |cursor| cursor.head.position), Some(error)),
        Err((_, ProofError::Database(error))) => return Err(error),
    };
    Ok(LastVerification { ended_at: clock::now(), position, entries, is_full: recent_full.is_none(), broken })
}

/// Returns how far it came, also with an error.
async fn verify_newer_or_all(
    db: &impl ConnectionTrait,
    key: &AuditKey,
    all: bool,
    progress: impl FnMut(u64),
) -> Result<ChainCursor, (Option<ChainCursor>, ProofError)> {
    let mut cursor = ChainCursor::begin(db, key).await.map_err(|error| (None, error))?;
    let (cursor, verified) = match all {
        true => verify::everything(db, cursor, None, progress).await,
        false => {
            cursor.skip_to(db, MarkName::Verified).await.map_err(|error| (None, error))?;
            verify::newer(db, cursor, progress).await
        }
    };
    match verified {
        Ok(_) => Ok(cursor),
        Err(error) => Err((Some(cursor), error)),
    }
}

/// Stores the mark, unless the key was changed meanwhile: that made another one.
async fn keep(store: &Store, key: &CurrentKey, held: AuditKey, mark: Mark) -> Result<(), DbErr> {
    let key = key.clone();
    let keep = store.write(move |transaction| {
        Box::pin(async move {
            if key.hold(transaction).await?.is_same(&held) {
                mark::put(transaction, mark).await?;
            }
            Ok(((), Touched::Nothing))
        })
    });
    keep.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_a_length_of_time() {
        let day = VerificationInterval(Duration::from_secs(86_400));
        assert_eq!(("24h".parse(), "1d".parse()), (Ok(day), Ok(day)));
        for unfit in ["", "24", "0s", "-1h", "1 month"] {
            assert!(unfit.parse::<VerificationInterval>().is_err(), "{unfit}");
        }
    }
}
