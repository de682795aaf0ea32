//! Creates a user with person and login names.

use sea_orm::{SqlErr, entity::prelude::*};

use super::{
    field_limits::{self, TooLong},
    login_name, person,
    user::{self, Model, UserType},
};

/// A user who does not exist yet.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: String,
    pub user_name: String,
    pub tooltip: String,
    pub user_type: UserType,
    pub role_id: i32,
    pub user_group_id: i32,
    pub person: person::Model,
}

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error(transparent)]
    Name(#[from] login_name::NameError),
    #[error("the name {0} is taken by another user's Name or UserName")]
    Taken(String),
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Creates a user with person and login names. Run it in a transaction.
///
/// # Errors
/// A name is taken or invalid, or a text is too long.
pub async fn create(db: &impl ConnectionTrait, new: NewUser) -> Result<i32, CreateError> {
    let NewUser { name, user_name, tooltip, user_type, role_id, user_group_id, person } = new;
    let names = login_name::lookup_keys(&name, &user_name)?;
    field_limits::check("tooltip", &tooltip, field_limits::TOOLTIP)?;
    person.check_limits()?;
    let person_id = Some(person::insert(db, person).await?.id);
    let row = Model { name, user_name, tooltip, role_id, user_group_id, person_id, ..Model::blank(user_type) };
    let id = user::insert(db, row).await?;
    for key in names {
        login_name::insert(db, &key, id).await.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => CreateError::Taken(key),
            _ => error.into(),
        })?;
    }
    Ok(id)
}
