//! Reads and verifies the chain entry by entry. Verification and retention use it.

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    Anchor, AuditKey, Column, Entity, Head, Model,
    chain_error::{ChainError, InvalidRecord},
    record::{self, Record},
};

/// Entries per query.
pub const PAGE: u64 = 1000;

/// The first page of entries from this position on with their records, in order.
pub async fn page(db: &impl ConnectionTrait, from: i64) -> Result<Vec<(Model, Option<Record>)>, DbErr> {
    let entries = Entity::find().filter(Column::Position.gte(from)).order_by_asc(Column::Position).limit(PAGE);
    record::with_records(db, entries.all(db).await?).await
}

/// A position in the chain, up to which it is verified.
pub struct ChainCursor<'a> {
    key: &'a AuditKey,
    /// The last verified entry.
    pub head: Head,
}

impl<'a> ChainCursor<'a> {
    pub fn new(key: &'a AuditKey) -> Self {
        Self { key, head: Head::origin() }
    }

    pub fn key(&self) -> &'a AuditKey {
        self.key
    }

    /// Moves to the beginning of the chain.
    ///
    /// # Errors
    /// The anchor is invalid.
    pub fn begin(&mut self, anchor: Option<&Anchor>) -> Result<(), ChainError> {
        if let Some(anchor) = anchor {
            self.head = anchor.head(self.key)?;
        }
        Ok(())
    }

    /// Verifies the next entry, moves to it and returns its record.
    ///
    /// # Errors
    /// The entry is invalid, or its record was changed.
    pub fn step<'r>(&mut self, entry: &Model, record: Option<&'r Record>) -> Result<&'r Record, ChainError> {
        let position = self.head.position + 1;
        let error = |reason| ChainError::at(InvalidRecord::Entry(position), reason);
        match entry.position {
            Some(found) if found == position => {}
            Some(found) if found < position => return Err(error("an entry was inserted before it")),
            _ if self.head == Head::origin() => {
                return Err(error(
                    "the chain does not begin at its anchor: its first entries or the anchor are missing",
                ));
            }
            _ => return Err(error("an entry is missing")),
        }
        let mac = self.key.mac(position, &[&self.head.mac, &entry.content]);
        if entry.mac.as_ref() != Some(&mac) {
            return Err(error("the entry was changed, or the key is another one"));
        }
        let record = record::check(entry, record).map_err(error)?;
        self.head = Head { position, mac };
        Ok(record)
    }
}
