//! Making a user, whole: row, person and names.

use sea_orm::{SqlErr, entity::prelude::*};

use super::{
    limits::{self, TooLong},
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

/// Why a user was not made.
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

/// Makes a user with person and names. Run it in a transaction.
///
/// # Errors
/// One of the names cannot be one or is taken, or the database does not answer.
pub async fn create(db: &impl ConnectionTrait, new: NewUser) -> Result<i32, CreateError> {
    let NewUser { name, user_name, tooltip, user_type, role_id, user_group_id, person } = new;
    let names = login_name::keys(&name, &user_name)?;
    limits::check("tooltip", &tooltip, limits::TOOLTIP)?;
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
