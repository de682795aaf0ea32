//! Tickets: `7T:` and a random part, valid for six hours after the last use (contract §4), stored as a hash only.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chrono::{TimeDelta, Utc};
use rand::Rng;
use sea_orm::{Set, entity::prelude::*, sea_query::Expr};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::user;

/// What every ticket begins with.
pub const PREFIX: &str = "7T:";
/// How long a ticket lives after it was last used.
const LIFETIME: TimeDelta = TimeDelta::hours(6);
/// The end is written forward only when it has moved by this much, so that most uses of a ticket write nothing.
const STRIDE: TimeDelta = TimeDelta::minutes(5);

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    /// SHA-256 of the ticket, in hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub user_id: i32,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The last use moved the end by enough to be written down.
    pub fn is_due_for_renewal(&self) -> bool {
        self.expires_at < Utc::now() + LIFETIME - STRIDE
    }
}

/// Makes a ticket for a user and notes the log-in; tickets past their end are cleared away. Run it in a transaction.
///
/// # Errors
/// The database does not answer, or no such user exists.
pub async fn issue(db: &impl ConnectionTrait, user_id: i32) -> Result<SecretString, DbErr> {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let ticket = format!("{PREFIX}{}", STANDARD_NO_PAD.encode(random));
    let now = Utc::now();
    let row = ActiveModel {
        hash: Set(hash(&ticket)),
        user_id: Set(user_id),
        created_at: Set(now),
        expires_at: Set(now + LIFETIME),
    };
    Entity::delete_many().filter(Column::ExpiresAt.lt(now)).exec(db).await?;
    Entity::insert(row).exec_without_returning(db).await?;
    user::set_last_login(db, user_id).await?;
    Ok(SecretString::from(ticket))
}

/// The ticket, when there is one and it has not expired.
///
/// # Errors
/// The database does not answer.
pub async fn find_valid(db: &impl ConnectionTrait, ticket: &SecretString) -> Result<Option<Model>, DbErr> {
    let found = Entity::find().filter(Column::Hash.eq(hash(ticket.expose_secret()))).all(db).await?.pop();
    Ok(found.filter(|ticket| ticket.expires_at > Utc::now()))
}

/// Writes a ticket's end forward: six hours from now.
///
/// # Errors
/// The database does not answer.
pub async fn renew(db: &impl ConnectionTrait, ticket: &Model) -> Result<(), DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(Utc::now() + LIFETIME))
        .filter(Column::Hash.eq(&ticket.hash));
    update.exec(db).await.map(drop)
}

/// Takes every ticket of a user.
///
/// # Errors
/// The database does not answer.
pub async fn revoke_all(db: &impl ConnectionTrait, user_id: i32) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(db).await.map(drop)
}

// A ticket is 32 random bytes: a plain hash of it cannot be searched backwards.
fn hash(ticket: &str) -> String {
    Sha256::digest(ticket.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
