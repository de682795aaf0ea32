//! What an installation needs before anybody can call: roles, a group, and a first administrator.

use sea_orm::ConnectionTrait;

use super::{
    CreateError, NewUser, create, credential,
    draft::user_type_of,
    password::PasswordHash,
    person,
    role::{self, ADMINISTRATOR, EMPLOYEE},
    user_group,
};

/// The name of the first administrator.
pub const ADMIN: &str = "admin";

/// A user as the command line describes one.
#[derive(Clone, Debug)]
pub struct Registration {
    pub name: String,
    pub user_name: String,
    pub full_name: Option<String>,
    /// The name of a role; `Employee` when absent.
    pub role: Option<String>,
}

/// Why a user was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("there is no role {name}; there are {known}")]
    NoSuchRole { name: String, known: String },
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
}

/// Registers a user with a password. Missing default roles and groups are made. Run it in a transaction.
///
/// # Errors
/// No such role, a name that is taken or cannot be one, or the database does not answer.
pub async fn register(
    db: &impl ConnectionTrait,
    registration: Registration,
    password: PasswordHash,
) -> Result<i32, RegisterError> {
    role::ensure_defaults(db).await?;
    let group = user_group::ensure_default(db).await?;
    let role_name = registration.role.unwrap_or_else(|| EMPLOYEE.to_owned());
    let Some(role) = role::find_by_name(db, &role_name).await? else {
        let known = role::list(db).await?.into_iter().map(|role| role.name).collect::<Vec<_>>().join(", ");
        return Err(RegisterError::NoSuchRole { name: role_name, known });
    };
    let full_name = registration.full_name.unwrap_or_else(|| registration.name.clone());
    let new = NewUser {
        name: registration.name,
        user_name: registration.user_name,
        tooltip: full_name.clone(),
        user_type: user_type_of(role.role_type),
        role_id: role.id,
        user_group_id: group.id,
        person: person::named(&full_name),
    };
    let id = create(db, new).await?;
    credential::set_password(db, id, password, None).await?;
    Ok(id)
}

/// Registers the first administrator. Run it in a transaction.
///
/// # Errors
/// As [`register`].
pub async fn register_administrator(db: &impl ConnectionTrait, password: PasswordHash) -> Result<i32, RegisterError> {
    let admin = Registration {
        name: ADMIN.to_owned(),
        user_name: String::new(),
        full_name: None,
        role: Some(ADMINISTRATOR.to_owned()),
    };
    register(db, admin, password).await
}
