//! The audit chain: the MAC of each execution record covers the previous record. The key is not in the database.
//!
//! Changing, removing or inserting a record without the key breaks the chain, and [`verify`] finds the position.
//! Removing records at the end leaves a valid shorter chain: compare its head with an earlier one. Running executions
//! and pending webhooks are not in the chain yet; they have a [`seal`].

pub mod anchor;
pub(super) mod chain_cursor;
mod chain_error;
mod entry;
mod head;
mod key;
mod key_check;
mod linker;
pub mod seal;
mod verify;

use sea_orm::{ConnectionTrait, DbErr};

use super::execution;
use crate::store::insert_all;

pub use anchor::Anchor;
pub use chain_error::{ChainError, InvalidRecord, ProofError};
pub use entry::{ActiveModel, Column, Entity, Head, Model, count};
pub use head::head;
pub use key::{AuditKey, MIN_KEY_LENGTH};
pub use key_check::{KeyCheck, begin, check_key, has_entries, is_begun};
pub use linker::{keep_linking, link};
pub use seal::{FORGED, UNSEALED, Unsealed, find_unsealed, remove_seals, running, seal_all, seal_runs};
pub use verify::{Sealed, Verification, verify};

/// Adds executions to the chain, in order. On SQLite they are linked in the same transaction, on PostgreSQL later by
/// [`link`].
pub async fn append(db: &impl ConnectionTrait, key: &AuditKey, executions: &[execution::Model]) -> Result<(), DbErr> {
    if executions.is_empty() {
        return Ok(());
    }
    let is_late = linker::is_late(db);
    let entry = |execution: &execution::Model| {
        let content = entry::content(execution)?;
        let mac = is_late.then(|| linker::seal(key, &content));
        Ok::<_, DbErr>(Model { id: execution.id, position: None, mac, content })
    };
    let mut entries = executions.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    if !is_late {
        entries = linker::link_after(key, head(db).await?, entries);
    }
    insert_all::<Entity>(db, entries, None).await.map(drop)
}
