//! Tickets, valid for six hours after the last use, and access tokens, valid for one hour (docs/upstream.md §4). Only
//! their hashes are stored.

use chrono::TimeDelta;
use sea_orm::{
    ActiveEnum, Condition, DbBackend, QueryOrder, QuerySelect, QueryTrait, Value,
    entity::prelude::*,
    sea_query::{Expr, LockBehavior, LockType},
};
use secrecy::{ExposeSecret, SecretString};

use super::{token, user};
use crate::{clock, store::id_in};

/// After the last use.
const TICKET_LIFETIME: TimeDelta = TimeDelta::hours(6);
/// After its creation.
const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::seconds(3600);
/// The expiry is extended only when it moves by at least this much, so that most uses of a ticket write nothing.
const RENEWAL_STEP: TimeDelta = TimeDelta::minutes(5);
/// Maximum number of tickets, and of access tokens, per user. A further one deletes the oldest of its kind.
pub const MAX_TICKETS_OF_A_KIND: u64 = 100;
/// Maximum number that a single login deletes, so that it stays fast when an older version left many more.
const MAX_DELETED_AT_ONCE: u64 = 500;
/// The prefix of the secret in a session cookie.
const SESSION_PREFIX: &str = "7S:";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    /// SHA-256 of the ticket, in hexadecimal. It identifies the ticket but cannot be used to authenticate.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub user_id: i32,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub kind: Kind,
    /// The application that requested it.
    pub application_id: Option<i32>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The secrets of a new browser session.
pub struct SessionSecrets {
    /// The secret in the session cookie.
    pub cookie: SecretString,
    /// The session's ticket. It is derived from the cookie's secret; the reverse is impossible.
    pub ticket: SecretString,
}

/// The last row of a page of tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketPosition {
    pub created_at: DateTimeUtc,
    pub hash: String,
}

/// Ticket or access token. The names are part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "PascalCase")]
pub enum Kind {
    /// `7T:…`, for the scheme SoTicket. Each use extends it.
    Ticket,
    /// `8A:…`, for the scheme Bearer.
    AccessToken,
}

impl Kind {
    /// The prefix of all secrets of this kind.
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
    /// Whether a use now must extend the stored expiry.
    pub fn is_due_for_renewal(&self) -> bool {
        self.kind == Kind::Ticket && self.expires_at < clock::now() + TICKET_LIFETIME - RENEWAL_STEP
    }

    /// Whether it has this kind and has not expired.
    pub fn is_valid(&self, kind: Kind, longest_life: TimeDelta) -> bool {
        self.kind == kind && self.end(longest_life) > clock::now()
    }

    /// When it expires. `longest_life` is the maximum age, however often it is used.
    pub fn end(&self, longest_life: TimeDelta) -> DateTimeUtc {
        self.expires_at.min(self.created_at + longest_life)
    }
}

/// Issues a ticket and records the login. Run it in a transaction.
///
/// # Errors
/// The user does not exist.
pub async fn issue(
    db: &impl ConnectionTrait,
    user_id: i32,
    application_id: Option<i32>,
) -> Result<(SecretString, Model), DbErr> {
    user::set_last_login(db, user_id).await?;
    let ticket = token::generate(Kind::Ticket.prefix());
    let row = insert(db, Kind::Ticket, &ticket, user_id, application_id).await?;
    Ok((ticket, row))
}

/// Issues a session and records the login. A session is stored as the row of its ticket. Run it in a transaction.
///
/// # Errors
/// The user does not exist.
pub async fn issue_session(db: &impl ConnectionTrait, user_id: i32) -> Result<(SessionSecrets, Model), DbErr> {
    user::set_last_login(db, user_id).await?;
    let cookie = token::generate(SESSION_PREFIX);
    let ticket = token::derive(&cookie, Kind::Ticket.prefix());
    let row = insert(db, Kind::Ticket, &ticket, user_id, None).await?;
    Ok((SessionSecrets { cookie, ticket }, row))
}

/// The ticket of the session with this cookie secret; `None` if the secret is not that of a session.
pub fn of_session(cookie: &SecretString) -> Option<SecretString> {
    let is_session = cookie.expose_secret().starts_with(SESSION_PREFIX);
    is_session.then(|| token::derive(cookie, Kind::Ticket.prefix()))
}

/// Issues an access token for an authenticated user. Run it in a transaction.
///
/// # Errors
/// The user does not exist.
pub async fn issue_access_token(
    db: &impl ConnectionTrait,
    user_id: i32,
    application_id: Option<i32>,
) -> Result<SecretString, DbErr> {
    let token = token::generate(Kind::AccessToken.prefix());
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
        hash: token::hash(secret),
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

/// Deletes the user's oldest rows of this kind, so that there is room for a new one. Reads an index, newest entries
/// first.
async fn make_room(db: &impl ConnectionTrait, kind: Kind, user_id: i32) -> Result<(), DbErr> {
    // Literal limits, because SQLite prepares a statement with a bound LIMIT again each time.
    let surplus = format!(
        "hash IN (SELECT hash FROM tickets WHERE user_id = ? AND kind = ? ORDER BY created_at DESC \
         LIMIT {MAX_DELETED_AT_ONCE} OFFSET {})",
        MAX_TICKETS_OF_A_KIND - 1
    );
    let surplus = match db.get_database_backend() {
        DbBackend::Postgres => surplus.replacen('?', "$1", 1).replacen('?', "$2", 1),
        _ => surplus,
    };
    let surplus = Expr::cust_with_values(surplus, [Value::from(user_id), kind.to_value().into()]);
    Entity::delete_many().filter(surplus).exec(db).await.map(drop)
}

/// Deletes at most `limit` expired rows. Skips rows that another transaction has locked.
pub async fn clear_page(db: &impl ConnectionTrait, limit: u64) -> Result<u64, DbErr> {
    let expired = Entity::find().select_only().column(Column::Hash).filter(Column::ExpiresAt.lt(clock::now()));
    let expired = expired.limit(limit).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).into_query();
    let cleared = Entity::delete_many().filter(Column::Hash.in_subquery(expired)).exec(db).await?;
    Ok(cleared.rows_affected)
}

/// The row with this hash, expired or not.
pub async fn find(db: &impl ConnectionTrait, hash: &str) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Hash.eq(hash)).all(db).await?.pop())
}

/// The row of a presented ticket or token, expired or not.
pub async fn find_presented(db: &impl ConnectionTrait, presented: &SecretString) -> Result<Option<Model>, DbErr> {
    find(db, &token::hash(presented)).await
}

/// A page of a user's valid tickets and tokens after a place, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: i32,
    longest_life: TimeDelta,
    after: Option<&TicketPosition>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let now = clock::now();
    let mut found = Vec::new();
    // One statement for each kind, because each can read an index in its order.
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

fn is_behind(TicketPosition { created_at, hash }: &TicketPosition) -> Condition {
    let is_older = Condition::any().add(Column::CreatedAt.lt(*created_at)).add(Column::Hash.lt(hash));
    Condition::all().add(Column::CreatedAt.lte(*created_at)).add(is_older)
}

/// Extends a ticket to six hours from now.
pub async fn renew(db: &impl ConnectionTrait, ticket: &Model) -> Result<(), DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(clock::now() + TICKET_LIFETIME))
        .filter(Column::Hash.eq(&ticket.hash));
    update.exec(db).await.map(drop)
}

/// Deletes the row with this hash.
pub async fn revoke(db: &impl ConnectionTrait, hash: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Hash.eq(hash)).exec(db).await.map(drop)
}

/// Deletes the row of a presented ticket or token.
pub async fn revoke_presented(db: &impl ConnectionTrait, presented: &SecretString) -> Result<(), DbErr> {
    revoke(db, &token::hash(presented)).await
}

/// Deletes all tickets and access tokens of these users.
pub async fn revoke_all(db: &impl ConnectionTrait, user_ids: &[i32]) -> Result<(), DbErr> {
    if user_ids.is_empty() {
        return Ok(());
    }
    Entity::delete_many().filter(id_in(db, Column::UserId, user_ids)).exec(db).await.map(drop)
}
