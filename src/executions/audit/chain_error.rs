//! Errors of the verification of the chain.

use std::fmt;

use sea_orm::{DbErr, RuntimeErr, sqlx};
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
    /// A mark of removed or verified records.
    Mark,
    /// The row of the key.
    Key,
    /// A row of one of the audited tables.
    Row,
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
            Self::Mark => f.write_str("a mark"),
            Self::Key => f.write_str("the key"),
            Self::Row => f.write_str("a row"),
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
    Database(DbErr),
}

/// A row with a value that the server never writes counts as an invalid record, not as a failure of the database.
impl From<DbErr> for ProofError {
    fn from(error: DbErr) -> Self {
        let is_unreadable = match &error {
            DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => true,
            DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                matches!(**cause, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
            }
            _ => false,
        };
        match is_unreadable {
            true => Self::Chain(ChainError::at(InvalidRecord::Row, "it has a value that cannot be read")),
            false => Self::Database(error),
        }
    }
}

impl From<ChainError> for ProofError {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}
