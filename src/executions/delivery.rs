//! The queue of webhooks that are delivered after the commit, and their states.

use chrono::TimeDelta;
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    Condition, QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};
use serde::Serialize;

use crate::{clock, store::insert_all};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// The header `webhook-id` of the request. Ids sort by creation time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub execution_id: Uuid,
    /// The name of the target.
    pub target: String,
    pub body: String,
    /// Timeout of one attempt.
    pub timeout_ms: i32,
    pub state: State,
    /// Number of failed attempts.
    pub attempts: i32,
    /// Time of the next attempt.
    pub due_at: DateTimeUtc,
    /// Set while a worker attempts the delivery: the time at which its claim expires.
    pub claimed_until: Option<DateTimeUtc>,
    /// Why the last attempt failed, for operators.
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// The [`super::audit::seal`] of the delivery; without it, the delivery is not sent. Set by
    /// [`super::ExecutionLog`].
    pub seal: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for its first or next attempt.
    Pending,
    /// The target accepted it.
    Delivered,
    /// All attempts failed, or the target rejected it for good.
    Dead,
}

impl State {
    /// The name in the database and the API.
    pub fn name(self) -> String {
        self.to_value()
    }
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryAttempt {
    Delivered,
    /// `next` is the time of the next attempt; without it, the delivery is dead.
    Failed {
        error: String,
        next: Option<DateTimeUtc>,
    },
    /// The attempt was not made and does not count.
    Postponed {
        to: DateTimeUtc,
    },
}

/// A filter for deliveries. All given conditions must match.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub state: Option<State>,
    pub target: Option<String>,
    pub execution_id: Option<Uuid>,
    /// Only deliveries older than this id: the last id of the previous page.
    pub older_than: Option<String>,
}

impl DeliveryFilter {
    fn condition(self) -> Condition {
        Condition::all()
            .add_option(self.state.map(|state| Column::State.eq(state)))
            .add_option(self.target.map(|target| Column::Target.eq(target)))
            .add_option(self.execution_id.map(|id| Column::ExecutionId.eq(id)))
            .add_option(self.older_than.map(|id| Column::Id.lt(id)))
    }
}

/// Stores deliveries. Run it in the transaction that they report.
pub async fn insert(db: &impl ConnectionTrait, deliveries: Vec<Model>) -> Result<(), DbErr> {
    insert_all::<Entity>(db, deliveries, None).await.map(drop)
}

/// The due deliveries without a valid claim, longest waiting first, except deliveries to these targets. Within a
/// transaction, rows that another transaction has locked are skipped.
pub async fn due(db: &impl ConnectionTrait, except: Vec<String>, limit: u64) -> Result<Vec<Model>, DbErr> {
    let now = clock::wall();
    let is_free = Condition::any().add(Column::ClaimedUntil.is_null()).add(Column::ClaimedUntil.lte(now));
    let is_due = Condition::all()
        .add(Column::State.eq(State::Pending))
        .add(Column::DueAt.lte(now))
        .add(is_free)
        .add(Column::Target.is_not_in(except));
    let due = Entity::find().filter(is_due).order_by_asc(Column::DueAt).limit(limit);
    due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).all(db).await
}

/// Claims deliveries for an attempt. The claim expires after `lease`, in case this process dies.
pub async fn claim(db: &impl ConnectionTrait, ids: Vec<String>, lease: TimeDelta) -> Result<(), DbErr> {
    let claim = Entity::update_many().col_expr(Column::ClaimedUntil, Expr::value(clock::wall() + lease));
    claim.filter(Column::Id.is_in(ids)).exec(db).await.map(drop)
}

/// Removes all claims. Only call it when no process that made one is alive.
pub async fn give_up_claims(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let free = Entity::update_many().col_expr(Column::ClaimedUntil, Expr::value(None::<DateTimeUtc>));
    free.filter(Column::ClaimedUntil.is_not_null()).exec(db).await.map(drop)
}

/// Records the result of an attempt.
pub async fn settle(db: &impl ConnectionTrait, delivery: &Model, attempt: DeliveryAttempt) -> Result<(), DbErr> {
    let mut row = ActiveModel { updated_at: Set(clock::wall()), claimed_until: Set(None), ..Default::default() };
    match attempt {
        DeliveryAttempt::Delivered => row.state = Set(State::Delivered),
        DeliveryAttempt::Postponed { to } => row.due_at = Set(to),
        DeliveryAttempt::Failed { error, next } => {
            row.attempts = Set(delivery.attempts.saturating_add(1));
            row.last_error = Set(Some(error));
            match next {
                Some(next) => row.due_at = Set(next),
                None => row.state = Set(State::Dead),
            }
        }
    }
    // A worker with an expired claim must not overwrite the result of another worker.
    let settle = Entity::update_many().set(row).filter(Column::Id.eq(&delivery.id));
    settle.filter(Column::State.eq(State::Pending)).exec(db).await.map(drop)
}

/// Marks deliveries that must not be sent as dead, without an attempt.
pub async fn refuse(db: &impl ConnectionTrait, ids: Vec<String>, reason: &str) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let dead = ActiveModel {
        state: Set(State::Dead),
        claimed_until: Set(None),
        last_error: Set(Some(reason.to_owned())),
        updated_at: Set(clock::wall()),
        ..Default::default()
    };
    let refuse = Entity::update_many().set(dead).filter(Column::Id.is_in(ids));
    refuse.filter(Column::State.eq(State::Pending)).exec(db).await.map(drop)
}

/// Stores the seal of a delivery without one.
pub async fn set_seal(db: &impl ConnectionTrait, id: &str, seal: String) -> Result<(), DbErr> {
    let sealed = Entity::update_many().col_expr(Column::Seal, Expr::value(seal)).filter(Column::Id.eq(id));
    sealed.filter(Column::Seal.is_null()).exec(db).await.map(drop)
}

/// Stores the seal of a delivery in place of another one.
pub(super) async fn replace_seal(db: &impl ConnectionTrait, id: &str, seal: String) -> Result<(), DbErr> {
    let sealed = Entity::update_many().col_expr(Column::Seal, Expr::value(seal));
    sealed.filter(Column::Id.eq(id)).exec(db).await.map(drop)
}

/// Removes the seals of delivered deliveries, which are not sent any more.
pub(super) async fn remove_seals_of_delivered(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let remove = Entity::update_many().col_expr(Column::Seal, Expr::value(None::<String>));
    remove.filter(Column::State.eq(State::Delivered)).filter(Column::Seal.is_not_null()).exec(db).await.map(drop)
}

/// Removes the seals of all deliveries. Those that are not delivered are not sent until they are sealed again.
pub(super) async fn remove_seals(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let remove = Entity::update_many().col_expr(Column::Seal, Expr::value(None::<String>));
    remove.filter(Column::Seal.is_not_null()).exec(db).await.map(drop)
}

/// Counts of undelivered deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub pending: u64,
    pub dead: u64,
    /// When the oldest pending delivery was created.
    pub oldest: Option<DateTimeUtc>,
}

/// Counts the undelivered deliveries.
pub async fn backlog(db: &impl ConnectionTrait) -> Result<Backlog, DbErr> {
    let rows = |state: State| Entity::find().filter(Column::State.eq(state));
    let oldest = rows(State::Pending).select_only().column_as(Column::CreatedAt.min(), "oldest");
    Ok(Backlog {
        pending: rows(State::Pending).count(db).await?,
        dead: rows(State::Dead).count(db).await?,
        oldest: oldest.into_tuple::<Option<DateTimeUtc>>().all(db).await?.pop().flatten(),
    })
}

/// The deliveries that match the filter, newest first.
pub async fn list(db: &impl ConnectionTrait, filter: DeliveryFilter, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(filter.condition()).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The delivery with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// Resets a dead delivery to pending, with the same id and all attempts left. Returns false when it is not dead.
pub async fn redrive(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    let now = clock::wall();
    let again = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Pending))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now));
    let redriven = again.filter(Column::Id.eq(id)).filter(Column::State.eq(State::Dead)).exec(db).await?;
    Ok(redriven.rows_affected > 0)
}

/// Deletes at most `limit` deliveries that were delivered or dead before this time. The limit keeps the transaction
/// short.
pub async fn clear_page(db: &impl ConnectionTrait, before: DateTimeUtc, limit: u64) -> Result<u64, DbErr> {
    let old = Entity::find().select_only().column(Column::Id).filter(Column::State.ne(State::Pending));
    let old = old.filter(Column::UpdatedAt.lt(before)).limit(limit);
    let cleared = Entity::delete_many().filter(Column::Id.in_subquery(old.into_query())).exec(db).await?;
    Ok(cleared.rows_affected)
}
