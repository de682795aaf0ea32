//! Verifies the whole chain, its records and all seals.

use std::collections::HashSet;

use sea_orm::{
    QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use super::{
    AuditKey, Column, Entity, Head,
    anchor::Anchor,
    chain_cursor::{self, ChainCursor},
    chain_error::{ChainError, InvalidRecord, ProofError},
    change, linker, seal,
};
use crate::{executions::execution, store::Store};

const WITHOUT_ENTRY: &str = "it has no entry in the chain";

/// The result of a verification.
#[derive(Debug)]
pub struct Verification {
    /// The beginning of the chain, if older entries were removed.
    pub anchor: Option<Anchor>,
    /// The newest valid entry.
    pub head: Head,
    /// The first invalid record.
    pub broken: Option<ChainError>,
    /// The change with which the key began, if the chain still has it and the entries before it.
    pub key_change: Option<change::Model>,
    /// Entries that are not linked yet.
    pub unlinked: u64,
    /// Rows with a valid seal.
    pub sealed: Sealed,
}

/// The number of rows with a valid seal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Running executions.
    pub executions: u64,
    /// Webhook deliveries.
    pub deliveries: u64,
}

/// Verifies the chain up to its end or the first error, then looks for executions and changes without an entry and
/// for invalid seals. The chain must contain the `expected` head. `progress` gets the number of verified entries of each page.
pub async fn verify(
    store: &Store,
    key: &AuditKey,
    expected: Option<&Head>,
    progress: impl FnMut(u64),
) -> Result<Verification, DbErr> {
    let snapshot = store.begin_snapshot().await?;
    let unlinked = Entity::find().filter(Column::Position.is_null()).count(&snapshot).await?;
    let mut verification = Verification {
        anchor: None,
        head: Head::origin(),
        broken: None,
        key_change: None,
        unlinked,
        sealed: Sealed::default(),
    };
    let verified = async {
        let mut cursor = ChainCursor::begin(&snapshot, key).await?;
        let verified = everything(&snapshot, &mut cursor, expected, progress).await;
        (verification.anchor, verification.head) = (cursor.anchor, cursor.head);
        verification.key_change = cursor.key_change;
        verified
    };
    match verified.await {
        Ok(sealed) => verification.sealed = sealed,
        Err(ProofError::Chain(error)) => verification.broken = Some(error),
        Err(ProofError::Database(error)) => return Err(error),
    }
    Ok(verification)
}

/// Verifies the entries, the expected head, the executions and the seals.
pub(super) async fn everything(
    db: &impl ConnectionTrait,
    cursor: &mut ChainCursor,
    mut expected: Option<&Head>,
    progress: impl FnMut(u64),
) -> Result<Sealed, ProofError> {
    check_expected(&mut expected, &cursor.head)?;
    let beginning = cursor.head.position;
    // Also reads entries before the beginning, to find inserted ones.
    entries(db, cursor, i64::MIN, &mut expected, progress).await?;
    if let Some(&Head { position, .. }) = expected {
        let reason = match position < beginning {
            true => "the expected head is older than what is kept; expect a newer one",
            false => "the chain ends before the expected head",
        };
        return Err(ChainError::at(InvalidRecord::Entry(position), reason).into());
    }
    records_have_entries(db, cursor.key()).await?;
    let executions = running(db, cursor.key()).await?;
    Ok(Sealed { executions, deliveries: deliveries(db, cursor.key()).await? })
}

/// Verifies the entries after the cursor, and the seals.
pub(super) async fn since(
    db: &impl ConnectionTrait,
    cursor: &mut ChainCursor,
    progress: impl FnMut(u64),
) -> Result<Sealed, ProofError> {
    let from = cursor.head.position + 1;
    entries(db, cursor, from, &mut None, progress).await?;
    let executions = running(db, cursor.key()).await?;
    Ok(Sealed { executions, deliveries: deliveries(db, cursor.key()).await? })
}

/// Verifies the entries from this position to the end of the chain. Clears the expected head when it is among them.
pub(super) async fn entries(
    db: &impl ConnectionTrait,
    cursor: &mut ChainCursor,
    mut from: i64,
    expected: &mut Option<&Head>,
    mut progress: impl FnMut(u64),
) -> Result<(), ProofError> {
    loop {
        let page = chain_cursor::page(db, from).await?;
        if page.is_empty() {
            return Ok(());
        }
        for (entry, record) in &page {
            cursor.step(entry, record.as_ref())?;
            check_expected(expected, &cursor.head)?;
        }
        progress(page.len() as u64);
        from = cursor.head.position + 1;
    }
}

/// Looks for executions and changes without an entry, and for unlinked entries that are invalid.
pub(super) async fn records_have_entries(db: &impl ConnectionTrait, key: &AuditKey) -> Result<(), ProofError> {
    let unlinked = linker::unlinked_records(db, key).await?;
    if let Some(id) = without_entry(db, ended_executions(), execution::Column::Id, &unlinked).await? {
        return Err(ChainError::at(InvalidRecord::Execution(id), WITHOUT_ENTRY).into());
    }
    if let Some(id) = without_entry(db, change::Entity::find(), change::Column::Id, &unlinked).await? {
        return Err(ChainError::at(InvalidRecord::Change(id), WITHOUT_ENTRY).into());
    }
    Ok(())
}

/// Checks the running executions and returns their number.
async fn running(db: &impl ConnectionTrait, key: &AuditKey) -> Result<u64, ProofError> {
    let found = seal::running(db, key, None).await?;
    let orphan = found.orphans.first().map(|id| (*id, "it has the seal of a running execution, but is not running"));
    let forged = found.forged.first().map(|(execution, reason)| (execution.id, *reason));
    match forged.or(orphan) {
        Some((id, reason)) => Err(ChainError::at(InvalidRecord::Execution(id), reason).into()),
        None => Ok(found.sealed.len() as u64),
    }
}

/// Checks the undelivered deliveries and the delivered ones with a seal, and returns their number.
async fn deliveries(db: &impl ConnectionTrait, key: &AuditKey) -> Result<u64, ProofError> {
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let page = seal::deliveries(db, &after).await?;
        for delivery in &page {
            if let Some(reason) = key.delivery_seal_error(delivery) {
                return Err(ChainError::at(InvalidRecord::Delivery(delivery.id.clone()), reason).into());
            }
        }
        count += page.len() as u64;
        match page.into_iter().next_back() {
            Some(last) => after = last.id,
            None => return Ok(count),
        }
    }
}

/// Compares the verified head with the expected head, and clears the latter when they are equal.
fn check_expected(expected: &mut Option<&Head>, reached: &Head) -> Result<(), ChainError> {
    match *expected {
        Some(head) if head == reached => *expected = None,
        Some(head) if head.position == reached.position => {
            return Err(ChainError::at(InvalidRecord::Entry(head.position), "this is not the expected head"));
        }
        _ => {}
    }
    Ok(())
}

fn ended_executions() -> Select<execution::Entity> {
    execution::Entity::find().filter(execution::Column::Outcome.ne(execution::Outcome::Running))
}

/// The oldest of these rows that has neither a linked nor an unlinked entry.
async fn without_entry<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    id: E::Column,
    unlinked: &HashSet<Uuid>,
) -> Result<Option<Uuid>, DbErr> {
    let mut after = Uuid::nil();
    loop {
        let page = without_linked_entry(db, rows.clone(), id, after).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = *last;
        if let Some(found) = page.iter().find(|id| !unlinked.contains(*id)) {
            return Ok(Some(*found));
        }
    }
}

/// A page of these rows after this id that have no linked entry, oldest first.
async fn without_linked_entry<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    id: E::Column,
    after: Uuid,
) -> Result<Vec<Uuid>, DbErr> {
    let linked_entry = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Expr::col((Entity, Column::Id)).equals((E::default(), id)))
        .filter(Column::Position.is_not_null());
    rows.select_only()
        .column(id)
        .filter(Expr::not_exists(linked_entry.into_query()))
        .filter(id.gt(after))
        .order_by_asc(id)
        .limit(chain_cursor::PAGE)
        .into_tuple()
        .all(db)
        .await
}
