//! The stored password hashes of users.

use std::collections::BTreeMap;

use sea_orm::{
    QuerySelect, QueryTrait, Set,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};

use super::{last_administrator::Login, password::PasswordHash, ticket};
use crate::clock;

/// The credential type of a password, as upstream names it.
pub const PASSWORD: &str = "CRM5/PASSWORD";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credentials")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub user_id: i32,
    pub credential_type: String,
    pub display_value: String,
    pub secret: PasswordHash,
    /// When a temporary password expires; `None` for permanent passwords.
    pub expires_at: Option<DateTimeUtc>,
    pub updated_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether the password only allows setting a new one.
    pub fn is_temporary(&self) -> bool {
        self.expires_at.is_some()
    }

    pub fn is_expired(&self) -> bool {
        has_passed(self.expires_at)
    }
}

fn has_passed(end: Option<DateTimeUtc>) -> bool {
    end.is_some_and(|end| end <= clock::now())
}

/// The kind of login that a password with this expiry allows.
pub(super) fn login(expires_at: Option<DateTimeUtc>) -> Login {
    match expires_at {
        None => Login::Lasting,
        end if has_passed(end) => Login::Impossible,
        Some(_) => Login::Temporary,
    }
}

/// A user's password.
pub async fn find_password(db: &impl ConnectionTrait, user_id: i32) -> Result<Option<Model>, DbErr> {
    let password = Entity::find().filter(Column::UserId.eq(user_id)).filter(Column::CredentialType.eq(PASSWORD));
    Ok(password.all(db).await?.pop())
}

/// Like [`find_password`], for logins: takes the same statement and time when there is no user or password.
pub async fn find_password_constant_time(
    db: &impl ConnectionTrait,
    user_id: Option<i32>,
) -> Result<Option<Model>, DbErr> {
    let ids = || Entity::find().select_only();
    let own = ids().column(Column::Id).filter(Column::UserId.eq(user_id.unwrap_or_default()));
    let own = own.filter(Column::CredentialType.eq(PASSWORD)).into_query();
    let any = ids().column_as(Column::Id.min(), "id").into_query();
    let id = Func::coalesce([Expr::from(own), Expr::from(any)]);
    let found = Entity::find().filter(Expr::col((Entity, Column::Id)).eq(id)).all(db).await?.pop();
    Ok(found.filter(|found| Some(found.user_id) == user_id && found.credential_type == PASSWORD))
}

/// Sets a user's password, permanently or until `expires_at`, and deletes the user's tickets. Run it in a transaction.
pub async fn set_password(
    db: &impl ConnectionTrait,
    user_id: i32,
    hash: PasswordHash,
    expires_at: Option<DateTimeUtc>,
) -> Result<(), DbErr> {
    set_passwords(db, BTreeMap::from([(user_id, (hash, expires_at))]), clock::now()).await?;
    ticket::revoke_all(db, &[user_id]).await
}

/// Sets the passwords of users, permanently or until a time.
pub(super) async fn set_passwords(
    db: &impl ConnectionTrait,
    passwords: BTreeMap<i32, (PasswordHash, Option<DateTimeUtc>)>,
    time: DateTimeUtc,
) -> Result<(), DbErr> {
    if passwords.is_empty() {
        return Ok(());
    }
    let row = |(user_id, (hash, expires_at))| ActiveModel {
        id: sea_orm::NotSet,
        user_id: Set(user_id),
        credential_type: Set(PASSWORD.to_owned()),
        display_value: Set(String::new()),
        secret: Set(hash),
        expires_at: Set(expires_at),
        updated_at: Set(time),
    };
    let replace = OnConflict::columns([Column::UserId, Column::CredentialType])
        .update_columns([Column::Secret, Column::ExpiresAt, Column::UpdatedAt])
        .to_owned();
    Entity::insert_many(passwords.into_iter().map(row)).on_conflict(replace).exec_without_returning(db).await.map(drop)
}

/// Deletes a user's password and tickets. Returns false when there was no password. Run it in a transaction. Other
/// folders use [`super::access`].
pub async fn delete_password(db: &impl ConnectionTrait, user_id: i32) -> Result<bool, DbErr> {
    let password = Entity::delete_many().filter(Column::UserId.eq(user_id)).filter(Column::CredentialType.eq(PASSWORD));
    let deleted = password.exec(db).await?.rows_affected;
    ticket::revoke_all(db, &[user_id]).await?;
    Ok(deleted > 0)
}

/// Any stored hash. Its parameters set the cost of the dummy hash for users without a password.
pub async fn any_hash(db: &impl ConnectionTrait) -> Result<Option<PasswordHash>, DbErr> {
    Ok(Entity::find().limit(1).all(db).await?.pop().map(|credential| credential.secret))
}
