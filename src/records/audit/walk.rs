//! The way along the chain, from entry to entry: one for whoever proves it and whoever removes its beginning.

use std::collections::HashMap;

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    Anchor, AuditKey, Column, Entity, Head, Model,
    fault::{Fault, Place},
};
use crate::records::execution;

/// How many entries are read at once.
pub const PAGE: u64 = 1000;

/// An entry of the chain with the execution it tells of.
type Link = (Model, Option<execution::Model>);

/// The first entries of the chain from this position on, in their order, a page at most.
///
/// # Errors
/// The database does not answer.
pub async fn page(db: &impl ConnectionTrait, from: i64) -> Result<Vec<Link>, DbErr> {
    let entries = Entity::find().filter(Column::Position.gte(from)).order_by_asc(Column::Position).limit(PAGE);
    with_executions(db, entries.all(db).await?).await
}

/// The execution of an entry, if it is as the entry says.
///
/// # Errors
/// It is not, with the reason.
pub(super) fn told_execution<'e>(
    entry: &Model,
    execution: Option<&'e execution::Model>,
) -> Result<&'e execution::Model, &'static str> {
    let execution = execution.ok_or("its execution is missing")?;
    match serde_json::from_str::<execution::Model>(&entry.content) {
        Ok(told) if told == *execution => Ok(execution),
        _ => Err("its execution was changed"),
    }
}

/// Entries with their executions.
///
/// # Errors
/// The database does not answer.
pub(super) async fn with_executions(db: &impl ConnectionTrait, entries: Vec<Model>) -> Result<Vec<Link>, DbErr> {
    let executions = execution::find_all(db, entries.iter().map(|entry| entry.id).collect()).await?;
    let mut executions: HashMap<_, _> = executions.into_iter().map(|execution| (execution.id, execution)).collect();
    let link = |entry: Model| {
        let execution = executions.remove(&entry.id);
        (entry, execution)
    };
    Ok(entries.into_iter().map(link).collect())
}

/// Somebody who goes along the chain.
pub struct Walk<'a> {
    key: &'a AuditKey,
    /// The place reached, up to which everything holds.
    pub head: Head,
}

impl<'a> Walk<'a> {
    pub fn new(key: &'a AuditKey) -> Self {
        Self { key, head: Head::origin() }
    }

    pub fn key(&self) -> &'a AuditKey {
        self.key
    }

    /// Goes to where the chain begins.
    ///
    /// # Errors
    /// The anchor does not hold.
    pub fn begin(&mut self, anchor: Option<&Anchor>) -> Result<(), Fault> {
        if let Some(anchor) = anchor {
            self.head = anchor.head(self.key)?;
        }
        Ok(())
    }

    /// Goes on to the next entry, and answers with the execution it tells of.
    ///
    /// # Errors
    /// The entry or its execution does not hold.
    pub fn step<'e>(
        &mut self,
        entry: &Model,
        execution: Option<&'e execution::Model>,
    ) -> Result<&'e execution::Model, Fault> {
        let position = self.head.position + 1;
        let fault = |reason| Fault::at(Place::Entry(position), reason);
        match entry.position {
            Some(found) if found == position => {}
            Some(found) if found < position => return Err(fault("an entry was inserted before it")),
            _ if self.head == Head::origin() => {
                return Err(fault(
                    "the chain does not begin where it should: its first entries are missing, or their anchor is",
                ));
            }
            _ => return Err(fault("an entry is missing")),
        }
        let mac = self.key.bind(position, &[&self.head.mac, &entry.content]);
        if entry.mac.as_ref() != Some(&mac) {
            return Err(fault("the entry was changed, or the key is another one"));
        }
        let execution = told_execution(entry, execution).map_err(fault)?;
        self.head = Head { position, mac };
        Ok(execution)
    }
}
