//! The table of stored secrets.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::{NotSet, Set},
    QueryOrder, QuerySelect,
    entity::prelude::*,
};
use secrecy::{ExposeSecret, SecretString};

use super::{DecryptError, EncryptionKey};
use crate::store::{ColumnValues, WriteTransaction, update_all};

/// Number of secrets that are read at once when their key changes.
const PAGE: u64 = 100;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stored_secrets")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub kind: SecretKind,
    /// The user of the secret; `None` for a secret of the whole installation.
    pub user_id: Option<i32>,
    /// Finds the secret among those of its kind and user. Several may have the same name.
    pub name: String,
    /// What is stored with the secret, without encryption, as JSON.
    pub properties: String,
    /// Encrypted by [`EncryptionKey`]. All other columns except the id are the associated data.
    pub encrypted: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "snake_case")]
pub enum SecretKind {
    /// The password of another service, for the whole installation.
    ServiceAuth,
    /// Credentials of a user for another system.
    UntrustedCredentials,
    /// Access and refresh tokens of another system.
    ExternalTokens,
    /// The key with which a client encrypts what it stores on a user's machine.
    LocalStorageKey,
}

impl SecretKind {
    /// The name in the database and in the audit chain.
    pub fn word(self) -> String {
        self.to_value()
    }
}

/// The columns that are stored with a secret, as its associated data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub kind: SecretKind,
    /// As [`Model::user_id`].
    pub user_id: Option<i32>,
    /// As [`Model::name`].
    pub name: String,
    /// As [`Model::properties`].
    pub properties: String,
}

impl Metadata {
    fn associated_data(&self) -> String {
        let Self { kind, user_id, name, properties } = self;
        serde_json::json!([kind.word(), user_id, name, properties]).to_string()
    }
}

impl Model {
    fn metadata(&self) -> Metadata {
        let Self { kind, user_id, name, properties, .. } = self;
        Metadata { kind: *kind, user_id: *user_id, name: name.clone(), properties: properties.clone() }
    }

    /// The secret itself.
    ///
    /// # Errors
    /// The key is another one, or the row was changed.
    pub fn decrypt(&self, key: &EncryptionKey) -> Result<SecretString, DecryptError> {
        let bytes = key.decrypt(&self.encrypted, &self.metadata().associated_data())?;
        Ok(SecretString::from(std::str::from_utf8(&bytes).map_err(|_| DecryptError)?))
    }
}

fn of_user(kind: SecretKind, user_id: Option<i32>) -> Select<Entity> {
    let of_user = match user_id {
        Some(id) => Column::UserId.eq(id),
        None => Column::UserId.is_null(),
    };
    Entity::find().filter(Column::Kind.eq(kind)).filter(of_user).order_by_asc(Column::Id)
}

/// The secrets of this kind and user with this name, oldest first.
pub async fn list(
    db: &impl ConnectionTrait,
    kind: SecretKind,
    user_id: Option<i32>,
    name: &str,
) -> Result<Vec<Model>, DbErr> {
    of_user(kind, user_id).filter(Column::Name.eq(name)).all(db).await
}

/// The ids of all secrets of this kind and user, oldest first.
pub async fn list_ids(db: &impl ConnectionTrait, kind: SecretKind, user_id: Option<i32>) -> Result<Vec<i32>, DbErr> {
    of_user(kind, user_id).select_only().column(Column::Id).into_tuple().all(db).await
}

/// The secret of this kind with this name, of any user.
pub async fn find_by_name(db: &impl ConnectionTrait, kind: SecretKind, name: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Kind.eq(kind)).filter(Column::Name.eq(name)).one(db).await
}

/// The secret of this kind with this id.
pub async fn find_by_id(db: &impl ConnectionTrait, kind: SecretKind, id: i32) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(Column::Kind.eq(kind)).one(db).await
}

/// Stores a secret; in the row with this id, if given.
pub async fn save(
    db: &WriteTransaction,
    key: &EncryptionKey,
    id: Option<i32>,
    metadata: Metadata,
    secret: &SecretString,
) -> Result<Model, DbErr> {
    let encrypted = key.encrypt(secret.expose_secret().as_bytes(), &metadata.associated_data());
    let Metadata { kind, user_id, name, properties } = metadata;
    let row = ActiveModel {
        id: id.map_or(NotSet, Set),
        kind: Set(kind),
        user_id: Set(user_id),
        name: Set(name),
        properties: Set(properties),
        encrypted: Set(encrypted),
    };
    if id.is_some() { row.update(db).await } else { row.insert(db).await }
}

/// Deletes secrets by id.
pub async fn delete(db: &WriteTransaction, ids: Vec<i32>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await.map(drop)
}

/// The number of stored secrets.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}

/// Encrypts all secrets with a new key. Those that `former` cannot decrypt stay as they are; returns their number.
pub async fn change_key(db: &WriteTransaction, former: &EncryptionKey, new: &EncryptionKey) -> Result<u64, DbErr> {
    let (mut last, mut unreadable) = (0, 0);
    loop {
        let page = Entity::find().filter(Column::Id.gt(last)).order_by_asc(Column::Id).limit(PAGE).all(db).await?;
        let Some(end) = page.last() else { return Ok(unreadable) };
        last = end.id;
        let mut encrypted = BTreeMap::new();
        for row in page {
            let Ok(secret) = row.decrypt(former) else {
                tracing::error!(id = row.id, "a stored secret cannot be read; it keeps the former key");
                unreadable += 1;
                continue;
            };
            let text = new.encrypt(secret.expose_secret().as_bytes(), &row.metadata().associated_data());
            encrypted.insert(row.id, ColumnValues::from([("encrypted", text.into())]));
        }
        update_all::<Entity>(db, encrypted).await?;
    }
}

/// Deletes all secrets, which cannot be decrypted without their key. Returns their number.
pub async fn delete_all(db: &WriteTransaction) -> Result<u64, DbErr> {
    Ok(Entity::delete_many().exec(db).await?.rows_affected)
}
