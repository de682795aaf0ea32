//! The audit key of a running process, which takes a new key when the key of the chain was changed.

use std::{
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
};

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    key::AuditKey,
    key_check::{self, KeyCheck},
};
use crate::store::{WriteTransaction, connection_lost};

/// The audit key of a process. Clones share it.
#[derive(Clone)]
pub struct CurrentKey {
    key: Arc<RwLock<AuditKey>>,
    /// Reads the key again from where the process got it. The error says why it cannot be read.
    reload: Arc<dyn Fn() -> Result<AuditKey, String> + Send + Sync>,
}

/// The key of the chain was changed, and this process does not have the new one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the key of the audit chain was changed, and this process has the former one ({0}): put the new key into its file, or \
     restart the process with it. Until then nothing is written, and no stored secret is read"
)]
struct KeyWasChanged(String);

impl CurrentKey {
    pub fn new(key: AuditKey, reload: impl Fn() -> Result<AuditKey, String> + Send + Sync + 'static) -> Self {
        Self { key: Arc::new(RwLock::new(key)), reload: Arc::new(reload) }
    }

    /// The last known key, which may be a former one.
    pub fn last_known(&self) -> AuditKey {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key of the chain, which cannot change until the transaction ends.
    ///
    /// # Errors
    /// The key was changed, and this process does not have the new one.
    pub async fn hold(&self, transaction: &WriteTransaction) -> Result<AuditKey, DbErr> {
        let known = self.last_known();
        match key_check::hold_key(transaction, &known).await? {
            KeyCheck::Other => self.take_new(transaction).await,
            KeyCheck::Known { .. } | KeyCheck::First => Ok(known),
        }
    }

    /// The key of the chain, as this snapshot or connection sees it.
    ///
    /// # Errors
    /// As [`Self::hold`].
    pub async fn in_snapshot(&self, db: &impl ConnectionTrait) -> Result<AuditKey, DbErr> {
        let known = self.last_known();
        match key_check::check_key(db, &known).await? {
            KeyCheck::Other => self.take_new(db).await,
            KeyCheck::Known { .. } | KeyCheck::First => Ok(known),
        }
    }

    /// Takes the key from where the process got it, if it is the one of the chain.
    async fn take_new(&self, db: &impl ConnectionTrait) -> Result<AuditKey, DbErr> {
        let new = (self.reload)().map_err(was_changed)?;
        match key_check::check_key(db, &new).await? {
            KeyCheck::Known { first } => {
                tracing::info!(position = first, "took the new key of the audit chain");
                *self.key.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
                Ok(new)
            }
            KeyCheck::Other | KeyCheck::First => Err(was_changed("its file still has the former one".to_owned())),
        }
    }
}

/// A key that stays the same.
impl From<AuditKey> for CurrentKey {
    fn from(key: AuditKey) -> Self {
        Self::new(key, || Err("it has no file".to_owned()))
    }
}

impl fmt::Debug for CurrentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentKey")
    }
}

/// As a lost connection, because the process can write again once it has the key.
fn was_changed(reason: String) -> DbErr {
    connection_lost(io::Error::other(KeyWasChanged(reason)))
}
