//! The audit chain: each ended execution and each change of users has an entry, whose MAC covers the entry before. The
//! key is not in the database.
//!
//! Changing, removing or inserting a record without the key breaks the chain, and [`verify`] finds the position.
//! Removing records at the end leaves a valid shorter chain: compare its head with an earlier one. Running executions
//! and pending webhooks are not in the chain yet; they have a [`seal`].
//!
//! ```text
//! actor, change, audit_log           who changed what; recording it
//! entry, record, head, linker        the entries, what they record, and their order
//! chain_cursor, verify, scheduled    verification: step by step, of everything, on a schedule
//! anchor, mark                       sealed positions: the beginning after a removal, and what was done up to where
//! key, key_check, current_key        the key: its MACs, whether it is the one of the chain, the one of this process
//! key_change, lost_key               continuing with another key
//! seal                               rows that are not in the chain yet
//! trail                              listing executions and changes together
//! ```

pub mod actor;
pub mod anchor;
mod audit_log;
pub(super) mod chain_cursor;
mod chain_error;
pub mod change;
mod current_key;
mod entry;
mod head;
mod key;
mod key_change;
mod key_check;
mod linker;
mod lost_key;
pub mod mark;
mod record;
mod scheduled;
pub mod seal;
pub mod trail;
mod verify;

use sea_orm::{ConnectionTrait, DbErr};

use crate::store::insert_all;

pub use actor::{Actor, Source, Way};
pub use anchor::Anchor;
pub use audit_log::AuditLog;
pub use chain_cursor::page as chain_page;
pub use chain_error::{ChainError, InvalidRecord, ProofError};
pub use change::{Action, Change, ChangedFields, Subject, SubjectType};
pub use current_key::CurrentKey;
pub use entry::{ActiveModel, Column, Entity, Head, Model, RecordKind, count, remove_contents};
pub use head::head;
pub use key::{AuditKey, MIN_KEY_LENGTH, NO_POSITION};
pub use key_change::{FormerEntries, KeyChangeError, change_key, is_sealed_by_former};
pub use key_check::{KeyCheck, begin, check_key, has_entries, is_begun};
pub use linker::{keep_linking, link};
pub use lost_key::{OldRecords, begin_anew};
pub use mark::Mark;
pub use record::{Record, entry_of};
pub use scheduled::{LastVerification, VerificationInterval, VerificationStatus, verify_on_schedule};
pub use seal::{FORGED, UNSEALED, Unsealed, find_unsealed, remove_seals, running, seal_all, seal_runs};
pub use verify::{Sealed, Verification, verify};

/// Adds entries to the chain, in order. On SQLite they are linked in the same transaction, on PostgreSQL later by
/// [`link`].
pub async fn append(db: &impl ConnectionTrait, key: &AuditKey, mut entries: Vec<Model>) -> Result<(), DbErr> {
    if entries.is_empty() {
        return Ok(());
    }
    match linker::is_late(db) {
        true => entries.iter_mut().for_each(|entry| entry.mac = Some(entry.unlinked_mac(key))),
        false => entries = linker::link_after(key, head(db).await?, entries),
    }
    insert_all::<Entity>(db, entries, None).await.map(drop)
}
