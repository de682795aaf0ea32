//! Checks at the start that the audit key is the one with which the chain was begun.

use sea_orm::{QuerySelect, entity::prelude::*};

use super::{
    anchor,
    key::{AuditKey, UNLINKED},
};

/// Distinguishes this MAC from those of entries.
const KEY: &str = "key";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_keys")]
pub struct Model {
    /// HMAC-SHA-256 over the constant `KEY`, in hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mac: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// The result of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// The chain was begun with this key.
    Known,
    /// The chain was begun with another key.
    Other,
    /// The chain has no key yet.
    First,
}

/// Compares a key with the key of the chain.
pub async fn check_key(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    Ok(match Entity::find().all(db).await?.pop() {
        Some(known) if known.mac == mac(key) => KeyCheck::Known,
        Some(_) => KeyCheck::Other,
        None => KeyCheck::First,
    })
}

/// Stores the key of a new chain. Run it in the transaction in which [`check_key`] returned `First`.
pub async fn begin(db: &impl ConnectionTrait, key: &AuditKey) -> Result<(), DbErr> {
    Entity::insert(ActiveModel::from(Model { mac: mac(key) })).exec_without_returning(db).await.map(drop)
}

/// Whether the chain was begun. Then no new key may be generated.
pub async fn is_begun(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let is_known = Entity::find().one(db).await?.is_some();
    Ok(is_known || super::Entity::find().one(db).await?.is_some() || anchor::find(db).await?.is_some())
}

/// Whether the chain has an entry. Works with old schemas, too.
///
/// # Errors
/// The database has no table of entries.
pub async fn has_entries(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let query = super::Entity::find().select_only().column(super::Column::Id).limit(1);
    Ok(!query.into_tuple::<Uuid>().all(db).await?.is_empty())
}

fn mac(key: &AuditKey) -> String {
    key.mac(UNLINKED, &[KEY])
}
