//! Reads and verifies the chain entry by entry. Verification and retention use it.

use std::collections::HashMap;

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    Anchor, AuditKey, Column, Entity, Head, Model,
    chain_error::{ChainError, InvalidRecord},
};
use crate::executions::execution;

/// Entries per query.
pub const PAGE: u64 = 1000;

/// An entry of the chain with its execution.
type Link = (Model, Option<execution::Model>);

/// The first page of entries from this position on, in order.
pub async fn page(db: &impl ConnectionTrait, from: i64) -> Result<Vec<Link>, DbErr> {
    let entries = Entity::find().filter(Column::Position.gte(from)).order_by_asc(Column::Position).limit(PAGE);
    with_executions(db, entries.all(db).await?).await
}

/// Checks that an execution equals the content of its entry. The error is the reason why not.
pub(super) fn check_execution<'e>(
    entry: &Model,
    execution: Option<&'e execution::Model>,
) -> Result<&'e execution::Model, &'static str> {
    let execution = execution.ok_or("its execution is missing")?;
    match serde_json::from_str::<execution::Model>(&entry.content) {
        Ok(recorded) if recorded == *execution => Ok(execution),
        _ => Err("its execution was changed"),
    }
}

/// Entries with their executions.
pub(super) async fn with_executions(db: &impl ConnectionTrait, entries: Vec<Model>) -> Result<Vec<Link>, DbErr> {
    let executions = execution::find_all(db, entries.iter().map(|entry| entry.id).collect()).await?;
    let mut executions: HashMap<_, _> = executions.into_iter().map(|execution| (execution.id, execution)).collect();
    let link = |entry: Model| {
        let execution = executions.remove(&entry.id);
        (entry, execution)
    };
    Ok(entries.into_iter().map(link).collect())
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

    /// Verifies the next entry, moves to it and returns its execution.
    ///
    /// # Errors
    /// The entry is invalid, or its execution was changed.
    pub fn step<'e>(
        &mut self,
        entry: &Model,
        execution: Option<&'e execution::Model>,
    ) -> Result<&'e execution::Model, ChainError> {
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
        let execution = check_execution(entry, execution).map_err(error)?;
        self.head = Head { position, mac };
        Ok(execution)
    }
}
