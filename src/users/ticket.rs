//! What a user shows in place of a password (contract §4): tickets, valid for six hours after the last use, and access
//! tokens, valid for one hour. Both are stored as a hash only.

use chrono::TimeDelta;
use sea_orm::{
    QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, LockBehavior, LockType},
};
use secrecy::SecretString;

use super::{secret, user};
use crate::clock;

/// How long a ticket lives after it was last used.
const TICKET_LIFETIME: TimeDelta = TimeDelta::hours(6);
/// How long an access token lives, used or not.
const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::seconds(3600);
/// The end is written forward only when it has moved by this much, so that most uses of a ticket write nothing.
const STRIDE: TimeDelta = TimeDelta::minutes(5);

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

/// What was issued. The names are told to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "PascalCase")]
pub enum Kind {
    /// `7T:…`, for the scheme SoTicket and for sessions: each use makes it live longer.
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
    insert(db, Kind::Ticket, user_id, application_id).await
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
    insert(db, Kind::AccessToken, user_id, application_id).await.map(|(token, _)| token)
}

/// Those past their end are cleared away on the way.
async fn insert(
    db: &impl ConnectionTrait,
    kind: Kind,
    user_id: i32,
    application_id: Option<i32>,
) -> Result<(SecretString, Model), DbErr> {
    let secret = secret::make(kind.prefix());
    let now = clock::now();
    let row = Model {
        hash: secret::hash(&secret),
        user_id,
        created_at: now,
        expires_at: now + kind.lifetime(),
        kind,
        application_id,
    };
    clear(db, now).await?;
    Entity::insert(ActiveModel::from(row.clone())).exec_without_returning(db).await?;
    Ok((secret, row))
}

/// Clears away those past their end, but for those that somebody else clears away now.
async fn clear(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<(), DbErr> {
    let past = Entity::find().select_only().column(Column::Hash).filter(Column::ExpiresAt.lt(now));
    let past = past.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).into_query();
    Entity::delete_many().filter(Column::Hash.in_subquery(past)).exec(db).await.map(drop)
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

/// What a user has that has not ended, newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(db: &impl ConnectionTrait, user_id: i32, longest_life: TimeDelta) -> Result<Vec<Model>, DbErr> {
    let all = Entity::find().filter(Column::UserId.eq(user_id)).order_by_desc(Column::CreatedAt).all(db).await?;
    let now = clock::now();
    Ok(all.into_iter().filter(|one| one.end(longest_life) > now).collect())
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

/// Takes every ticket and access token of a user.
///
/// # Errors
/// The database does not answer.
pub async fn revoke_all(db: &impl ConnectionTrait, user_id: i32) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(db).await.map(drop)
}
