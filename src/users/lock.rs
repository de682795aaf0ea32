//! Holding rows while something depends on them. SQLite has one writer, for whom nothing changes anyway.

use sea_orm::{
    QuerySelect,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};

use super::{
    together::Together,
    user::{Column, Entity},
};
use crate::store::{self, Lock, WriteTransaction, is_among};

/// Holds a user who is about to be changed: nobody else changes them before the transaction ends.
///
/// # Errors
/// The database does not answer, or somebody else holds them for too long.
pub async fn lock(transaction: &WriteTransaction, id: i32) -> Result<(), DbErr> {
    if store::lock::is_shared(transaction) && !Together::of(transaction).is_some_and(|together| together.holds(id)) {
        let row = Entity::find().select_only().column(Column::Id).filter(Column::Id.eq(id));
        row.lock(LockType::NoKeyUpdate).into_tuple::<i32>().all(transaction).await?;
    }
    Ok(())
}

/// Holds those of the users whom nobody else holds, and returns their ids.
///
/// # Errors
/// The database does not answer, or somebody holds all of them for too long, by [`lock_all`].
pub(super) async fn lock_free(transaction: &impl ConnectionTrait, ids: &[i32]) -> Result<Vec<i32>, DbErr> {
    let rows = Entity::find().select_only().column(Column::Id).filter(is_among(transaction, Column::Id, ids));
    rows.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked).into_tuple().all(transaction).await
}

/// Holds all users: whoever manages them does so alone, and no command changes one meanwhile. What changes who can log in
/// takes `Lock::Standing` before it locks users, here as elsewhere: in any other order, two would wait for each other.
///
/// # Errors
/// As [`lock`].
pub async fn lock_all(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    store::lock::take(transaction, Lock::Standing).await?;
    if store::lock::is_shared(transaction) {
        transaction.execute_unprepared("LOCK TABLE users IN EXCLUSIVE MODE").await?;
    }
    Ok(())
}
