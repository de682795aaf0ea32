//! What a user shows in place of a password (contract §4): tickets, valid for six hours after the last use, and access
//! tokens, valid for one hour. Both are stored as a hash only.

use chrono::TimeDelta;
use sea_orm::{
    ActiveEnum, Condition, DbBackend, QueryOrder, QuerySelect, QueryTrait, Value,
    entity::prelude::*,
    sea_query::{Expr, LockBehavior, LockType},
};
use secrecy::{ExposeSecret, SecretString};

use super::{secret, user};
use crate::{clock, store::id_in};

/// How long a ticket lives after it was last used.
const TICKET_LIFETIME: TimeDelta = TimeDelta::hours(6);
/// How long an access token lives, used or not.
const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::seconds(3600);
/// The end is written forward only when it has moved by this much, so that most uses of a ticket write nothing.
const STRIDE: TimeDelta = TimeDelta::minutes(5);
/// How many tickets, and how many access tokens, a user has at most. One more ends the oldest of its kind.
pub const MOST_OF_A_KIND: u64 = 100;
/// How many a single log-in ends at most, so that it takes no longer where an older version left many more.
const MOST_ENDED_AT_ONCE: u64 = 500;
/// What the secret of a session's cookie begins with.
const SESSION_PREFIX: &str = "7S:";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    /// SHA-256 of the ticket, in hexadecimal. It names the ticket and does not prove anything.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub user_id: i32,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub kind: Kind,
    /// The application that it was issued through.
    pub application_id: Option<i32>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a log-in by a browser gets.
pub struct SessionSecrets {
    /// For the session's cookie, and good for nothing else.
    pub cookie: SecretString,
    /// The ticket of the session. It is made from the cookie's secret, which cannot be made from it.
    pub ticket: SecretString,
}

/// Where a page of tickets ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub created_at: DateTimeUtc,
    pub hash: String,
}

/// What was issued. The names are told to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "PascalCase")]
pub enum Kind {
    /// `7T:…`, for the scheme SoTicket: each use makes it live longer.
    Ticket,
    /// `8A:…`, for the scheme Bearer.
    AccessToken,
}

impl Kind {
    /// What every one of them begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ticket => "7T:",
            Self::AccessToken => "8A:",
        }
    }

    fn lifetime(self) -> TimeDelta {
        match self {
            Self::Ticket => TICKET_LIFETIME,
            Self::AccessToken => ACCESS_TOKEN_LIFETIME,
        }
    }
}

impl Model {
    /// The last use moved the end by enough to be written down.
    pub fn is_due_for_renewal(&self) -> bool {
        self.kind == Kind::Ticket && self.expires_at < clock::now() + TICKET_LIFETIME - STRIDE
    }

    /// It is of this kind and has not ended.
    pub fn is_valid(&self, kind: Kind, longest_life: TimeDelta) -> bool {
        self.kind == kind && self.end(longest_life) > clock::now()
    }

    /// When it ends: at the latest when it is as old as one may become, however often it was used.
    pub fn end(&self, longest_life: TimeDelta) -> DateTimeUtc {
        self.expires_at.min(self.created_at + longest_life)
    }
}

/// Makes a ticket for a user and notes the log-in. Run it in a transaction.
///
/// # Errors
/// The database does not answer, or no such user exists.
pub async fn issue(
    db: &impl ConnectionTrait,
    user_id: i32,
    application_id: Option<i32>,
) -> Result<(SecretString, Model), DbErr> {
    user::set_last_login(db, user_id).await?;
    let ticket = secret::make(Kind::Ticket.prefix());
    let row = insert(db, Kind::Ticket, &ticket, user_id, application_id).await?;
    Ok((ticket, row))
}

/// Makes a session for a user and notes the log-in: one row, which is found by the ticket. Run it in a transaction.
///
/// # Errors
/// The database does not answer, or no such user exists.
pub async fn issue_session(db: &impl ConnectionTrait, user_id: i32) -> Result<(SessionSecrets, Model), DbErr> {
    user::set_last_login(db, user_id).await?;
    let cookie = secret::make(SESSION_PREFIX);
    let ticket = secret::derive(&cookie, Kind::Ticket.prefix());
    let row = insert(db, Kind::Ticket, &ticket, user_id, None).await?;
    Ok((SessionSecrets { cookie, ticket }, row))
}

/// The ticket of the session with this secret in its cookie; nothing when the secret is of another kind.
pub fn of_session(cookie: &SecretString) -> Option<SecretString> {
    let is_session = cookie.expose_secret().starts_with(SESSION_PREFIX);
    is_session.then(|| secret::derive(cookie, Kind::Ticket.prefix()))
}

/// Makes an access token for a user who has logged in. Run it in a transaction.
///
/// # Errors
/// The database does not answer, or no such user exists.
pub async fn issue_access_token(
    db: &impl ConnectionTrait,
    user_id: i32,
    application_id: Option<i32>,
) -> Result<SecretString, DbErr> {
    let token = secret::make(Kind::AccessToken.prefix());
    insert(db, Kind::AccessToken, &token, user_id, application_id).await?;
    Ok(token)
}

async fn insert(
    db: &impl ConnectionTrait,
    kind: Kind,
    secret: &SecretString,
    user_id: i32,
    application_id: Option<i32>,
) -> Result<Model, DbErr> {
    let now = clock::now();
    let row = Model {
        hash: secret::hash(secret),
        user_id,
        created_at: now,
        expires_at: now + kind.lifetime(),
        kind,
        application_id,
    };
    make_room(db, kind, user_id).await?;
    Entity::insert(ActiveModel::from(row.clone())).exec_without_returning(db).await?;
    Ok(row)
}

/// Ends the user's oldest of this kind, so that there is room for one more. Reads an index from its newest entry on.
async fn make_room(db: &impl ConnectionTrait, kind: Kind, user_id: i32) -> Result<(), DbErr> {
    // Written out: SQLite prepares a statement with a bound LIMIT anew each time.
    let surplus = format!(
        "hash IN (SELECT hash FROM tickets WHERE user_id = ? AND kind = ? ORDER BY created_at DESC \
         LIMIT {MOST_ENDED_AT_ONCE} OFFSET {})",
        MOST_OF_A_KIND - 1
    );
    let surplus = match db.get_database_backend() {
        DbBackend::Postgres => surplus.replacen('?', "$1", 1).replacen('?', "$2", 1),
        _ => surplus,
    };
    let surplus = Expr::cust_with_values(surplus, [Value::from(user_id), kind.to_value().into()]);
    Entity::delete_many().filter(surplus).exec(db).await.map(drop)
}

/// Clears away a page of those past their end, but for rows that another transaction holds.
///
/// # Errors
/// The database does not answer.
pub async fn clear_page(db: &impl ConnectionTrait, limit: u64) -> Result<u64, DbErr> {
    let past = Entity::find().select_only().column(Column::Hash).filter(Column::ExpiresAt.lt(clock::now()));
    let past = past.limit(limit).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).into_query();
    let cleared = Entity::delete_many().filter(Column::Hash.in_subquery(past)).exec(db).await?;
    Ok(cleared.rows_affected)
}

/// What is named by this hash, whether or not it has ended.
///
/// # Errors
/// The database does not answer.
pub async fn find(db: &impl ConnectionTrait, hash: &str) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Hash.eq(hash)).all(db).await?.pop())
}

/// What was presented, whether or not it has ended.
///
/// # Errors
/// The database does not answer.
pub async fn find_presented(db: &impl ConnectionTrait, presented: &SecretString) -> Result<Option<Model>, DbErr> {
    find(db, &secret::hash(presented)).await
}

/// A page of what a user has that has not ended, newest first, from behind a place on.
///
/// # Errors
/// The database does not answer.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: i32,
    longest_life: TimeDelta,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let now = clock::now();
    let mut found = Vec::new();
    // A statement for each kind: either reads an index in its order, however many rows there are.
    for kind in [Kind::Ticket, Kind::AccessToken] {
        let is_alive = Condition::all()
            .add(Column::UserId.eq(user_id))
            .add(Column::Kind.eq(kind))
            .add(Column::ExpiresAt.gt(now))
            .add_option(now.checked_sub_signed(longest_life).map(|time| Column::CreatedAt.gt(time)))
            .add_option(after.map(is_behind));
        let page = Entity::find().filter(is_alive).order_by_desc(Column::CreatedAt).order_by_desc(Column::Hash);
        found.extend(page.limit(limit).all(db).await?);
    }
    found.sort_by(|one, other| (other.created_at, &other.hash).cmp(&(one.created_at, &one.hash)));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

fn is_behind(Place { created_at, hash }: &Place) -> Condition {
    let is_older = Condition::any().add(Column::CreatedAt.lt(*created_at)).add(Column::Hash.lt(hash));
    Condition::all().add(Column::CreatedAt.lte(*created_at)).add(is_older)
}

/// Writes a ticket's end forward: six hours from now.
///
/// # Errors
/// The database does not answer.
pub async fn renew(db: &impl ConnectionTrait, ticket: &Model) -> Result<(), DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(clock::now() + TICKET_LIFETIME))
        .filter(Column::Hash.eq(&ticket.hash));
    update.exec(db).await.map(drop)
}

/// Ends one.
///
/// # Errors
/// The database does not answer.
pub async fn revoke(db: &impl ConnectionTrait, hash: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Hash.eq(hash)).exec(db).await.map(drop)
}

/// Ends what was presented.
///
/// # Errors
/// The database does not answer.
pub async fn revoke_presented(db: &impl ConnectionTrait, presented: &SecretString) -> Result<(), DbErr> {
    revoke(db, &secret::hash(presented)).await
}

/// Ends every ticket and access token of these users.
///
/// # Errors
/// The database does not answer.
pub async fn revoke_all(db: &impl ConnectionTrait, user_ids: &[i32]) -> Result<(), DbErr> {
    if user_ids.is_empty() {
        return Ok(());
    }
    Entity::delete_many().filter(id_in(db, Column::UserId, user_ids)).exec(db).await.map(drop)
}
