//! Stores the failed logins of the last minute, so that the login rate limiter survives a restart.

use chrono::TimeDelta;
use sea_orm::{entity::prelude::*, sea_query::OnConflict};
use serde::Serialize;

use crate::{clock, store::insert_all};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "login_failures")]
pub struct Model {
    /// A keyed digest of an account, an address, or both.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: i64,
    pub failures: i32,
    pub last_failed_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The failures of a bucket. `age` is the time since the last failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub bucket: i64,
    pub count: usize,
    pub age: TimeDelta,
}

/// Inserts or replaces buckets. Run it in a transaction.
pub async fn save(db: &impl ConnectionTrait, buckets: &[Failures]) -> Result<(), DbErr> {
    let row = |Failures { bucket, count, age }: &Failures| Model {
        bucket: *bucket,
        failures: i32::try_from(*count).unwrap_or(i32::MAX),
        last_failed_at: clock::wall() - *age,
    };
    let mut rows: Vec<_> = buckets.iter().map(row).collect();
    // Always in the same order, so that two servers do not deadlock.
    rows.sort_by_key(|row| row.bucket);
    let update = OnConflict::column(Column::Bucket).update_columns([Column::Failures, Column::LastFailedAt]).to_owned();
    insert_all::<Entity>(db, rows, Some(update)).await.map(drop)
}

/// The buckets with a failure within the window.
pub async fn list(db: &impl ConnectionTrait, window: TimeDelta) -> Result<Vec<Failures>, DbErr> {
    let now = clock::wall();
    let rows = Entity::find().filter(Column::LastFailedAt.gt(now - window)).all(db).await?;
    let failures = rows.into_iter().map(|row| Failures {
        bucket: row.bucket,
        count: usize::try_from(row.failures).unwrap_or_default(),
        // The clock may have been set back.
        age: (now - row.last_failed_at).max(TimeDelta::zero()),
    });
    Ok(failures.collect())
}

/// Removes the buckets without a failure within the window.
pub async fn clear(db: &impl ConnectionTrait, window: TimeDelta) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::LastFailedAt.lte(clock::wall() - window)).exec(db).await.map(drop)
}
