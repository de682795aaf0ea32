//! The record of one run of a custom command on a user.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use sea_orm::{
    Condition, FromJsonQueryResult, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{ExprTrait, OnConflict},
};
use serde::{Deserialize, Serialize};

use super::audit::{actor::Way, change::ChangedFields};
use crate::{clock::AHEAD, store::insert_all};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "executions")]
pub struct Model {
    /// A UUID of version 7, which sorts by creation time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: i32,
    pub caller_id: i32,
    pub command_name: String,
    /// SHA-256 of the definition that ran, in hexadecimal.
    pub definition_hash: String,
    pub action_result: String,
    pub outcome: Outcome,
    /// The message to the caller, without secrets.
    pub message: String,
    /// The results of the steps that ran.
    #[sea_orm(column_type = "Json")]
    pub steps: Steps,
    pub request_id: String,
    pub started_at: DateTimeUtc,
    /// When it ended; for a running execution, when it counts as abandoned.
    pub finished_at: DateTimeUtc,
    /// The application of the caller. Old entries of the chain do not have this member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<i32>,
    /// The way in which it was run. Old entries of the chain have neither this member nor the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// The user of the operating system who ran it on the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The inputs by name, without secrets. Entries without inputs do not have this member.
    #[sea_orm(column_type = "Json", nullable)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<RecordedInputs>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The outcome of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The caller was asked for a confirmation; nothing ran.
    Asked,
    /// The caller declined the confirmation.
    Declined,
    /// The caller is not authorized to run the command on this user.
    Denied,
    /// The command ran, and its effects are stored.
    Succeeded,
    /// The command failed, and its effects were rolled back.
    Failed,
    /// The command waits for the response of a webhook.
    Running,
    /// A webhook was called but gave no usable response, so its effect is unknown.
    Unknown,
}

impl Outcome {
    /// The name in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Declined => "declined",
            Self::Denied => "denied",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Unknown => "unknown",
        }
    }
}

/// The inputs of an execution by name, without secrets. A user, group or role has its id and its name at that time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct RecordedInputs(pub BTreeMap<String, serde_json::Value>);

/// The steps of an execution, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Steps(pub Vec<StepRecord>);

impl Steps {
    /// The fields that the steps changed, before the first step and after the last.
    pub fn changed_fields(self) -> (ChangedFields, ChangedFields) {
        let (mut before, mut after) = (ChangedFields::default(), ChangedFields::default());
        for step in self.0 {
            for (name, value) in step.before.0 {
                before.0.entry(name).or_insert(value);
            }
            after.0.extend(step.after.0);
        }
        ChangedFields::difference(before, after)
    }
}

/// One step of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The name in the definition.
    pub name: String,
    /// The result text, without secrets.
    pub result: String,
    /// The fields of the user that the step changed, before it. Old entries of the chain do not have this member, nor
    /// the next.
    #[serde(default, skip_serializing_if = "ChangedFields::is_empty")]
    pub before: ChangedFields,
    /// The fields of the user that the step changed, after it.
    #[serde(default, skip_serializing_if = "ChangedFields::is_empty")]
    pub after: ChangedFields,
}

/// A filter for executions. All given conditions must match.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    pub user_id: Option<i32>,
    pub command_name: Option<String>,
    pub caller_id: Option<i32>,
    pub outcome: Option<Outcome>,
    /// Started at or after this time.
    pub from: Option<DateTimeUtc>,
    /// Started before this time.
    pub to: Option<DateTimeUtc>,
    /// Only executions older than this id: the last id of the previous page.
    pub older_than: Option<Uuid>,
    /// The user who called, or on whom the command was run.
    pub concerns_user: Option<i32>,
    pub way: Option<Way>,
    /// Leave out running executions.
    pub only_ended: bool,
}

/// Stores executions. Run it in the transaction of their effects.
///
/// # Errors
/// A caller or user does not exist.
pub async fn insert(db: &impl ConnectionTrait, executions: Vec<Model>) -> Result<(), DbErr> {
    insert_all::<Entity>(db, executions, None).await.map(drop)
}

/// The execution with this id.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// The executions with these ids, unordered.
pub async fn find_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids)).all(db).await
}

/// Locks these executions and returns the ids of those that are running. No other transaction can end them before this
/// one ends.
pub async fn lock_running(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<HashSet<Uuid>, DbErr> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found = Entity::find().select_only().columns([Column::Id, Column::Outcome]).filter(Column::Id.is_in(ids));
    let found: Vec<(Uuid, Outcome)> = found.lock_exclusive().into_tuple().all(db).await?;
    Ok(found.into_iter().filter(|(_, outcome)| *outcome == Outcome::Running).map(|(id, _)| id).collect())
}

/// The running executions that count as abandoned at `given_up_by`; without a time, all running executions.
pub async fn running(db: &impl ConnectionTrait, given_up_by: Option<DateTimeUtc>) -> Result<Vec<Model>, DbErr> {
    // A literal, because a partial index is not used for a parameter.
    let running = Condition::all().add(Expr::cust("outcome = 'running'"));
    let condition = running.add_option(given_up_by.map(|time| Column::FinishedAt.lte(time)));
    Entity::find().filter(condition).all(db).await
}

/// Updates running executions with their outcome.
///
/// # Errors
/// `RecordNotUpdated`: one of them is no longer running.
pub async fn end(db: &impl ConnectionTrait, executions: Vec<Model>) -> Result<(), DbErr> {
    let count = executions.len() as u64;
    let end = OnConflict::column(Column::Id)
        .update_columns([Column::Outcome, Column::Message, Column::Steps, Column::FinishedAt])
        .action_and_where(Expr::col((Entity, Column::Outcome)).eq(Outcome::Running))
        .to_owned();
    if insert_all::<Entity>(db, executions, Some(end)).await? < count { Err(DbErr::RecordNotUpdated) } else { Ok(()) }
}

/// The executions that match the filter, newest first.
pub async fn list(db: &impl ConnectionTrait, filter: ExecutionFilter, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(condition(&filter)).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The number of executions that match the filter.
pub async fn count(db: &impl ConnectionTrait, filter: &ExecutionFilter) -> Result<u64, DbErr> {
    Entity::find().filter(condition(filter)).count(db).await
}

fn condition(filter: &ExecutionFilter) -> Condition {
    Condition::all()
        .add_option(filter.user_id.map(|id| Column::UserId.eq(id)))
        .add_option(filter.command_name.as_ref().map(|name| Column::CommandName.eq(name)))
        .add_option(filter.caller_id.map(|id| Column::CallerId.eq(id)))
        .add_option(filter.outcome.map(|outcome| Column::Outcome.eq(outcome)))
        .add_option(filter.from.map(|time| Column::StartedAt.gte(time)))
        .add_option(filter.to.map(|time| Column::StartedAt.lt(time)))
        .add_option(filter.older_than.map(|id| Column::Id.lt(id)))
        .add_option(
            filter.concerns_user.map(|id| Condition::any().add(Column::UserId.eq(id)).add(Column::CallerId.eq(id))),
        )
        .add_option(filter.way.map(|way| Column::Way.eq(way)))
        .add_option(filter.only_ended.then(|| Column::Outcome.ne(Outcome::Running)))
        // Redundant conditions for the indexes: ids begin with a time, and few executions do not succeed.
        .add_option(filter.from.and_then(first_id).map(|id| Column::Id.gte(id)))
        .add_option(
            filter
                .to
                .and_then(|time| first_id(time.checked_add_signed(AHEAD + TimeDelta::milliseconds(1))?))
                .map(|id| Column::Id.lt(id)),
        )
        .add_option(
            filter
                .outcome
                .filter(|outcome| *outcome != Outcome::Succeeded)
                .map(|_| Expr::cust("outcome <> 'succeeded'")),
        )
}

/// The smallest UUID of version 7 with this time; `None` before 1970.
fn first_id(time: DateTimeUtc) -> Option<Uuid> {
    let milliseconds = u128::try_from(time.timestamp_millis()).ok()?;
    // A UUID of version 7 begins with 48 bits of time.
    Some(Uuid::from_u128(milliseconds.min((1 << 48) - 1) << 80))
}

/// Deletes executions. The caller must keep the audit chain valid.
///
/// # Errors
/// An idempotency key still refers to one of them.
pub(super) async fn remove_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<u64, DbErr> {
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await.map(|deleted| deleted.rows_affected)
}
