//! Checks that the audit key is the one of the chain.

use sea_orm::{DbBackend, QueryOrder, QuerySelect, Statement, entity::prelude::*};

use super::{
    anchor::{self, Anchor},
    change,
    entry::Head,
    key::AuditKey,
};
use crate::store::{Lock, lock};

/// Distinguishes this MAC from those of entries.
const KEY: &str = "key";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_keys")]
pub struct Model {
    /// HMAC-SHA-256 over `since` and the constant `KEY`, in hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mac: String,
    /// The position of the first entry with this key; 0 for the first key of the chain.
    pub since: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The result of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// This is the key of the chain. It makes the entries from this position on; 0 if it is the first key.
    Known { first: i64 },
    /// The chain has another key.
    Other,
    /// The chain has no key yet.
    First,
}

/// Compares a key with the key of the chain.
pub async fn check_key(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    compare(db, Entity::find().one(db).await?, key).await
}

/// As [`check_key`], and on PostgreSQL the key cannot change until the transaction ends.
pub(super) async fn hold_key(transaction: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    if !lock::has_multiple_writers(transaction) {
        return check_key(transaction, key).await;
    }
    // A function of the schema, because it takes the lock and then reads, in one round trip.
    let hold = "SELECT * FROM kommando_hold_audit_key($1)";
    let hold = Statement::from_sql_and_values(DbBackend::Postgres, hold, [Lock::AuditKey.number().into()]);
    compare(transaction, Entity::find().from_raw_sql(hold).one(transaction).await?, key).await
}

async fn compare(db: &impl ConnectionTrait, row: Option<Model>, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    match row {
        Some(Model { mac, since }) if mac == check_value(key, since) => Ok(KeyCheck::Known { first: since }),
        Some(_) => Ok(KeyCheck::Other),
        None => check_by_entry(db, key).await,
    }
}

/// Recognizes the key of a chain by its newest entry, or by its anchor. The row of the key is missing if an older version
/// began the chain, or if the row was removed.
async fn check_by_entry(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, DbErr> {
    let linked = super::Entity::find().filter(super::Column::Position.is_not_null());
    let newest = linked.order_by_desc(super::Column::Position).limit(2).all(db).await?;
    let anchor = anchor::find(db).await?;
    let Some(entry) = newest.first() else {
        return Ok(match anchor {
            None => KeyCheck::First,
            Some(anchor) if anchor.check(key).is_ok() => KeyCheck::Known { first: 0 },
            Some(_) => KeyCheck::Other,
        });
    };
    let position = entry.position.unwrap_or_default();
    let before = match newest.get(1) {
        Some(before) => before.mac.clone().unwrap_or_default(),
        None => anchor.map_or_else(Head::origin, Anchor::claimed_head).mac,
    };
    if entry.mac.as_ref() != Some(&entry.linked_mac(key, position, &before)) {
        return Ok(KeyCheck::Other);
    }
    let Some(change) = change::last_of_key(db).await? else { return Ok(KeyCheck::Known { first: 0 }) };
    let change = super::Entity::find_by_id(change.id).one(db).await?;
    Ok(KeyCheck::Known { first: change.and_then(|entry| entry.position).unwrap_or_default() })
}

/// Stores the key of the chain, unless it is stored.
pub async fn begin(db: &impl ConnectionTrait, key: &AuditKey, first: i64) -> Result<(), DbErr> {
    if Entity::find().one(db).await?.is_some() {
        return Ok(());
    }
    let row = ActiveModel::from(Model { mac: check_value(key, first), since: first });
    Entity::insert(row).exec_without_returning(db).await.map(drop)
}

/// Stores the key that makes the entries from this position on.
pub(super) async fn replace(db: &impl ConnectionTrait, key: &AuditKey, first: i64) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await?;
    begin(db, key, first).await
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
pub(super) fn check_value(key: &AuditKey, first: i64) -> String {
    key.mac(first, &[KEY])
}
