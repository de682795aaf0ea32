//! The proof of the chain, from its beginning to its end, and of the executions that it tells of.

use std::collections::HashSet;

use sea_orm::{
    QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use super::{
    AuditKey, Column, Entity, Head,
    anchor::{self, Anchor},
    fault::{Fault, Place, ProofError},
    link, seal,
    walk::{self, Walk},
};
use crate::{records::execution, store::Store};

/// What a look at the whole chain found.
#[derive(Debug)]
pub struct Verification {
    /// What the chain begins behind, when an older part of it was removed.
    pub anchor: Option<Anchor>,
    /// The newest place that holds.
    pub head: Head,
    /// The first place that does not.
    pub broken: Option<Fault>,
    /// Entries that are not linked yet.
    pub unlinked: u64,
    /// What is sealed and not final.
    pub sealed: Sealed,
}

/// How many rows that are not final have a seal that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Executions that run.
    pub executions: u64,
    /// Webhook deliveries.
    pub deliveries: u64,
}

/// Follows the chain from its beginning to its end, or to the first place where it does not hold, and looks for
/// executions that it does not tell of and for seals that do not hold. `progress` is told how many entries were looked at.
///
/// # Errors
/// The database does not answer.
pub async fn verify(
    store: &Store,
    key: &AuditKey,
    expected: Option<&Head>,
    progress: impl FnMut(u64),
) -> Result<Verification, DbErr> {
    let snapshot = store.begin_snapshot().await?;
    let unlinked = Entity::find().filter(Column::Position.is_null()).count(&snapshot).await?;
    let anchor = anchor::find(&snapshot).await?;
    let mut walk = Walk::new(key);
    let (broken, sealed) = match follow(&snapshot, &mut walk, anchor.as_ref(), expected, progress).await {
        Ok(sealed) => (None, sealed),
        Err(ProofError::Fault(fault)) => (Some(fault), Sealed::default()),
        Err(ProofError::Database(error)) => return Err(error),
    };
    Ok(Verification { anchor, head: walk.head, broken, unlinked, sealed })
}

/// Goes the whole way: the anchor, the entries, the expected head, the executions, and the seals.
async fn follow(
    db: &impl ConnectionTrait,
    walk: &mut Walk<'_>,
    anchor: Option<&Anchor>,
    mut expected: Option<&Head>,
    mut progress: impl FnMut(u64),
) -> Result<Sealed, ProofError> {
    walk.begin(anchor)?;
    meet(&mut expected, &walk.head)?;
    let beginning = walk.head.position;
    // What stands before the beginning is found by looking there, too.
    let mut from = i64::MIN;
    loop {
        let page = walk::page(db, from).await?;
        if page.is_empty() {
            break;
        }
        for (entry, execution) in &page {
            walk.step(entry, execution.as_ref())?;
            meet(&mut expected, &walk.head)?;
        }
        progress(page.len() as u64);
        from = walk.head.position + 1;
    }
    if let Some(&Head { position, .. }) = expected {
        let reason = match position < beginning {
            true => "the expected head is older than what is kept; expect a newer one",
            false => "the chain ends before the expected head",
        };
        return Err(Fault::at(Place::Entry(position), reason).into());
    }
    if let Some(id) = untold(db, &link::told_later(db, walk.key()).await?).await? {
        return Err(Fault::at(Place::Execution(id), "no entry tells of it").into());
    }
    let executions = running(db, walk.key()).await?;
    Ok(Sealed { executions, deliveries: deliveries(db, walk.key()).await? })
}

/// Checks the executions that run; how many there are.
async fn running(db: &impl ConnectionTrait, key: &AuditKey) -> Result<u64, ProofError> {
    let found = seal::running(db, key, None).await?;
    let orphan = found.orphans.first().map(|id| (*id, "it has a seal as one that runs, and does not run"));
    let forged = found.forged.first().map(|(execution, reason)| (execution.id, *reason));
    match forged.or(orphan) {
        Some((id, reason)) => Err(Fault::at(Place::Execution(id), reason).into()),
        None => Ok(found.sealed.len() as u64),
    }
}

/// Checks the deliveries that may be sent, and those that were and have a seal; how many there are.
async fn deliveries(db: &impl ConnectionTrait, key: &AuditKey) -> Result<u64, ProofError> {
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let page = seal::deliveries(db, &after).await?;
        for delivery in &page {
            if let Some(reason) = key.fault_of_delivery(delivery) {
                return Err(Fault::at(Place::Delivery(delivery.id.clone()), reason).into());
            }
        }
        count += page.len() as u64;
        match page.into_iter().next_back() {
            Some(last) => after = last.id,
            None => return Ok(count),
        }
    }
}

/// Holds the place reached against the head that is still to be met.
fn meet(expected: &mut Option<&Head>, reached: &Head) -> Result<(), Fault> {
    match *expected {
        Some(head) if head == reached => *expected = None,
        Some(head) if head.position == reached.position => {
            return Err(Fault::at(Place::Entry(head.position), "this is not the expected head"));
        }
        _ => {}
    }
    Ok(())
}

/// The oldest execution that no entry of the chain tells of, nor one that is linked later. One that runs has a seal until it
/// ends.
async fn untold(db: &impl ConnectionTrait, told_later: &HashSet<Uuid>) -> Result<Option<Uuid>, DbErr> {
    let mut after = Uuid::nil();
    loop {
        let page = unlinked(db, after).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = *last;
        if let Some(untold) = page.iter().find(|id| !told_later.contains(*id)) {
            return Ok(Some(*untold));
        }
    }
}

/// The oldest executions behind this one that no entry of the chain tells of, a page at most.
async fn unlinked(db: &impl ConnectionTrait, after: Uuid) -> Result<Vec<Uuid>, DbErr> {
    let telling = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Expr::col((Entity, Column::Id)).equals((execution::Entity, execution::Column::Id)))
        .filter(Column::Position.is_not_null());
    execution::Entity::find()
        .select_only()
        .column(execution::Column::Id)
        .filter(Expr::not_exists(telling.into_query()))
        .filter(execution::Column::Outcome.ne(execution::Outcome::Running))
        .filter(execution::Column::Id.gt(after))
        .order_by_asc(execution::Column::Id)
        .limit(walk::PAGE)
        .into_tuple()
        .all(db)
        .await
}
