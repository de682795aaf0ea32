//! Verification on a schedule: of the entries since the last one, and once a week of all.

use std::{
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jiff::{Span, SpanRelativeTo};
use sea_orm::DbErr;

use super::{
    ChainError, CurrentKey, Head,
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
    let held = key.read(&snapshot).await?;
    let last_full = mark::find(&snapshot, MarkName::Verified).await?.map(|mark| mark.made_at);
    let now = clock::now_in_micros();
    let recent_full = last_full.filter(|time| *time <= now && now - *time < FULL_PERIOD);
    let (mut entries, mut reached, mut digest) = (0, Head::origin(), None);
    let verified = async {
        let mut cursor = ChainCursor::begin(&snapshot, &held).await?;
        let count = |more| entries += more;
        let verified = match recent_full {
            Some(_) => {
                cursor.skip_to(MarkName::Verified);
                verify::since(&snapshot, &mut cursor, count).await
            }
            None => verify::everything(&snapshot, &mut cursor, None, count).await,
        };
        (reached, digest) = (cursor.head, cursor.digest);
        verified.map(drop)
    };
    let broken = match verified.await {
        Ok(()) => None,
        Err(ProofError::Chain(error)) => Some(error),
        Err(ProofError::Database(error)) => return Err(error),
    };
    drop(snapshot);
    if broken.is_none() && reached != Head::origin() {
        let (key, head, made_at) = (key.clone(), reached.clone(), recent_full.unwrap_or(now));
        let keep = store.write(move |transaction| {
            Box::pin(async move {
                // Not after a change of the key, which made the mark anew.
                if key.hold(transaction).await?.is_same(&held) {
                    mark::put(transaction, Mark::new(&held, MarkName::Verified, head, digest, made_at)).await?;
                }
                Ok::<_, DbErr>(((), Touched::Nothing))
            })
        });
        keep.await?;
    }
    let is_full = recent_full.is_none();
    Ok(LastVerification { ended_at: clock::now(), position: reached.position, entries, is_full, broken })
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
