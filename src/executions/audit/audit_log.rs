//! Records changes in the transaction that makes them.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    actor::{Actor, Way},
    append,
    change::{Change, Entity, Model},
    current_key::CurrentKey,
    entry::{self, RecordKind},
    key_check,
};
use crate::{
    store::{WriteTransaction, insert_all},
    vault::EncryptionKey,
};

/// Records changes of users, roles, groups and applications, each with an entry in the chain.
#[derive(Clone, Debug)]
pub struct AuditLog {
    key: CurrentKey,
}

impl AuditLog {
    pub fn new(key: impl Into<CurrentKey>) -> Self {
        Self { key: key.into() }
    }

    /// Begins a new chain with this key, after all rows were deleted.
    pub async fn begin(&self, transaction: &WriteTransaction) -> Result<(), DbErr> {
        key_check::begin(transaction, &self.key.last_known(), 0).await
    }

    /// The key of the stored secrets that this snapshot has.
    ///
    /// # Errors
    /// The audit key was changed, and this process does not have the new one.
    pub async fn vault_key(&self, snapshot: &impl ConnectionTrait) -> Result<EncryptionKey, DbErr> {
        Ok(self.key.in_snapshot(snapshot).await?.vault_key())
    }

    /// The key of stored secrets, which cannot change until the transaction ends. Take it before reading or deleting
    /// stored secrets: their key changes with the audit key.
    ///
    /// # Errors
    /// As [`Self::vault_key`].
    pub async fn hold_vault_key(&self, transaction: &WriteTransaction) -> Result<EncryptionKey, DbErr> {
        Ok(self.key.hold(transaction).await?.vault_key())
    }

    /// Records changes. Run it in the transaction that makes them. After its commit, a server logs each
    /// change.
    pub async fn record(
        &self,
        transaction: &WriteTransaction,
        actor: &Actor,
        changes: Vec<Change>,
    ) -> Result<(), DbErr> {
        if changes.is_empty() {
            return Ok(());
        }
        let key = self.key.hold(transaction).await?;
        let rows: Vec<_> = changes.into_iter().map(|change| change.into_row(actor)).collect();
        let entry = |row: &Model| entry::Model::new(row.id, RecordKind::Change, row);
        append(transaction, &key, rows.iter().map(entry).collect::<Result<_, _>>()?).await?;
        let logged = rows.clone();
        insert_all::<Entity>(transaction, rows, None).await?;
        // The command line has no log: `kommando audit` shows its changes.
        if !matches!(actor.source.way, Way::CommandLine | Way::Import) {
            transaction.after_commit(move || logged.iter().for_each(log));
        }
        Ok(())
    }
}

fn log(Model { id, way, actor_id, actor_name, action, subject_type, subject_id, subject_name, .. }: &Model) {
    let (action, way, subject_type) = (action.word(), way.word(), subject_type.word());
    tracing::info!(%id, action, way, actor_id, actor_name, subject_type, subject_id, subject_name, "change recorded");
}
