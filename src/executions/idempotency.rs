//! Idempotency keys: a client can send a run several times, and it executes once (the `Idempotency-Key` draft of the
//! IETF).

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

/// How long a key is valid.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// The action result of the run. The same key with another action result is an error.
    pub action_result: String,
    pub execution_id: Uuid,
    pub expires_at: DateTimeUtc,
    /// A MAC of the inputs of the run; `None` without inputs. The same key with other inputs is an error.
    pub inputs_mac: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn scope(&self) -> KeyScope {
        KeyScope(self.scope.clone())
    }
}

/// A client's key together with its caller, user and command, as SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyScope(String);

impl KeyScope {
    pub fn new(caller_id: i32, user_id: i32, command: &str, key: &str) -> Self {
        let mut digest = Sha256::new();
        for part in ["ExecuteUserCommand", &caller_id.to_string(), &user_id.to_string(), command, key] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        Self(hex::encode(digest.finalize()))
    }

    /// The lock that serializes the runs with this key.
    pub fn lock(&self) -> Lock<'_> {
        Lock::IdempotencyKey(&self.0)
    }

    /// The row that assigns the key to a run.
    pub fn into_row(self, usage: &KeyUsage<'_>) -> Model {
        Model {
            scope: self.0,
            action_result: usage.action_result.to_owned(),
            execution_id: usage.execution_id,
            expires_at: usage.time + LIFETIME,
            inputs_mac: usage.inputs_mac.map(str::to_owned),
        }
    }
}

/// The run that a key is used for.
pub struct KeyUsage<'a> {
    pub execution_id: Uuid,
    pub action_result: &'a str,
    pub inputs_mac: Option<&'a str>,
    /// When the key becomes valid.
    pub time: DateTimeUtc,
}

/// The rows of the keys that were used and have not expired.
pub async fn find_all(db: &impl ConnectionTrait, scopes: &[&KeyScope]) -> Result<Vec<Model>, DbErr> {
    let scopes = scopes.iter().map(|KeyScope(scope)| scope.as_str());
    let mut found = Entity::find().filter(Column::Scope.is_in(scopes)).all(db).await?;
    let now = clock::now();
    found.retain(|key| key.expires_at > now);
    Ok(found)
}

/// Stores keys, replacing expired ones.
///
/// # Errors
/// `RecordNotInserted`: another process has just used one of the keys.
pub async fn insert(db: &impl ConnectionTrait, keys: Vec<Model>) -> Result<(), DbErr> {
    let replace = OnConflict::column(Column::Scope)
        .update_columns([Column::ActionResult, Column::ExecutionId, Column::ExpiresAt, Column::InputsMac])
        .action_and_where(Expr::col((Entity, Column::ExpiresAt)).lte(clock::now()))
        .to_owned();
    let count = keys.len() as u64;
    let stored = insert_all::<Entity>(db, keys, Some(replace)).await?;
    if stored < count { Err(DbErr::RecordNotInserted) } else { Ok(()) }
}

/// Deletes keys, so that they can be used for other runs.
pub async fn free(db: &impl ConnectionTrait, scopes: Vec<KeyScope>) -> Result<(), DbErr> {
    if scopes.is_empty() {
        return Ok(());
    }
    let scopes = scopes.into_iter().map(|KeyScope(scope)| scope);
    Entity::delete_many().filter(Column::Scope.is_in(scopes)).exec(db).await.map(drop)
}

/// Deletes at most `limit` expired keys. The limit keeps the transaction short.
pub async fn clear_page(db: &impl ConnectionTrait, limit: u64) -> Result<u64, DbErr> {
    let expired =
        Entity::find().select_only().column(Column::Scope).filter(Column::ExpiresAt.lte(clock::now())).limit(limit);
    let cleared = Entity::delete_many().filter(Column::Scope.in_subquery(expired.into_query())).exec(db).await?;
    Ok(cleared.rows_affected)
}

/// Deletes the keys of these executions. They must have expired.
pub async fn clear_of(db: &impl ConnectionTrait, executions: Vec<Uuid>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ExecutionId.is_in(executions)).exec(db).await.map(drop)
}
