//! Changes the key of the chain, or begins the chain anew after its key was lost.
//!
//! The first entry with the new key has the digest of all entries before it. Who knows a former key cannot change those
//! entries any more, and they are verified without it.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait, prelude::Uuid};

use super::{
    Anchor, CurrentKey,
    actor::Actor,
    anchor,
    chain_cursor::{self, ChainCursor},
    chain_error::{ChainError, ProofError},
    change::{self, Action, Change, ChangedFields, DIGEST, Subject, SubjectType},
    entry::{self, Head, RecordKind},
    head::head,
    key::AuditKey,
    key_check::{self, KeyCheck},
    linker, mark, seal, verify,
};
use crate::{
    clock,
    executions::{delivery, execution, idempotency},
    store::{Lock, Store, Touched, WriteTransaction, insert_all, lock},
};

/// Why the key of the chain was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("the key of the chain was changed meanwhile")]
    Changed,
    #[error("{0} entries were not written with the key of the chain; see `kommando audit verify`")]
    Forged(usize),
    /// The key to begin with is the key of the chain.
    #[error(
        "this is the key of the chain: nothing is lost, and `kommando audit verify` verifies the chain. To use another \
         key, run `kommando audit rekey`"
    )]
    NotLost,
    /// The old chain is not in order, so that nothing can be said about it.
    #[error(
        "the records of the chain are not in order even without its key, at {0}. Restore a backup, or remove all records \
         of the old chain with --discard"
    )]
    Disorder(ChainError),
}

impl From<DbErr> for KeyChangeError {
    fn from(error: DbErr) -> Self {
        Self::Proof(error.into())
    }
}

impl From<ChainError> for KeyChangeError {
    fn from(error: ChainError) -> Self {
        Self::Proof(error.into())
    }
}

/// The part of the chain before the new key.
#[derive(Clone, Debug)]
pub struct FormerEntries {
    pub count: i64,
    pub head: Head,
}

/// Verifies the chain, and continues it with a new key. `progress` gets the number of verified entries of each page.
///
/// # Errors
/// The chain is not intact, or `former` is not its key.
pub async fn change_key(
    store: &Store,
    former: &AuditKey,
    new: &AuditKey,
    actor: &Actor,
    progress: impl FnMut(u64),
) -> Result<FormerEntries, KeyChangeError> {
    // First without the locks, which would stop all writers.
    let snapshot = store.begin_snapshot().await?;
    let mut cursor = ChainCursor::begin(&snapshot, former).await?.keeping_digest();
    verify::everything(&snapshot, &mut cursor, None, progress).await?;
    drop(snapshot);
    let (former, new, actor) = (former.clone(), new.clone(), actor.clone());
    let change = store.write_alone(Lock::AuditChain, move |transaction| {
        Box::pin(async move {
            lock::take(transaction, Lock::AuditKey).await?;
            if !matches!(key_check::check_key(transaction, &former).await?, KeyCheck::Known { .. }) {
                return Err(KeyChangeError::Changed);
            }
            let forged = linker::link_all(transaction, &CurrentKey::from(former.clone())).await?;
            if forged > 0 {
                return Err(KeyChangeError::Forged(forged));
            }
            let from = cursor.head.position + 1;
            verify::entries(transaction, &mut cursor, from, &mut None, |_| {}).await?;
            let since = cursor.head.position + 1;
            let new_key = key_check::check_value(&new, since);
            let fields = ChangedFields::from([
                ("newKey", new_key.as_str().into()),
                ("sealByFormerKey", former.mac(since, &["key changed", &cursor.head.mac, &new_key]).into()),
            ]);
            let running = seal::running(transaction, &former, None).await?.sealed;
            let closed = close(transaction, &new, &actor, &cursor, Action::KeyChanged, fields).await?;
            seal::remove_all(transaction).await?;
            seal::seal_runs(transaction, &new, &running).await?;
            seal::change_key_of_deliveries(transaction, &former, &new).await?;
            Ok((closed, Touched::Nothing))
        })
    });
    change.await
}

/// Closes a chain whose key is lost, and continues it with another key. Running executions and webhooks lose their seals.
/// With `discards`, all entries and their records are removed.
///
/// # Errors
/// `new` is the key of the chain, or the old records are not in order and not discarded.
pub async fn begin_anew(
    store: &Store,
    new: &AuditKey,
    actor: &Actor,
    reason: &str,
    discards: bool,
) -> Result<FormerEntries, KeyChangeError> {
    let (new, actor, reason) = (new.clone(), actor.clone(), reason.to_owned());
    let begin = store.write_alone(Lock::AuditChain, move |transaction| {
        Box::pin(async move {
            lock::take(transaction, Lock::AuditKey).await?;
            if key_check::check_key(transaction, &new).await? != KeyCheck::Other {
                return Err(KeyChangeError::NotLost);
            }
            if linker::is_late(transaction) {
                number_unlinked(transaction).await?;
            }
            let removed = if discards { discard(transaction, &new).await? } else { 0 };
            let mut cursor = ChainCursor::begin_without_key(transaction, &new).await?;
            let ordered = async {
                verify::entries(transaction, &mut cursor, i64::MIN, &mut None, |_| {}).await?;
                verify::records_have_entries(transaction, &new).await
            };
            match ordered.await {
                Ok(()) => {}
                Err(ProofError::Chain(error)) => return Err(KeyChangeError::Disorder(error)),
                Err(ProofError::Database(error)) => return Err(error.into()),
            }
            let mut fields = ChangedFields::from([("reason", reason.into())]);
            if discards {
                fields.0.insert("discarded".to_owned(), removed.into());
            }
            let closed = close(transaction, &new, &actor, &cursor, Action::ChainBegunAnew, fields).await?;
            seal::remove_all(transaction).await?;
            delivery::remove_seals(transaction).await?;
            Ok((closed, Touched::Nothing))
        })
    });
    begin.await
}

/// Adds the first entry with the new key, and makes the anchor and the marks with it.
async fn close(
    transaction: &WriteTransaction,
    new: &AuditKey,
    actor: &Actor,
    cursor: &ChainCursor,
    action: Action,
    mut fields: ChangedFields,
) -> Result<FormerEntries, DbErr> {
    let beginning = cursor.anchor.as_ref().map_or(0, |anchor| anchor.position);
    let former = FormerEntries { count: cursor.head.position - beginning, head: cursor.head.clone() };
    fields.0.insert("entries".to_owned(), former.count.into());
    fields.0.insert("head".to_owned(), former.head.to_string().into());
    fields.0.insert(DIGEST.to_owned(), cursor.digest.clone().unwrap_or_default().into());
    let change = Change::new(action, Subject::new(SubjectType::Chain, "", ""));
    let row = change.fields(ChangedFields::default(), fields).into_row(actor);
    let entry = entry::Model::new(row.id, RecordKind::Change, &row)?;
    let linked = linker::link_after(new, former.head.clone(), vec![entry]);
    insert_all::<entry::Entity>(transaction, linked, None).await?;
    insert_all::<change::Entity>(transaction, vec![row], None).await?;
    anchor::replace(transaction, cursor.anchor.clone().map(|anchor| anchor.with_key(new))).await?;
    for mark in mark::list(transaction).await? {
        mark::put(transaction, mark.with_key(new)).await?;
    }
    key_check::replace(transaction, new, former.head.position + 1).await?;
    Ok(former)
}

/// Gives unlinked entries a position behind the others. Their MACs cannot be made without the key, and stay as they are.
async fn number_unlinked(transaction: &WriteTransaction) -> Result<(), DbErr> {
    loop {
        let mut page = linker::unlinked(transaction, Uuid::nil(), chain_cursor::PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        let last = head(transaction).await?.position;
        for (entry, position) in page.iter_mut().zip(last + 1..) {
            entry.position = Some(position);
            entry.mac.get_or_insert_default();
        }
        linker::store_positions(transaction, page).await?;
    }
}

/// Removes all entries with their records, and lets the chain begin after them. Returns the number of entries.
async fn discard(transaction: &WriteTransaction, new: &AuditKey) -> Result<u64, DbErr> {
    let last = head(transaction).await?;
    let ended = execution::Column::Outcome.ne(execution::Outcome::Running);
    let ids = execution::Entity::find().select_only().column(execution::Column::Id).filter(ended.clone()).into_query();
    let keys = idempotency::Entity::delete_many().filter(idempotency::Column::ExecutionId.in_subquery(ids));
    keys.exec(transaction).await?;
    execution::Entity::delete_many().filter(ended).exec(transaction).await?;
    change::Entity::delete_many().exec(transaction).await?;
    let removed = entry::Entity::delete_many().exec(transaction).await?.rows_affected;
    mark::clear(transaction).await?;
    let anchor = (last != Head::origin()).then(|| Anchor::new(new, last, None, clock::now_in_micros()));
    anchor::replace(transaction, anchor).await?;
    Ok(removed)
}
