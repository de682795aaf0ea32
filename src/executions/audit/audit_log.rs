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
    vault::{
        EncryptionKey,
        data_key::{self, DataKeyError},
    },
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

    /// The data key of stored secrets, as this snapshot sees it; `None` before the first secret.
    ///
    /// # Errors
    /// The audit key was changed, and this process does not have the new one.
    pub async fn data_key(&self, snapshot: &impl ConnectionTrait) -> Result<Option<EncryptionKey>, DataKeyError> {
        data_key::find(snapshot, &self.key.in_snapshot(snapshot).await?.vault_key()).await
    }

    /// The data key of stored secrets, created by the first secret.
    ///
    /// # Errors
    /// As [`Self::data_key`].
    pub async fn data_key_to_write(&self, transaction: &WriteTransaction) -> Result<EncryptionKey, DataKeyError> {
        data_key::find_or_create(transaction, &self.key.hold(transaction).await?.vault_key()).await
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
