//! Checks that the audit key is the one of the chain.

use sea_orm::{DbBackend, QuerySelect, Statement, entity::prelude::*};

use super::{anchor, key::AuditKey};
use crate::store::{Lock, lock};

/// Distinguishes this MAC from those of entries.
const KEY: &str = "key";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_keys")]
pub struct Model {
    /// HMAC-SHA-256 over `since` and the constant `KEY`, in hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mac: String,
    /// The position of the first entry with this key; 0 for the first key of the chain.
    pub since: i64,
}

impl ActiveModelBehavior for ActiveModel {}

/// The result of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// This is the key of the chain, and makes its entries from this position on; from 0 if it is the first key.
    Known { since: i64 },
    /// The chain has another key.
    Other,
    /// The chain has no key yet.
    First,
}

/// Compares a key with the key of the chain.
pub async fn check_key(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    Ok(compare(Entity::find().one(db).await?, key))
}

/// As [`check_key`], and on PostgreSQL the key cannot change until the transaction ends.
pub(super) async fn hold_key(transaction: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    if !lock::has_multiple_writers(transaction) {
        return check_key(transaction, key).await;
    }
    // A function of the schema, because it takes the lock and then reads, in one round trip.
    let hold = "SELECT * FROM kommando_hold_audit_key($1)";
    let hold = Statement::from_sql_and_values(DbBackend::Postgres, hold, [Lock::AuditKey.number().into()]);
    Ok(compare(Entity::find().from_raw_sql(hold).one(transaction).await?, key))
}

fn compare(row: Option<Model>, key: &AuditKey) -> KeyCheck {
    match row {
        Some(Model { mac, since }) if mac == check_value(key, since) => KeyCheck::Known { since },
        Some(_) => KeyCheck::Other,
        None => KeyCheck::First,
    }
}

/// Stores the key of a new chain. Run it in the transaction in which [`check_key`] returned `First`.
pub async fn begin(db: &impl ConnectionTrait, key: &AuditKey) -> Result<(), DbErr> {
    replace(db, key, 0).await
}

/// Stores the key that makes the entries from this position on.
pub(super) async fn replace(db: &impl ConnectionTrait, key: &AuditKey, since: i64) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await?;
    let row = Model { mac: check_value(key, since), since };
    Entity::insert(ActiveModel::from(row)).exec_without_returning(db).await.map(drop)
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

/// Proves which key it is, without revealing it.
pub(super) fn check_value(key: &AuditKey, since: i64) -> String {
    key.mac(since, &[KEY])
}
