//! Holding rows while something depends on them. SQLite has one writer, for whom nothing changes anyway.

use sea_orm::{QuerySelect, entity::prelude::*, sea_query::LockType};

use super::user::{Column, Entity};
use crate::store;

/// Holds a user who is about to be changed: nobody else changes them before the transaction ends.
///
/// # Errors
/// The database does not answer, or somebody else holds them for too long.
pub async fn lock(transaction: &impl ConnectionTrait, id: i32) -> Result<(), DbErr> {
    if store::lock::is_shared(transaction) {
        let row = Entity::find().select_only().column(Column::Id).filter(Column::Id.eq(id));
        row.lock(LockType::NoKeyUpdate).into_tuple::<i32>().all(transaction).await?;
    }
    Ok(())
}

/// Holds all users: whoever manages them does so alone, and no command changes one meanwhile.
///
/// # Errors
/// As [`lock`].
pub async fn lock_all(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    if store::lock::is_shared(transaction) {
        transaction.execute_unprepared("LOCK TABLE users IN EXCLUSIVE MODE").await?;
    }
    Ok(())
}
