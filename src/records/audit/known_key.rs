//! Telling another key of the chain apart at the start, before the chain is continued with it.

use sea_orm::entity::prelude::*;

use super::{AuditKey, NOWHERE};

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

/// Whether this is the key that the chain was begun with; the first one is. Run it in a transaction.
///
/// # Errors
/// The database does not answer.
pub async fn is_known_key(db: &impl ConnectionTrait, key: &AuditKey) -> Result<bool, DbErr> {
    let mac = key.bind(NOWHERE, &[KEY]);
    match Entity::find().all(db).await?.pop() {
        Some(known) => Ok(known.mac == mac),
        None => {
            Entity::insert(ActiveModel::from(Model { mac })).exec_without_returning(db).await?;
            Ok(true)
        }
    }
}
