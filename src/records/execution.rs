//! One run of a custom command on a user, whatever came of it.

use std::collections::HashSet;

use chrono::TimeDelta;
use sea_orm::{
    Condition, FromJsonQueryResult, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{ExprTrait, OnConflict},
};
use serde::{Deserialize, Serialize};

use crate::{clock::AHEAD, store::insert_all};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "executions")]
pub struct Model {
    /// A UUID of version 7: newer executions sort behind older ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: i32,
    pub caller_id: i32,
    pub command_name: String,
    /// SHA-256 of the definition that ran, in hexadecimal.
    pub definition_hash: String,
    pub action_result: String,
    pub outcome: Outcome,
    /// What the caller was told, without secrets.
    pub message: String,
    /// What each step did, as far as it ran.
    #[sea_orm(column_type = "Json")]
    pub steps: Steps,
    pub request_id: String,
    pub started_at: DateTimeUtc,
    /// When it ended; while it runs, when it is given up at the latest.
    pub finished_at: DateTimeUtc,
    /// The application that the call came through. An entry of the chain that was written before there were any has no
    /// such member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<i32>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What came of an attempt to run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The command waits for a confirmation; nothing ran.
    Asked,
    /// The caller answered that it shall not run.
    Declined,
    /// The caller may not run it on this user.
    Denied,
    /// It ran, and its effect is stored.
    Succeeded,
    /// It ran and could not do its work; its effect was undone.
    Failed,
    /// It waits for the answer of a webhook.
    Running,
    /// A webhook was called and gave no usable answer: whether it did anything is not known.
    Unknown,
}

impl Outcome {
    /// Its name, as it is stored and as clients know it.
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

/// The steps of an execution, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Steps(pub Vec<Step>);

/// One step of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name in the definition.
    pub name: String,
    /// What it had to say, without secrets.
    pub result: String,
}

/// Which executions are looked for. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub user_id: Option<i32>,
    pub command_name: Option<String>,
    pub caller_id: Option<i32>,
    pub outcome: Option<Outcome>,
    /// Started at this time or later.
    pub from: Option<DateTimeUtc>,
    /// Started before this time.
    pub to: Option<DateTimeUtc>,
    /// Older than this execution: where the page before ended.
    pub older_than: Option<Uuid>,
}

/// Stores executions, in the transaction of their effects.
///
/// # Errors
/// The database does not answer, or a caller or a user does not exist.
pub async fn insert(db: &impl ConnectionTrait, executions: Vec<Model>) -> Result<(), DbErr> {
    insert_all::<Entity>(db, executions, None).await.map(drop)
}

/// The execution with this id.
///
/// # Errors
/// The database does not answer.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// The executions with these ids, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn find_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids)).all(db).await
}

/// Those of the executions that run. No other transaction ends them before this one does.
///
/// # Errors
/// The database does not answer.
pub async fn lock_running(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<HashSet<Uuid>, DbErr> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found = Entity::find().select_only().columns([Column::Id, Column::Outcome]).filter(Column::Id.is_in(ids));
    let found: Vec<(Uuid, Outcome)> = found.lock_exclusive().into_tuple().all(db).await?;
    Ok(found.into_iter().filter(|(_, outcome)| *outcome == Outcome::Running).map(|(id, _)| id).collect())
}

/// The executions that run, of those that are given up by this time; all of them without one.
///
/// # Errors
/// The database does not answer.
pub async fn running(db: &impl ConnectionTrait, given_up_by: Option<DateTimeUtc>) -> Result<Vec<Model>, DbErr> {
    // Written out, since an index of a part of a table serves no parameter.
    let running = Condition::all().add(Expr::cust("outcome = 'running'"));
    let condition = running.add_option(given_up_by.map(|time| Column::FinishedAt.lte(time)));
    Entity::find().filter(condition).all(db).await
}

/// Writes how executions ended that had begun before.
///
/// # Errors
/// One of them does not run any more: `RecordNotUpdated`. Or the database does not answer.
pub async fn end(db: &impl ConnectionTrait, executions: Vec<Model>) -> Result<(), DbErr> {
    let count = executions.len() as u64;
    let end = OnConflict::column(Column::Id)
        .update_columns([Column::Outcome, Column::Message, Column::Steps, Column::FinishedAt])
        .action_and_where(Expr::col((Entity, Column::Outcome)).eq(Outcome::Running))
        .to_owned();
    if insert_all::<Entity>(db, executions, Some(end)).await? < count { Err(DbErr::RecordNotUpdated) } else { Ok(()) }
}

/// The newest executions that the filter lets through, newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(db: &impl ConnectionTrait, filter: Filter, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(condition(&filter)).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// How many executions the filter lets through.
///
/// # Errors
/// The database does not answer.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<u64, DbErr> {
    Entity::find().filter(condition(filter)).count(db).await
}

fn condition(filter: &Filter) -> Condition {
    Condition::all()
        .add_option(filter.user_id.map(|id| Column::UserId.eq(id)))
        .add_option(filter.command_name.as_ref().map(|name| Column::CommandName.eq(name)))
        .add_option(filter.caller_id.map(|id| Column::CallerId.eq(id)))
        .add_option(filter.outcome.map(|outcome| Column::Outcome.eq(outcome)))
        .add_option(filter.from.map(|time| Column::StartedAt.gte(time)))
        .add_option(filter.to.map(|time| Column::StartedAt.lt(time)))
        .add_option(filter.older_than.map(|id| Column::Id.lt(id)))
        // The same in other words, for the indices: ids begin with a time, and few executions do not succeed.
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

/// The least id of this time, unless no id has one so early.
fn first_id(time: DateTimeUtc) -> Option<Uuid> {
    let milliseconds = u128::try_from(time.timestamp_millis()).ok()?;
    // A UUID of version 7 begins with 48 bits of time.
    Some(Uuid::from_u128(milliseconds.min((1 << 48) - 1) << 80))
}

/// Removes executions. Whoever does this sees to it that the chain stays provable.
///
/// # Errors
/// The database does not answer, or a key still needs one of them.
pub(super) async fn remove_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<u64, DbErr> {
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await.map(|deleted| deleted.rows_affected)
}
