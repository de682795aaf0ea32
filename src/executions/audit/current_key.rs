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
    /// Reads the key again from where the process got it; `None` if it cannot be read.
    load: Arc<dyn Fn() -> Option<AuditKey> + Send + Sync>,
}

/// The key of the chain was changed, and this process does not have the new one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the key of the audit chain was changed, and this process has the former one: put the new key into its file, or \
     restart the process with it. Until then nothing is written"
)]
struct KeyWasChanged;

impl CurrentKey {
    pub fn new(key: AuditKey, load: impl Fn() -> Option<AuditKey> + Send + Sync + 'static) -> Self {
        Self { key: Arc::new(RwLock::new(key)), load: Arc::new(load) }
    }

    /// The last known key, which may be a former one.
    pub fn get(&self) -> AuditKey {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key of the chain, which cannot change until the transaction ends.
    ///
    /// # Errors
    /// The key was changed, and this process does not have the new one.
    pub async fn hold(&self, transaction: &WriteTransaction) -> Result<AuditKey, DbErr> {
        let known = self.get();
        match key_check::hold_key(transaction, &known).await? {
            KeyCheck::Other => self.take_new(transaction).await,
            KeyCheck::Known { .. } | KeyCheck::First => Ok(known),
        }
    }

    /// The key of the chain in this snapshot.
    ///
    /// # Errors
    /// As [`Self::hold`].
    pub async fn read(&self, db: &impl ConnectionTrait) -> Result<AuditKey, DbErr> {
        let known = self.get();
        match key_check::check_key(db, &known).await? {
            KeyCheck::Other => self.take_new(db).await,
            KeyCheck::Known { .. } | KeyCheck::First => Ok(known),
        }
    }

    /// Takes the key from where the process got it, if it is the one of the chain.
    async fn take_new(&self, db: &impl ConnectionTrait) -> Result<AuditKey, DbErr> {
        let Some(new) = (self.load)() else { return Err(was_changed()) };
        match key_check::check_key(db, &new).await? {
            KeyCheck::Known { since } => {
                tracing::info!(position = since, "took the new key of the audit chain");
                *self.key.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
                Ok(new)
            }
            KeyCheck::Other | KeyCheck::First => Err(was_changed()),
        }
    }
}

/// A key that stays the same.
impl From<AuditKey> for CurrentKey {
    fn from(key: AuditKey) -> Self {
        Self::new(key, || None)
    }
}

impl fmt::Debug for CurrentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentKey")
    }
}

/// As a lost connection, because the process can write again once it has the key.
fn was_changed() -> DbErr {
    connection_lost(io::Error::other(KeyWasChanged))
}
