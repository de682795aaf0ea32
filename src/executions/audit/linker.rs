//! Links audit entries into the chain in the background. On PostgreSQL several processes write entries without a
//! position, and one process at a time links them, so that requests do not wait for the lock of the chain.

use std::{collections::HashSet, time::Duration};

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*, sea_query::OnConflict};
use tokio::time::sleep;

use super::{
    chain_error::{ChainError, InvalidRecord, ProofError},
    current_key::CurrentKey,
    entry::{Column, Entity, Head, Model},
    head::head,
    key::AuditKey,
    record,
};
use crate::store::{Lock, Store, Touched, WriteTransaction, insert_all, lock};

/// Entries per transaction.
const PAGE: u64 = 1000;
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Pause after a database error.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

/// Whether entries are written without a position and linked later.
pub fn is_late(db: &impl ConnectionTrait) -> bool {
    lock::has_multiple_writers(db)
}

fn is_sealed(key: &AuditKey, entry: &Model) -> bool {
    entry.has_its_digest() && entry.mac.as_ref() == Some(&entry.unlinked_mac(key))
}

/// Links new entries until the process ends. Several processes may run this at once.
pub async fn keep_linking(store: Store, key: CurrentKey) {
    let mut known = 0;
    loop {
        let pause = match link(&store, &key).await {
            Ok(forged) => {
                if forged > known {
                    tracing::error!(forged, "audit entries were not written with the audit key and are not linked");
                }
                known = forged;
                POLL_INTERVAL
            }
            Err(error) => {
                tracing::warn!(%error, "failed to link audit entries; retrying");
                ERROR_PAUSE
            }
        };
        sleep(pause).await;
    }
}

/// Links all unlinked entries, unless another process is linking. Returns the number of entries that cannot be linked,
/// because they were not written with the key.
pub async fn link(store: &Store, key: &CurrentKey) -> Result<usize, DbErr> {
    let mut forged = 0;
    let mut after = Uuid::nil();
    while !unlinked(store.reader(), after, 1).await?.is_empty() {
        let key = key.clone();
        let page: Result<_, DbErr> = store
            .write(move |transaction| {
                Box::pin(async move { Ok((link_page(transaction, &key, after).await?, Touched::Nothing)) })
            })
            .await;
        let Some((last, forged_in_page)) = page? else { break };
        after = last;
        forged += forged_in_page;
    }
    Ok(forged)
}

/// Links all unlinked entries in this transaction, which waits for another process that is linking. Returns as [`link`].
pub(super) async fn link_all(transaction: &WriteTransaction, key: &CurrentKey) -> Result<usize, DbErr> {
    lock::take(transaction, Lock::AuditChain).await?;
    let (mut after, mut forged) = (Uuid::nil(), 0);
    while let Some((last, forged_in_page)) = link_page(transaction, key, after).await? {
        after = last;
        forged += forged_in_page;
    }
    Ok(forged)
}

/// Links a page of entries after this id. Returns the last id of the page and the number of its entries that cannot be
/// linked; `None` when there are no more entries or another process is linking.
async fn link_page(
    transaction: &WriteTransaction,
    key: &CurrentKey,
    after: Uuid,
) -> Result<Option<(Uuid, usize)>, DbErr> {
    if !lock::try_take(transaction, Lock::AuditChain).await? {
        return Ok(None);
    }
    let key = key.hold(transaction).await?;
    // Read after taking the lock: the previous holder may have linked these entries.
    let page = unlinked(transaction, after, PAGE).await?;
    let Some(last) = page.last().map(|entry| entry.id) else { return Ok(None) };
    let (sealed, forged): (Vec<_>, Vec<_>) = page.into_iter().partition(|entry| is_sealed(&key, entry));
    store_positions(transaction, link_after(&key, head(transaction).await?, sealed)).await?;
    Ok(Some((last, forged.len())))
}

pub(super) async fn unlinked(db: &impl ConnectionTrait, after: Uuid, limit: u64) -> Result<Vec<Model>, DbErr> {
    let unlinked = Entity::find().filter(Column::Position.is_null()).filter(Column::Id.gt(after));
    unlinked.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// The ids of the records with an unlinked entry.
///
/// # Errors
/// One of these entries is invalid or will never be linked.
pub(super) async fn unlinked_records(db: &impl ConnectionTrait, key: &AuditKey) -> Result<HashSet<Uuid>, ProofError> {
    let mut ids = HashSet::new();
    let mut after = Uuid::nil();
    loop {
        let page = unlinked(db, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ids) };
        after = last.id;
        for (entry, found) in record::with_records(db, page).await? {
            let checked = match is_sealed(key, &entry) {
                _ if !is_late(db) => Err("its entry has no position in the chain; SQLite entries get one immediately"),
                false => Err("its entry was changed, or not written with this key"),
                true => record::check(&entry, found.as_ref()).map(drop),
            };
            checked.map_err(|reason| ChainError::at(InvalidRecord::Unlinked(entry.id), reason))?;
            ids.insert(entry.id);
        }
    }
}

/// Sets position and MAC of entries that follow the head.
pub(super) fn link_after(key: &AuditKey, mut head: Head, mut entries: Vec<Model>) -> Vec<Model> {
    for entry in &mut entries {
        let position = head.position + 1;
        let mac = entry.linked_mac(key, position, &head.mac);
        head = Head { position, mac: mac.clone() };
        (entry.position, entry.mac) = (Some(position), Some(mac));
    }
    entries
}

pub(super) async fn store_positions(db: &impl ConnectionTrait, entries: Vec<Model>) -> Result<(), DbErr> {
    let update = OnConflict::column(Column::Id).update_columns([Column::Position, Column::Mac]).to_owned();
    insert_all::<Entity>(db, entries, Some(update)).await.map(drop)
}
