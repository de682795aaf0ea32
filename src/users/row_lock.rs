//! Row locks on users. SQLite needs none, because it has one write transaction at a time.

use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};

use super::user::{Column, Entity};
use crate::store::{self, Lock, WriteTransaction, id_in};

/// Locks a user. No other transaction can change the user before this one ends.
///
/// # Errors
/// Another transaction locks the user for too long.
pub async fn lock(transaction: &WriteTransaction, id: i32) -> Result<(), DbErr> {
    if store::lock::has_multiple_writers(transaction) {
        let row = Entity::find().select_only().column(Column::Id).filter(Column::Id.eq(id));
        row.lock(LockType::NoKeyUpdate).into_tuple::<i32>().all(transaction).await?;
    }
    Ok(())
}

/// Locks these users and returns the ids of the locked users: with `skip_locked`, users that another transaction has
/// locked are skipped.
///
/// # Errors
/// Another transaction locks one of them for too long.
pub async fn lock_rows(transaction: &impl ConnectionTrait, ids: &[i32], skip_locked: bool) -> Result<Vec<i32>, DbErr> {
    let rows = Entity::find().select_only().column(Column::Id).filter(id_in(transaction, Column::Id, ids));
    // In the order of their ids, so that two transactions do not deadlock.
    let rows = rows.order_by_asc(Column::Id);
    let rows = match skip_locked {
        true => rows.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked),
        false => rows.lock(LockType::NoKeyUpdate),
    };
    rows.into_tuple().all(transaction).await
}

/// Locks all users for user management, so that no command changes a user meanwhile. Takes `Lock::RoleChanges` before
/// it locks users; all code must keep this order, or transactions deadlock.
///
/// # Errors
/// As [`lock`].
pub async fn lock_table(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    store::lock::take(transaction, Lock::RoleChanges).await?;
    if store::lock::has_multiple_writers(transaction) {
        transaction.execute_unprepared("LOCK TABLE users IN EXCLUSIVE MODE").await?;
    }
    Ok(())
}
