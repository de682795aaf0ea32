//! Verifies the whole chain, its records and all seals.

use std::{collections::HashSet, io};

use sea_orm::{
    QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use tokio::task::spawn_blocking;

use super::{
    AuditKey, Column, Entity, Head, Model,
    anchor::Anchor,
    chain_cursor::{self, ChainCursor},
    chain_error::{ChainError, InvalidRecord, ProofError},
    change, linker,
    record::Record,
    seal,
};
use crate::{
    executions::execution,
    store::{Store, connection_lost},
};

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
    /// The changes of the key, each with its position in the chain.
    pub key_changes: Vec<(i64, change::Model)>,
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
    let mut verification = Verification {
        unlinked: Entity::find().filter(Column::Position.is_null()).count(&snapshot).await?,
        anchor: None,
        head: Head::origin(),
        broken: None,
        key_changes: Vec::new(),
        sealed: Sealed::default(),
    };
    let verified = match ChainCursor::begin(&snapshot, key).await {
        Ok(cursor) => {
            let (cursor, verified) = everything(&snapshot, cursor, expected, progress).await;
            (verification.anchor, verification.head) = (cursor.anchor, cursor.head);
            verification.key_changes = cursor.key_changes;
            verified
        }
        Err(error) => Err(error),
    };
    match verified {
        Ok(sealed) => verification.sealed = sealed,
        Err(ProofError::Chain(error)) => verification.broken = Some(error),
        Err(ProofError::Database(error)) => return Err(error),
    }
    Ok(verification)
}

/// Verifies the entries, the expected head, the records and the seals. Returns how far it came.
pub(super) async fn everything(
    db: &impl ConnectionTrait,
    cursor: ChainCursor,
    expected: Option<&Head>,
    progress: impl FnMut(u64),
) -> (ChainCursor, Result<Sealed, ProofError>) {
    let beginning = cursor.head.clone();
    // Also reads entries before the beginning, to find inserted ones.
    let (cursor, verified) = entries(db, cursor, i64::MIN, expected, progress).await;
    let rest = async {
        verified?;
        if let Some(expected) = expected {
            check_expected(expected, &beginning)?;
            let reason = match expected.position {
                position if position < beginning.position => {
                    Some("the expected head is older than what is kept; expect a newer one")
                }
                position if position > cursor.head.position => Some("the chain ends before the expected head"),
                _ => None,
            };
            if let Some(reason) = reason {
                return Err(ChainError::at(InvalidRecord::Entry(expected.position), reason).into());
            }
        }
        records_have_entries(db, cursor.key()).await?;
        seals(db, cursor.key()).await
    };
    let verified = rest.await;
    (cursor, verified)
}

/// Verifies the entries after the cursor, and the seals. Returns how far it came.
pub(super) async fn newer(
    db: &impl ConnectionTrait,
    cursor: ChainCursor,
    progress: impl FnMut(u64),
) -> (ChainCursor, Result<Sealed, ProofError>) {
    let from = cursor.head.position + 1;
    let (cursor, verified) = entries(db, cursor, from, None, progress).await;
    let rest = async {
        verified?;
        seals(db, cursor.key()).await
    };
    let verified = rest.await;
    (cursor, verified)
}

/// Verifies the entries from this position to the end of the chain. Returns how far it came.
pub(super) async fn entries(
    db: &impl ConnectionTrait,
    mut cursor: ChainCursor,
    from: i64,
    expected: Option<&Head>,
    mut progress: impl FnMut(u64),
) -> (ChainCursor, Result<(), ProofError>) {
    let mut read = chain_cursor::page(db, from).await;
    loop {
        let page = match read {
            Ok(page) => page,
            Err(error) => return (cursor, Err(error.into())),
        };
        let Some(next) = page.last().map(|(entry, _)| entry.position.unwrap_or_default() + 1) else { break };
        let (count, before, expected) = (page.len() as u64, cursor.clone(), expected.cloned());
        // Verified while the next page is read.
        let verifying = spawn_blocking(move || {
            let verified = verify_page(&mut cursor, &page, expected.as_ref());
            (cursor, verified)
        });
        read = chain_cursor::page(db, next).await;
        let verified = match verifying.await {
            Ok((reached, verified)) => {
                cursor = reached;
                verified
            }
            Err(panic) => return (before, Err(connection_lost(io::Error::other(panic)).into())),
        };
        if let Err(error) = verified {
            return (cursor, Err(error.into()));
        }
        progress(count);
    }
    let end = cursor.check_end().map_err(ProofError::from);
    (cursor, end)
}

fn verify_page(
    cursor: &mut ChainCursor,
    page: &[(Model, Option<Record>)],
    expected: Option<&Head>,
) -> Result<(), ChainError> {
    for (entry, record) in page {
        cursor.step(entry, record.as_ref())?;
        expected.map_or(Ok(()), |expected| check_expected(expected, &cursor.head))?;
    }
    Ok(())
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
    match change_with_id_of_execution(db).await? {
        Some(id) => Err(ChainError::at(InvalidRecord::Change(id), "an execution has the same id").into()),
        None => Ok(()),
    }
}

/// Checks the seals of running executions and deliveries.
async fn seals(db: &impl ConnectionTrait, key: &AuditKey) -> Result<Sealed, ProofError> {
    Ok(Sealed { executions: running(db, key).await?, deliveries: deliveries(db, key).await? })
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

/// Compares a verified head with the expected head of the same position.
fn check_expected(expected: &Head, reached: &Head) -> Result<(), ChainError> {
    match expected.position == reached.position && expected != reached {
        true => Err(ChainError::at(InvalidRecord::Entry(expected.position), "this is not the expected head")),
        false => Ok(()),
    }
}

/// The oldest change with the id of an execution.
async fn change_with_id_of_execution(db: &impl ConnectionTrait) -> Result<Option<Uuid>, DbErr> {
    let executions = execution::Entity::find().select_only().column(execution::Column::Id).into_query();
    let found = change::Entity::find().select_only().column(change::Column::Id);
    let found = found.filter(change::Column::Id.in_subquery(executions)).order_by_asc(change::Column::Id).limit(1);
    Ok(found.into_tuple().all(db).await?.pop())
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
