//! Errors of the verification of the chain.

use std::fmt;

use sea_orm::DbErr;
use uuid::Uuid;

/// Where the chain or a seal is invalid, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{record}: {reason}")]
pub struct ChainError {
    pub record: InvalidRecord,
    pub reason: &'static str,
}

/// The invalid record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidRecord {
    /// The entry at this position of the chain.
    Entry(i64),
    Anchor,
    /// An entry without a position in the chain, by the id of its record.
    Unlinked(Uuid),
    /// An execution without an entry.
    Execution(Uuid),
    /// A change without an entry.
    Change(Uuid),
    /// A webhook delivery.
    Delivery(String),
}

impl ChainError {
    pub(super) fn at(record: InvalidRecord, reason: &'static str) -> Self {
        Self { record, reason }
    }
}

impl fmt::Display for InvalidRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(position) => write!(f, "entry {position}"),
            Self::Anchor => f.write_str("the anchor"),
            Self::Unlinked(id) => write!(f, "the entry of {id}"),
            Self::Execution(id) => write!(f, "execution {id}"),
            Self::Change(id) => write!(f, "change {id}"),
            Self::Delivery(id) => write!(f, "webhook {id}"),
        }
    }
}

/// Why a verification failed.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("the audit records are not intact at {0}")]
    Chain(ChainError),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl From<ChainError> for ProofError {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}
