//! The key that stored secrets are encrypted with: one row, encrypted with a key that is derived from the audit key. The
//! first secret creates it.

use sea_orm::{ActiveValue::Set, entity::prelude::*};

use super::{DecryptError, EncryptionKey};
use crate::store::WriteTransaction;

/// The id of the only row.
const ID: i32 = 1;
/// The associated data of the row.
const ASSOCIATED_DATA: &str = "data key";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub encrypted: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// Why there is no data key.
#[derive(Debug, thiserror::Error)]
pub enum DataKeyError {
    #[error("the data key of stored secrets cannot be decrypted")]
    Decrypt(#[from] DecryptError),
    #[error("the database does not answer")]
    Database(#[from] DbErr),
}

/// The data key; `None` before the first secret.
///
/// # Errors
/// `key` is not the one that it was encrypted with.
pub async fn find(db: &impl ConnectionTrait, key: &EncryptionKey) -> Result<Option<EncryptionKey>, DataKeyError> {
    match Entity::find_by_id(ID).one(db).await? {
        Some(row) => Ok(Some(key.decrypt_key(&row.encrypted, ASSOCIATED_DATA)?)),
        None => Ok(None),
    }
}

/// The data key, or a new one before the first secret.
///
/// # Errors
/// As [`find`].
pub async fn find_or_create(db: &WriteTransaction, key: &EncryptionKey) -> Result<EncryptionKey, DataKeyError> {
    if let Some(found) = find(db, key).await? {
        return Ok(found);
    }
    let data_key = EncryptionKey::random();
    let row = ActiveModel { id: Set(ID), encrypted: Set(key.encrypt_key(&data_key, ASSOCIATED_DATA)) };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(data_key)
}

/// Encrypts the data key with another key. One that `former` cannot decrypt stays as it is.
pub async fn change_key(db: &WriteTransaction, former: &EncryptionKey, new: &EncryptionKey) -> Result<(), DbErr> {
    let data_key = match find(db, former).await {
        Ok(Some(data_key)) => data_key,
        Ok(None) => return Ok(()),
        Err(DataKeyError::Decrypt(error)) => {
            tracing::warn!(%error, "the data key of stored secrets keeps its former key");
            return Ok(());
        }
        Err(DataKeyError::Database(error)) => return Err(error),
    };
    let encrypted = new.encrypt_key(&data_key, ASSOCIATED_DATA);
    ActiveModel { id: Set(ID), encrypted: Set(encrypted) }.update(db).await.map(drop)
}
