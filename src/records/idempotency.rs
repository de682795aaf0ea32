//! Keys by which a client makes a run happen once, however often it is sent (the `Idempotency-Key` draft of the IETF).

use chrono::TimeDelta;
use sea_orm::{
    QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{ExprTrait, OnConflict},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    clock,
    store::{Lock, insert_all},
};

/// How long a key is kept.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// The answer that the run was asked with: the same key with another one is a mistake.
    pub action_result: String,
    pub execution_id: Uuid,
    pub expires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the key is good for.
    pub fn scope(&self) -> Scope {
        Scope(self.scope.clone())
    }
}

/// What a client's key is good for: one caller, one user, one command. As SHA-256, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(String);

impl Scope {
    pub fn new(caller_id: i32, user_id: i32, command: &str, key: &str) -> Self {
        let mut digest = Sha256::new();
        for part in ["ExecuteUserCommand", &caller_id.to_string(), &user_id.to_string(), command, key] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        Self(hex::encode(digest.finalize()))
    }

    /// What is done under this key, as others who may do it know it.
    pub fn lock(&self) -> Lock<'_> {
        Lock::IdempotencyKey(&self.0)
    }

    /// The row that holds the key to this execution from this time on.
    pub fn into_row(self, execution_id: Uuid, action_result: &str, time: DateTimeUtc) -> Model {
        let expires_at = time + LIFETIME;
        Model { scope: self.0, action_result: action_result.to_owned(), execution_id, expires_at }
    }
}

/// Those of the keys that were used and are still kept.
///
/// # Errors
/// The database does not answer.
pub async fn find_all(db: &impl ConnectionTrait, scopes: &[&Scope]) -> Result<Vec<Model>, DbErr> {
    let scopes = scopes.iter().map(|Scope(scope)| scope.as_str());
    let mut found = Entity::find().filter(Column::Scope.is_in(scopes)).all(db).await?;
    let now = clock::now();
    found.retain(|key| key.expires_at > now);
    Ok(found)
}

/// Stores keys, over those past their end.
///
/// # Errors
/// One of them is in use already, since another process was faster: `RecordNotInserted`. Or the database does not answer.
pub async fn insert(db: &impl ConnectionTrait, keys: Vec<Model>) -> Result<(), DbErr> {
    let replace = OnConflict::column(Column::Scope)
        .update_columns([Column::ActionResult, Column::ExecutionId, Column::ExpiresAt])
        .action_and_where(Expr::col((Entity, Column::ExpiresAt)).lte(clock::now()))
        .to_owned();
    let count = keys.len() as u64;
    let stored = insert_all::<Entity>(db, keys, Some(replace)).await?;
    if stored < count { Err(DbErr::RecordNotInserted) } else { Ok(()) }
}

/// Makes keys good for other runs.
///
/// # Errors
/// The database does not answer.
pub async fn free(db: &impl ConnectionTrait, scopes: Vec<Scope>) -> Result<(), DbErr> {
    if scopes.is_empty() {
        return Ok(());
    }
    let scopes = scopes.into_iter().map(|Scope(scope)| scope);
    Entity::delete_many().filter(Column::Scope.is_in(scopes)).exec(db).await.map(drop)
}

/// Clears away keys past their end: a page at most, so that nobody waits long to write.
///
/// # Errors
/// The database does not answer.
pub async fn clear_page(db: &impl ConnectionTrait, limit: u64) -> Result<u64, DbErr> {
    let past =
        Entity::find().select_only().column(Column::Scope).filter(Column::ExpiresAt.lte(clock::now())).limit(limit);
    let cleared = Entity::delete_many().filter(Column::Scope.in_subquery(past.into_query())).exec(db).await?;
    Ok(cleared.rows_affected)
}

/// Clears away the keys of these executions, which must be past their end.
///
/// # Errors
/// The database does not answer.
pub async fn clear_of(db: &impl ConnectionTrait, executions: Vec<Uuid>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ExecutionId.is_in(executions)).exec(db).await.map(drop)
}
