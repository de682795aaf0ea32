//! The audit chain: each ended execution and each change of users has an entry, whose MAC covers the entry before. The
//! key is not in the database.
//!
//! Changing, removing or inserting a record without the key breaks the chain, and [`verify`] finds the position.
//! Removing records at the end leaves a valid shorter chain: compare its head with an earlier one. Running executions
//! and pending webhooks are not in the chain yet; they have a [`seal`].

pub mod actor;
pub mod anchor;
mod audit_log;
pub(super) mod chain_cursor;
mod chain_error;
pub mod change;
mod entry;
mod head;
mod key;
mod key_check;
mod linker;
mod record;
pub mod seal;
pub mod trail;
mod verify;

use sea_orm::{ConnectionTrait, DbErr, prelude::Uuid};

use crate::store::insert_all;

pub use actor::{Actor, Source, Way};
pub use anchor::Anchor;
pub use audit_log::AuditLog;
pub use chain_cursor::page as chain_page;
pub use chain_error::{ChainError, InvalidRecord, ProofError};
pub use change::{Action, Change, ChangedFields, Subject, SubjectType};
pub use entry::{ActiveModel, Column, Entity, Head, Model, count};
pub use head::head;
pub use key::{AuditKey, MIN_KEY_LENGTH};
pub use key_check::{KeyCheck, begin, check_key, has_entries, is_begun};
pub use linker::{keep_linking, link};
pub use record::{Record, entry_of};
pub use seal::{FORGED, UNSEALED, Unsealed, find_unsealed, remove_seals, running, seal_all, seal_runs};
pub use verify::{Sealed, Verification, verify};

/// Adds entries to the chain, in order: each the id and the content of its record. On SQLite they are linked in the same
/// transaction, on PostgreSQL later by [`link`].
pub async fn append(db: &impl ConnectionTrait, key: &AuditKey, contents: Vec<(Uuid, String)>) -> Result<(), DbErr> {
    if contents.is_empty() {
        return Ok(());
    }
    let is_late = linker::is_late(db);
    let entry = |(id, content): (Uuid, String)| {
        let mac = is_late.then(|| linker::seal(key, &content));
        Model { id, position: None, mac, content }
    };
    let mut entries: Vec<_> = contents.into_iter().map(entry).collect();
    if !is_late {
        entries = linker::link_after(key, head(db).await?, entries);
    }
    insert_all::<Entity>(db, entries, None).await.map(drop)
}
