//! Begins the chain anew after its key was lost.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait, prelude::Uuid};

use super::{
    Anchor,
    actor::Actor,
    anchor,
    chain_cursor::{self, ChainCursor},
    chain_error::ProofError,
    change::{self, Action, ChangedFields},
    entry::{self, Head},
    head::head,
    key::AuditKey,
    key_change::{FormerEntries, KeyChangeError, switch_key},
    key_check::{self, KeyCheck},
    linker, mark, seal, verify,
};
use crate::{
    clock,
    executions::{delivery, execution, idempotency},
    store::{Lock, Store, Touched, WriteTransaction, lock},
    vault::stored_secret,
};

/// What becomes of the records of the old chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldRecords {
    /// The records stay. That they were not changed before cannot be proven; a change after it is found.
    Keep,
    /// They are removed.
    Discard,
}

/// Closes a chain with a lost key, and continues it with another key. Running executions and webhooks lose their seals,
/// and the stored secrets, which cannot be read without the lost key, are deleted.
///
/// # Errors
/// `new` is the key of the chain, or the old records are to be kept and are not in order.
pub async fn begin_anew(
    store: &Store,
    new: &AuditKey,
    actor: &Actor,
    reason: &str,
    old: OldRecords,
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
            let mut fields = ChangedFields::from([("reason", reason.into())]);
            if old == OldRecords::Discard {
                fields.0.insert("discarded".to_owned(), discard(transaction, &new).await?.into());
            }
            let lost = stored_secret::delete_all(transaction).await?;
            if lost > 0 {
                fields.0.insert("secretsDeleted".to_owned(), lost.into());
            }
            let cursor = check_order(transaction, &new).await?;
            let entries = switch_key(transaction, &new, &actor, cursor, Action::ChainBegunAnew, fields).await?;
            seal::remove_all(transaction).await?;
            delivery::remove_seals(transaction).await?;
            Ok((entries, Touched::Nothing))
        })
    });
    begin.await
}

/// Checks what can be checked without the key. The marks of removed records are moved back to the end of the chain: an
/// attacker may have made them, and they must not allow records to be removed later.
async fn check_order(transaction: &WriteTransaction, new: &AuditKey) -> Result<ChainCursor, KeyChangeError> {
    let cursor = ChainCursor::begin_without_key(transaction, new).await?;
    let (mut cursor, ordered) = verify::entries(transaction, cursor, i64::MIN, None, |_| {}).await;
    let ordered = match ordered {
        Ok(()) => verify::records_have_entries(transaction, new).await,
        Err(error) => Err(error),
    };
    match ordered {
        Err(ProofError::Chain(error)) => Err(KeyChangeError::Disorder(error)),
        Err(ProofError::Database(error)) => Err(error.into()),
        Ok(()) => {
            for mark in cursor.marks.iter_mut().filter(|mark| mark.position > cursor.head.position) {
                (mark.position, mark.entry_mac) = (cursor.head.position, cursor.head.mac.clone());
                mark.digest.clone_from(&cursor.digest);
            }
            cursor.marks.retain(|mark| mark.position > 0);
            Ok(cursor)
        }
    }
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
