//! Applications that call on behalf of users. They authenticate with a token (`SO-AppToken`); only its hash is stored.

use sea_orm::{NotSet, QueryOrder, Set, SqlErr, entity::prelude::*, sea_query::Expr};
use secrecy::SecretString;

use super::{
    field_limits::{self, TooLong},
    token,
};
use crate::clock;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "applications")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(unique)]
    pub name: String,
    #[sea_orm(unique)]
    pub token_hash: String,
    /// Whether it may use the User agent in an online installation.
    pub has_user_agent: bool,
    pub created_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Why an application was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error("the application {0} already exists")]
    Taken(String),
    #[error("the name is empty")]
    Empty,
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Adds an application and returns it with its token. The token cannot be read again.
///
/// # Errors
/// The name is taken or invalid.
pub async fn add(
    db: &impl ConnectionTrait,
    name: &str,
    has_user_agent: bool,
) -> Result<(SecretString, Model), AddError> {
    if name.trim().is_empty() {
        return Err(AddError::Empty);
    }
    field_limits::check("name", name, field_limits::NAME)?;
    let token = token::generate("");
    let row = ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        token_hash: Set(token::hash(&token)),
        has_user_agent: Set(has_user_agent),
        created_at: Set(clock::now()),
        revoked_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(db).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => AddError::Taken(name.to_owned()),
        _ => error.into(),
    })?;
    let added = find_by_token(db, &token).await?;
    let added = added.ok_or_else(|| DbErr::RecordNotFound(format!("the application {name}")))?;
    Ok((token, added))
}

/// Replaces the token of the application with this name, or adds the application.
///
/// # Errors
/// The name is invalid.
pub async fn renew(
    db: &impl ConnectionTrait,
    name: &str,
    has_user_agent: bool,
) -> Result<(SecretString, Model), AddError> {
    let token = token::generate("");
    let update = Entity::update_many()
        .col_expr(Column::TokenHash, Expr::value(token::hash(&token)))
        .col_expr(Column::HasUserAgent, Expr::value(has_user_agent))
        .col_expr(Column::RevokedAt, Expr::value(None::<DateTimeUtc>))
        .filter(Column::Name.eq(name));
    let exists = update.exec(db).await?.rows_affected > 0;
    if !exists {
        return add(db, name, has_user_agent).await;
    }
    let found = find_by_token(db, &token).await?;
    let found = found.ok_or_else(|| DbErr::RecordNotFound(format!("the application {name}")))?;
    Ok((token, found))
}

/// The application with this token, unless it was revoked.
pub async fn find_by_token(db: &impl ConnectionTrait, token: &SecretString) -> Result<Option<Model>, DbErr> {
    let found = Entity::find().filter(Column::TokenHash.eq(token::hash(token)));
    Ok(found.all(db).await?.pop().filter(|application| application.revoked_at.is_none()))
}

/// The application with this id, unless it was revoked.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<Model>, DbErr> {
    let found = Entity::find().filter(Column::Id.eq(id));
    Ok(found.all(db).await?.pop().filter(|application| application.revoked_at.is_none()))
}

/// All applications, including revoked ones, by name.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Name).all(db).await
}

/// Revokes the application with this name: its token, and the tickets and access tokens issued to it, become invalid.
/// Returns the application; `None` when there is none or it was revoked before.
pub async fn revoke(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(clock::now()))
        .filter(Column::Name.eq(name))
        .filter(Column::RevokedAt.is_null());
    if update.exec(db).await?.rows_affected == 0 {
        return Ok(None);
    }
    Ok(Entity::find().filter(Column::Name.eq(name)).all(db).await?.pop())
}
