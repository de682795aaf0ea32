//! Locks on users. SQLite needs none: one transaction writes at a time.

use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};

use super::user::{Column, Entity};
use crate::store::{self, Lock, WriteTransaction, id_in};

/// Locks a user who is about to be changed: no other transaction changes the user before this one ends.
///
/// # Errors
/// The database does not answer, or another transaction holds the user for too long.
pub async fn lock(transaction: &WriteTransaction, id: i32) -> Result<(), DbErr> {
    if store::lock::is_shared(transaction) {
        let row = Entity::find().select_only().column(Column::Id).filter(Column::Id.eq(id));
        row.lock(LockType::NoKeyUpdate).into_tuple::<i32>().all(transaction).await?;
    }
    Ok(())
}

/// Locks these users, and returns the ids of those that are locked: all of them, or those that no other transaction has
/// locked now.
///
/// # Errors
/// The database does not answer, or another transaction holds one of them for too long.
pub async fn lock_some(transaction: &impl ConnectionTrait, ids: &[i32], skip_locked: bool) -> Result<Vec<i32>, DbErr> {
    let rows = Entity::find().select_only().column(Column::Id).filter(id_in(transaction, Column::Id, ids));
    // In the order of their ids, so that two do not wait for each other.
    let rows = rows.order_by_asc(Column::Id);
    let rows = match skip_locked {
        true => rows.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked),
        false => rows.lock(LockType::NoKeyUpdate),
    };
    rows.into_tuple().all(transaction).await
}

/// Locks all users, for user management: no command changes a user meanwhile. What changes who can log in
/// takes `Lock::RoleChanges` before it locks users, here as elsewhere: in any other order, two would wait for each other.
///
/// # Errors
/// As [`lock`].
pub async fn lock_table(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    store::lock::take(transaction, Lock::RoleChanges).await?;
    if store::lock::is_shared(transaction) {
        transaction.execute_unprepared("LOCK TABLE users IN EXCLUSIVE MODE").await?;
    }
    Ok(())
}
