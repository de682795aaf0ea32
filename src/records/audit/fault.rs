//! What the proof of the chain can find.

use std::fmt;

use sea_orm::DbErr;
use uuid::Uuid;

/// Where the records do not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Fault {
    pub place: Place,
    pub reason: &'static str,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The entry at this position of the chain.
    Entry(i64),
    /// What the chain begins behind.
    Anchor,
    /// An execution that has no position in it.
    Execution(Uuid),
    /// A webhook delivery.
    Delivery(String),
}

impl Fault {
    pub(super) fn at(place: Place, reason: &'static str) -> Self {
        Self { place, reason }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(position) => write!(f, "entry {position}"),
            Self::Anchor => f.write_str("the anchor"),
            Self::Execution(id) => write!(f, "execution {id}"),
            Self::Delivery(id) => write!(f, "webhook {id}"),
        }
    }
}

/// Why a proof did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("the records do not hold at {0}")]
    Fault(Fault),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl From<Fault> for ProofError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
