//! Telling another key of the chain apart at the start, before the chain is continued with it.

use sea_orm::{QuerySelect, entity::prelude::*};

use super::{AuditKey, NOWHERE, anchor};

/// Sets this apart from entries.
const KEY: &str = "key";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_keys")]
pub struct Model {
    /// HMAC-SHA-256 over nothing but what it is for, in hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mac: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a key is to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// The chain was begun with it.
    Known,
    /// The chain was begun with another one.
    Other,
    /// No key is known: it may become the key of the chain.
    First,
}

/// What this key is to the chain.
///
/// # Errors
/// The database does not answer.
pub async fn standing(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyStanding, DbErr> {
    Ok(match Entity::find().all(db).await?.pop() {
        Some(known) if known.mac == mac(key) => KeyStanding::Known,
        Some(_) => KeyStanding::Other,
        None => KeyStanding::First,
    })
}

/// Makes a key that of the chain. Run it in the transaction that found it to be the first.
///
/// # Errors
/// The database does not answer.
pub async fn begin(db: &impl ConnectionTrait, key: &AuditKey) -> Result<(), DbErr> {
    Entity::insert(ActiveModel::from(Model { mac: mac(key) })).exec_without_returning(db).await.map(drop)
}

/// Whether the chain was begun, so that no new key may be made for it.
///
/// # Errors
/// The database does not answer.
pub async fn is_begun(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let is_known = Entity::find().one(db).await?.is_some();
    Ok(is_known || super::Entity::find().one(db).await?.is_some() || anchor::find(db).await?.is_some())
}

/// Whether the chain has an entry. It asks for nothing that an old schema does not have.
///
/// # Errors
/// The database does not answer, or never had a chain.
pub async fn has_entries(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let query = super::Entity::find().select_only().column(super::Column::Id).limit(1);
    Ok(!query.into_tuple::<Uuid>().all(db).await?.is_empty())
}

fn mac(key: &AuditKey) -> String {
    key.bind(NOWHERE, &[KEY])
}
