//! The known addresses of users, from which they logged in. Failed logins from unfamiliar addresses do not limit logins
//! from known ones.
//!
//! Addresses are stored as keyed digests. The number of rows per user is bounded; only the user's own logins replace
//! rows.

use chrono::TimeDelta;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait, entity::prelude::*, sea_query::OnConflict};
use serde::Serialize;

use crate::{clock, store::insert_all};

/// How long an address stays known after the last login.
const KNOWN_FOR: TimeDelta = TimeDelta::days(90);
/// A further address replaces the address with the oldest login.
const MAX_PER_USER: u64 = 32;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "login_addresses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i32,
    /// A keyed digest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub address: i64,
    pub last_login_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Time since this user's last login from this address. Runs the same statement for unknown users.
pub async fn last_login(
    db: &impl ConnectionTrait,
    user_id: Option<i32>,
    address: i64,
) -> Result<Option<TimeDelta>, DbErr> {
    let found = Entity::find_by_id((user_id.unwrap_or_default(), address)).all(db).await?.pop();
    let age = found.map(|found| clock::wall() - found.last_login_at);
    Ok(age.filter(|age| *age < KNOWN_FOR))
}

/// Stores new logins of users from addresses. Run it in a transaction.
pub async fn remember(db: &impl ConnectionTrait, logins: &[(i32, i64)]) -> Result<(), DbErr> {
    let row =
        |(user_id, address): &(i32, i64)| Model { user_id: *user_id, address: *address, last_login_at: clock::wall() };
    let mut rows: Vec<_> = logins.iter().map(row).collect();
    // Always in the same order, so that two servers do not deadlock.
    rows.sort_by_key(|row| (row.user_id, row.address));
    let update = OnConflict::columns([Column::UserId, Column::Address]).update_column(Column::LastLoginAt).to_owned();
    let mut user_ids: Vec<_> = rows.iter().map(|row| row.user_id).collect();
    user_ids.dedup();
    insert_all::<Entity>(db, rows, Some(update)).await?;
    for user_id in user_ids {
        let newest = Entity::find()
            .select_only()
            .column(Column::Address)
            .filter(Column::UserId.eq(user_id))
            .order_by_desc(Column::LastLoginAt)
            .order_by_asc(Column::Address)
            .limit(MAX_PER_USER);
        let others = Column::Address.not_in_subquery(newest.into_query());
        Entity::delete_many().filter(Column::UserId.eq(user_id)).filter(others).exec(db).await?;
    }
    Ok(())
}

/// Removes expired addresses and returns their number.
pub async fn clear(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let is_expired = Column::LastLoginAt.lt(clock::wall() - KNOWN_FOR);
    Ok(Entity::delete_many().filter(is_expired).exec(db).await?.rows_affected)
}
