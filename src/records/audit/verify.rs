//! The proof of the chain, from its beginning to its end, and of the executions that it tells of.

use std::collections::HashMap;

use sea_orm::{
    DatabaseConnection, QueryOrder, QuerySelect, QueryTrait, TransactionTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use super::{
    AuditKey, Column, Entity, Head, Model,
    fault::{Fault, Place, ProofError},
};
use crate::records::execution;

/// How many entries are read at once.
const PAGE: u64 = 1000;

/// What a look at the whole chain found.
#[derive(Debug)]
pub struct Verification {
    /// The newest place that holds.
    pub head: Head,
    /// The first place that does not.
    pub broken: Option<Fault>,
    /// Entries that are not linked yet.
    pub unlinked: u64,
}

/// Follows the chain from its beginning to its end, or to the first place where it does not hold, and looks for
/// executions that it does not tell of. `progress` is told how many entries were looked at.
///
/// # Errors
/// The database does not answer.
pub async fn verify(
    db: &DatabaseConnection,
    key: &AuditKey,
    expected: Option<&Head>,
    progress: impl FnMut(u64),
) -> Result<Verification, DbErr> {
    // One picture of the database, whatever is written meanwhile.
    let snapshot = db.begin().await?;
    let unlinked = Entity::find().filter(Column::Position.is_null()).count(&snapshot).await?;
    let mut walk = Walk { key, head: Head::origin(), expected };
    let broken = match walk.to_the_end(&snapshot, progress).await {
        Ok(()) => None,
        Err(ProofError::Fault(fault)) => Some(fault),
        Err(ProofError::Database(error)) => return Err(error),
    };
    Ok(Verification { head: walk.head, broken, unlinked })
}

/// An entry of the chain with the execution it tells of.
pub type Link = (Model, Option<execution::Model>);

/// The first entries of the chain from this position on, in their order, a page at most.
///
/// # Errors
/// The database does not answer.
pub async fn page(db: &impl ConnectionTrait, from: i64) -> Result<Vec<Link>, DbErr> {
    let entries = Entity::find().filter(Column::Position.gte(from)).order_by_asc(Column::Position).limit(PAGE);
    let entries = entries.all(db).await?;
    let executions = execution::find_all(db, entries.iter().map(|entry| entry.id).collect()).await?;
    let mut executions: HashMap<_, _> = executions.into_iter().map(|execution| (execution.id, execution)).collect();
    Ok(entries
        .into_iter()
        .map(|entry| (executions.remove(&entry.id), entry))
        .map(|(told, entry)| (entry, told))
        .collect())
}

/// The way along the chain.
pub struct Walk<'a> {
    key: &'a AuditKey,
    /// The place reached, up to which everything holds.
    pub head: Head,
    /// A head that is still to be met.
    expected: Option<&'a Head>,
}

impl Walk<'_> {
    async fn to_the_end(&mut self, db: &impl ConnectionTrait, mut progress: impl FnMut(u64)) -> Result<(), ProofError> {
        // Entries before the beginning are found by beginning before it.
        let mut from = i64::MIN;
        loop {
            let page = page(db, from).await?;
            if page.is_empty() {
                break;
            }
            for (entry, execution) in &page {
                self.step(entry, execution.as_ref())?;
                self.meet()?;
            }
            progress(page.len() as u64);
            from = self.head.position + 1;
        }
        if let Some(expected) = self.expected {
            return Err(Fault::at(Place::Entry(expected.position), "the chain ends before the expected head").into());
        }
        match untold(db).await? {
            Some(id) => Err(Fault::at(Place::Execution(id), "no entry tells of it").into()),
            None => Ok(()),
        }
    }

    /// Goes on to the next entry, if it and its execution hold.
    pub fn step(&mut self, entry: &Model, execution: Option<&execution::Model>) -> Result<(), Fault> {
        let position = self.head.position + 1;
        let fault = |reason| Err(Fault::at(Place::Entry(position), reason));
        match entry.position {
            Some(found) if found == position => {}
            Some(found) if found < position => return fault("an entry was inserted before it"),
            _ => return fault("an entry is missing"),
        }
        let mac = self.key.bind(position, &self.head.mac, &entry.content);
        if entry.mac.as_ref() != Some(&mac) {
            return fault("the entry was changed, or the key is another one");
        }
        match (serde_json::from_str::<execution::Model>(&entry.content), execution) {
            (_, None) => return fault("its execution is missing"),
            (Ok(told), Some(execution)) if told == *execution => {}
            _ => return fault("its execution was changed"),
        }
        self.head = Head { position, mac };
        Ok(())
    }

    /// Holds the place reached against the head that is to be met.
    fn meet(&mut self) -> Result<(), Fault> {
        match self.expected {
            Some(expected) if *expected == self.head => self.expected = None,
            Some(expected) if expected.position == self.head.position => {
                return Err(Fault::at(Place::Entry(expected.position), "this is not the expected head"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The oldest execution that no entry of the chain tells of.
async fn untold(db: &impl ConnectionTrait) -> Result<Option<Uuid>, DbErr> {
    let telling = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Expr::col((Entity, Column::Id)).equals((execution::Entity, execution::Column::Id)))
        .filter(Column::Position.is_not_null());
    execution::Entity::find()
        .select_only()
        .column(execution::Column::Id)
        .filter(Expr::not_exists(telling.into_query()))
        .order_by_asc(execution::Column::Id)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}
