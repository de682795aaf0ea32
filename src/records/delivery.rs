//! Webhooks that are delivered after the commit of what they tell of, and what became of each.

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

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// What the receiver knows as `webhook-id`; newer ones sort behind older ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub execution_id: Uuid,
    /// The name of its target.
    pub target: String,
    pub body: String,
    /// How long the target may take for one attempt.
    pub timeout_ms: i32,
    pub state: State,
    /// How often it was tried in vain.
    pub attempts: i32,
    /// When it is to be tried next.
    pub due_at: DateTimeUtc,
    /// Somebody tries it now, and is given up at this time.
    pub claimed_until: Option<DateTimeUtc>,
    /// Why the last attempt was in vain, for operators.
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// A MAC with the audit key over what is sent and where to: without it, nothing is. Stored as [`super::Ledger`] writes
    /// the delivery.
    pub seal: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is to be tried, for the first time or again.
    Pending,
    /// The target took it.
    Delivered,
    /// It was tried in vain for as long as it is, or the target wants no more.
    Dead,
}

impl State {
    /// Its name, as it is stored and as clients know it.
    pub fn name(self) -> String {
        self.to_value()
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Delivered,
    /// It was in vain; the time is that of the next attempt, if there is to be one.
    Failed {
        error: String,
        next: Option<DateTimeUtc>,
    },
    /// It was not made, and does not count.
    Postponed {
        to: DateTimeUtc,
    },
}

/// Which deliveries are looked for. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub target: Option<String>,
    pub execution_id: Option<Uuid>,
    /// Older than this one: where the page before ended.
    pub older_than: Option<String>,
}

impl Filter {
    fn condition(self) -> Condition {
        Condition::all()
            .add_option(self.state.map(|state| Column::State.eq(state)))
            .add_option(self.target.map(|target| Column::Target.eq(target)))
            .add_option(self.execution_id.map(|id| Column::ExecutionId.eq(id)))
            .add_option(self.older_than.map(|id| Column::Id.lt(id)))
    }
}

/// Stores deliveries, in the transaction of what they tell of.
///
/// # Errors
/// The database does not answer.
pub async fn insert(db: &impl ConnectionTrait, deliveries: Vec<Model>) -> Result<(), DbErr> {
    insert_all::<Entity>(db, deliveries, None).await.map(drop)
}

/// The deliveries that are due and that nobody tries, those that waited longest first, but none to these targets. In a
/// transaction, those that somebody else is about to claim are left out.
///
/// # Errors
/// The database does not answer.
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

/// Notes that a delivery is tried now. Whoever dies over it is given up when this time has passed.
///
/// # Errors
/// The database does not answer.
pub async fn claim(db: &impl ConnectionTrait, ids: Vec<String>, lease: TimeDelta) -> Result<(), DbErr> {
    let claim = Entity::update_many().col_expr(Column::ClaimedUntil, Expr::value(clock::wall() + lease));
    claim.filter(Column::Id.is_in(ids)).exec(db).await.map(drop)
}

/// Gives every claim up: nobody who made one is alive.
///
/// # Errors
/// The database does not answer.
pub async fn give_up_claims(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let free = Entity::update_many().col_expr(Column::ClaimedUntil, Expr::value(None::<DateTimeUtc>));
    free.filter(Column::ClaimedUntil.is_not_null()).exec(db).await.map(drop)
}

/// Notes how an attempt ended.
///
/// # Errors
/// The database does not answer.
pub async fn settle(db: &impl ConnectionTrait, delivery: &Model, attempt: Attempt) -> Result<(), DbErr> {
    let mut row = ActiveModel { updated_at: Set(clock::wall()), claimed_until: Set(None), ..Default::default() };
    match attempt {
        Attempt::Delivered => row.state = Set(State::Delivered),
        Attempt::Postponed { to } => row.due_at = Set(to),
        Attempt::Failed { error, next } => {
            row.attempts = Set(delivery.attempts.saturating_add(1));
            row.last_error = Set(Some(error));
            match next {
                Some(next) => row.due_at = Set(next),
                None => row.state = Set(State::Dead),
            }
        }
    }
    // Somebody who was given up comes too late to take back what another one achieved.
    let settle = Entity::update_many().set(row).filter(Column::Id.eq(&delivery.id));
    settle.filter(Column::State.eq(State::Pending)).exec(db).await.map(drop)
}

/// Gives up deliveries that must not be sent, without an attempt.
///
/// # Errors
/// The database does not answer.
pub async fn refuse(db: &impl ConnectionTrait, ids: Vec<String>, reason: &str) -> Result<(), DbErr> {
    if ids.is_empty() {
        return Ok(());
    }
    let refusal = ActiveModel {
        state: Set(State::Dead),
        claimed_until: Set(None),
        last_error: Set(Some(reason.to_owned())),
        updated_at: Set(clock::wall()),
        ..Default::default()
    };
    let refuse = Entity::update_many().set(refusal).filter(Column::Id.is_in(ids));
    refuse.filter(Column::State.eq(State::Pending)).exec(db).await.map(drop)
}

/// Stores the seal of a delivery that had none.
///
/// # Errors
/// The database does not answer.
pub async fn set_seal(db: &impl ConnectionTrait, id: &str, seal: String) -> Result<(), DbErr> {
    let sealed = Entity::update_many().col_expr(Column::Seal, Expr::value(seal)).filter(Column::Id.eq(id));
    sealed.filter(Column::Seal.is_null()).exec(db).await.map(drop)
}

/// What is still to be delivered, and what was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub pending: u64,
    pub dead: u64,
    /// When the oldest one that is pending was made.
    pub oldest: Option<DateTimeUtc>,
}

/// How much is still to be delivered.
///
/// # Errors
/// The database does not answer.
pub async fn backlog(db: &impl ConnectionTrait) -> Result<Backlog, DbErr> {
    let rows = |state: State| Entity::find().filter(Column::State.eq(state));
    let oldest = rows(State::Pending).select_only().column_as(Column::CreatedAt.min(), "oldest");
    Ok(Backlog {
        pending: rows(State::Pending).count(db).await?,
        dead: rows(State::Dead).count(db).await?,
        oldest: oldest.into_tuple::<Option<DateTimeUtc>>().all(db).await?.pop().flatten(),
    })
}

/// The newest deliveries that the filter lets through, newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(db: &impl ConnectionTrait, filter: Filter, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(filter.condition()).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The delivery with this id.
///
/// # Errors
/// The database does not answer.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// Has a dead delivery tried again from the beginning, under the same id. False when it is not dead.
///
/// # Errors
/// The database does not answer.
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

/// Clears away what was delivered, or given up, before this time: a page at most, so that nobody waits long to write.
///
/// # Errors
/// The database does not answer.
pub async fn clear_page(db: &impl ConnectionTrait, before: DateTimeUtc, limit: u64) -> Result<u64, DbErr> {
    let old = Entity::find().select_only().column(Column::Id).filter(Column::State.ne(State::Pending));
    let old = old.filter(Column::UpdatedAt.lt(before)).limit(limit);
    let cleared = Entity::delete_many().filter(Column::Id.in_subquery(old.into_query())).exec(db).await?;
    Ok(cleared.rows_affected)
}
