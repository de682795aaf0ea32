//! Linking what was written without a place in the chain, where several processes write at once: one links for all, so
//! that nobody who executes waits for the chain.

use std::{collections::HashSet, time::Duration};

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*, sea_query::OnConflict};
use tokio::time::sleep;

use super::{
    AuditKey, Column, Entity, Head, Model, NOWHERE,
    fault::{Fault, Place, ProofError},
    head, walk,
};
use crate::store::{Lock, Store, Touched, WriteTransaction, insert_all, lock};

/// Sets an entry without a place apart from the key.
const ENTRY: &str = "entry";
/// How many are linked at once.
const PAGE: u64 = 1000;
/// How often to look for what is not linked yet.
const LOOK: Duration = Duration::from_millis(250);
/// How long to leave a database alone that does not answer.
const REST: Duration = Duration::from_secs(1);

/// Whether entries are written without a place, and linked later.
pub fn is_late(db: &impl ConnectionTrait) -> bool {
    lock::is_shared(db)
}

/// What shows that an entry without a place was written by somebody who has the key.
pub(super) fn seal(key: &AuditKey, content: &str) -> String {
    key.bind(NOWHERE, &[ENTRY, content])
}

fn is_sealed(key: &AuditKey, entry: &Model) -> bool {
    entry.mac.as_ref() == Some(&seal(key, &entry.content))
}

/// Links what is not linked, for as long as the process serves. Several processes may do so at once.
pub async fn keep_linking(store: Store, key: AuditKey) {
    let mut known = 0;
    loop {
        let pause = match link(&store, &key).await {
            Ok(forged) => {
                if forged > known {
                    tracing::error!(
                        forged,
                        "entries of the audit chain were not written with its key, and are left out"
                    );
                }
                known = forged;
                LOOK
            }
            Err(error) => {
                tracing::warn!(%error, "the audit chain was not continued, and is later");
                REST
            }
        };
        sleep(pause).await;
    }
}

/// Links everything that is not linked, unless somebody else does so now. How many entries cannot be, since they were
/// written without the key.
///
/// # Errors
/// The database does not answer.
pub async fn link(store: &Store, key: &AuditKey) -> Result<usize, DbErr> {
    let mut forged = 0;
    let mut after = Uuid::nil();
    while !unlinked(store.reader(), after, 1).await?.is_empty() {
        let key = key.clone();
        let page: Result<_, DbErr> = store
            .write(move |transaction| {
                Box::pin(async move { Ok((link_page(transaction, &key, after).await?, Touched::Nothing)) })
            })
            .await;
        let Some((last, others)) = page? else { break };
        after = last;
        forged += others;
    }
    Ok(forged)
}

/// Links a page behind this id: the last id of it, and how many entries of it cannot be linked. Nothing when there are none,
/// or another process links now.
async fn link_page(
    transaction: &WriteTransaction,
    key: &AuditKey,
    after: Uuid,
) -> Result<Option<(Uuid, usize)>, DbErr> {
    if !lock::try_take(transaction, Lock::AuditChain).await? {
        return Ok(None);
    }
    // The process that had the lock before may have linked them.
    let page = unlinked(transaction, after, PAGE).await?;
    let Some(last) = page.last().map(|entry| entry.id) else { return Ok(None) };
    let (sealed, others): (Vec<_>, Vec<_>) = page.into_iter().partition(|entry| is_sealed(key, entry));
    store_places(transaction, bind(key, head(transaction).await?, sealed)).await?;
    Ok(Some((last, others.len())))
}

async fn unlinked(db: &impl ConnectionTrait, after: Uuid, limit: u64) -> Result<Vec<Model>, DbErr> {
    let unlinked = Entity::find().filter(Column::Position.is_null()).filter(Column::Id.gt(after));
    unlinked.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// The executions of the entries that are linked later.
///
/// # Errors
/// One of these entries does not hold, or will never be linked; or the database does not answer.
pub(super) async fn told_later(db: &impl ConnectionTrait, key: &AuditKey) -> Result<HashSet<Uuid>, ProofError> {
    let mut told = HashSet::new();
    let mut after = Uuid::nil();
    loop {
        let page = unlinked(db, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(told) };
        after = last.id;
        for (entry, execution) in walk::with_executions(db, page).await? {
            let held = match is_sealed(key, &entry) {
                _ if !is_late(db) => Err("its entry has no position in the chain, where each gets one at once"),
                false => Err("its entry was changed, or not written with this key"),
                true => walk::told_execution(&entry, execution.as_ref()),
            };
            held.map_err(|reason| Fault::at(Place::Execution(entry.id), reason))?;
            told.insert(entry.id);
        }
    }
}

/// Gives entries their places, behind the head.
pub(super) fn bind(key: &AuditKey, mut head: Head, mut entries: Vec<Model>) -> Vec<Model> {
    for entry in &mut entries {
        let position = head.position + 1;
        let mac = key.bind(position, &[&head.mac, &entry.content]);
        head = Head { position, mac: mac.clone() };
        (entry.position, entry.mac) = (Some(position), Some(mac));
    }
    entries
}

async fn store_places(db: &impl ConnectionTrait, entries: Vec<Model>) -> Result<(), DbErr> {
    let place = OnConflict::column(Column::Id).update_columns([Column::Position, Column::Mac]).to_owned();
    insert_all::<Entity>(db, entries, Some(place)).await.map(drop)
}
