//! Changes the key of the chain.
//!
//! The first entry with the new key has the digest of all entries before it. So these can be verified without the former
//! key, and a holder of the former key cannot change them.

use sea_orm::{ConnectionTrait, DbErr};
use serde_json::Value;

use super::{
    CurrentKey,
    actor::Actor,
    anchor,
    chain_cursor::ChainCursor,
    chain_error::{ChainError, ProofError},
    change::{self, Action, Change, ChangedFields, DIGEST, Subject, SubjectType},
    entry::{self, Head, RecordKind},
    key::AuditKey,
    key_check::{self, KeyCheck},
    linker,
    mark::{self, Mark, MarkName},
    seal, verify,
};
use crate::{
    clock,
    executions::delivery,
    store::{Lock, Store, Touched, WriteTransaction, insert_all, lock},
    vault::stored_secret,
};

/// Distinguishes the seal of a change of the key from other MACs.
const KEY_CHANGE: &str = "key change";
/// The field with the seal that the former key makes over the change.
const FORMER_SEAL: &str = "formerKeySeal";

/// Why the key of the chain was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("the chain has another key than before, or none")]
    NotTheKey,
    #[error("old records were removed meanwhile; run this again")]
    Meanwhile,
    #[error("{0} entries were not written with the key of the chain; see `kommando audit verify`")]
    Forged(usize),
    /// The key to begin with is the key of the chain.
    #[error(
        "this is the key of the chain, or the chain is empty: nothing is lost. To use another key, run `kommando audit \
         rekey`"
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

/// The entries before the new key.
#[derive(Clone, Debug)]
pub struct FormerEntries {
    pub count: i64,
    pub head: Head,
}

/// Verifies the chain, and continues it with a new key, which then also encrypts the stored secrets. `progress` gets the
/// number of verified entries of each page. Also returns the number of secrets that cannot be read; they stay as they are.
///
/// # Errors
/// The chain is not intact, or `former` is not its key.
pub async fn change_key(
    store: &Store,
    former: &AuditKey,
    new: &AuditKey,
    actor: &Actor,
    progress: impl FnMut(u64),
) -> Result<(FormerEntries, u64), KeyChangeError> {
    // What takes long is done without the locks, which stop all writers.
    let snapshot = store.begin_snapshot().await?;
    let cursor = ChainCursor::begin(&snapshot, former).await?.keeping_digest();
    let (cursor, verified) = verify::everything(&snapshot, cursor, None, progress).await;
    verified?;
    drop(snapshot);
    delivery::remove_seals_of_delivered(store.writer()).await?;
    let (former, new, actor) = (former.clone(), new.clone(), actor.clone());
    let change = store.write_alone(Lock::AuditChain, move |transaction| {
        Box::pin(async move {
            lock::take(transaction, Lock::AuditKey).await?;
            if !matches!(key_check::check_key(transaction, &former).await?, KeyCheck::Known { .. }) {
                return Err(KeyChangeError::NotTheKey);
            }
            if !has_same_beginning(transaction, &cursor).await? {
                return Err(KeyChangeError::Meanwhile);
            }
            let forged = linker::link_all(transaction, &CurrentKey::from(former.clone())).await?;
            if forged > 0 {
                return Err(KeyChangeError::Forged(forged));
            }
            let (cursor, verified) = verify::newer(transaction, cursor, |_| {}).await;
            verified?;
            let running = seal::running(transaction, &former, None).await?.sealed;
            let mut fields = ChangedFields::from([(FORMER_SEAL, seal_by_former(&former, &new, &cursor.head).into())]);
            let unreadable = stored_secret::change_key(transaction, &former.vault_key(), &new.vault_key()).await?;
            if unreadable > 0 {
                fields.0.insert("secretsUnreadable".to_owned(), unreadable.into());
            }
            let entries = switch_key(transaction, &new, &actor, cursor, Action::KeyChanged, fields).await?;
            seal::remove_all(transaction).await?;
            seal::seal_runs(transaction, &new, &running).await?;
            delivery::remove_seals_of_delivered(transaction).await?;
            seal::change_key_of_deliveries(transaction, &former, &new).await?;
            Ok(((entries, unreadable), Touched::Nothing))
        })
    });
    change.await
}

/// Whether the anchor and the marks of removed records are those of the cursor.
async fn has_same_beginning(db: &impl ConnectionTrait, cursor: &ChainCursor) -> Result<bool, DbErr> {
    let places = |marks: &[Mark]| {
        let removed = marks.iter().filter(|mark| mark.name != MarkName::Verified);
        let mut places: Vec<_> = removed.map(|mark| (mark.position, mark.mac.clone())).collect();
        places.sort();
        places
    };
    let is_same_anchor = anchor::find(db).await? == cursor.anchor;
    Ok(is_same_anchor && places(&mark::list(db).await?) == places(&cursor.marks))
}

fn seal_by_former(former: &AuditKey, new: &AuditKey, head: &Head) -> String {
    let first = head.position + 1;
    former.mac(first, &[KEY_CHANGE, &head.mac, &key_check::check_value(new, first)])
}

/// Whether a change of the key at this position was sealed by this former key.
pub fn is_sealed_by_former(former: &AuditKey, new: &AuditKey, change: &change::Model) -> bool {
    let head = change.after.0.get("head").and_then(|head| head.as_str()?.parse::<Head>().ok());
    let seal = head.map(|head| Value::from(seal_by_former(former, new, &head)));
    seal.is_some_and(|seal| change.after.0.get(FORMER_SEAL) == Some(&seal))
}

/// Adds the first entry with the new key after the verified ones, and makes the anchor and the marks with it.
pub(super) async fn switch_key(
    transaction: &WriteTransaction,
    new: &AuditKey,
    actor: &Actor,
    cursor: ChainCursor,
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
    anchor::replace(transaction, cursor.anchor.map(|anchor| anchor.with_key(new))).await?;
    mark::clear(transaction).await?;
    let removed = cursor.marks.into_iter().filter(|mark| mark.name != MarkName::Verified);
    for mark in removed {
        mark::put(transaction, mark.with_key(new)).await?;
    }
    if former.head != Head::origin() {
        let (head, now) = (former.head.clone(), clock::now_in_micros());
        mark::put(transaction, Mark::new(new, MarkName::Verified, head, cursor.digest, now)).await?;
    }
    key_check::replace(transaction, new, former.head.position + 1).await?;
    Ok(former)
}
