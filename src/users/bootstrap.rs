//! Creates the roles, the group and the first administrator of a new installation.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    CreateError, NewUser, Saved,
    audited::user_saved,
    create, credential,
    named::{NamedError, group_named, role_named},
    password::PasswordHash,
    person,
    role::{self, ADMINISTRATOR, EMPLOYEE},
    user_details, user_group,
    user_input::user_type_of,
};

/// The name of the first administrator.
pub const ADMIN: &str = "admin";

/// A new user, as described on the command line.
#[derive(Clone, Debug)]
pub struct Registration {
    pub name: String,
    pub user_name: String,
    pub full_name: Option<String>,
    /// The person's e-mail address; empty when absent.
    pub email: String,
    /// The name of a role; `Employee` when absent.
    pub role: Option<String>,
    /// The name of a group; the first one when absent.
    pub group: Option<String>,
}

/// Why a user was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error(transparent)]
    Named(#[from] NamedError),
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Registers a user with a password. Creates missing default roles and groups. Run it in a transaction, and record the
/// changes there.
///
/// # Errors
/// The role or group does not exist, or a name is taken or invalid.
pub async fn register(
    db: &impl ConnectionTrait,
    registration: Registration,
    password: PasswordHash,
) -> Result<Saved, RegisterError> {
    role::ensure_defaults(db).await?;
    let first_group = user_group::ensure_default(db).await?;
    let group_id = match &registration.group {
        Some(name) => group_named(&user_group::list(db).await?, name)?.id,
        None => first_group.id,
    };
    let roles = role::list(db).await?;
    let role = role_named(&roles, registration.role.as_deref().unwrap_or(EMPLOYEE))?;
    let full_name = registration.full_name.unwrap_or_else(|| registration.name.clone());
    let new = NewUser {
        name: registration.name,
        user_name: registration.user_name,
        tooltip: full_name.clone(),
        user_type: user_type_of(role.role_type),
        role_id: role.id,
        user_group_id: group_id,
        person: person::Model { email: registration.email, ..person::named(&full_name) },
    };
    let id = create(db, new).await?;
    credential::set_password(db, id, password, None).await?;
    let missing = || DbErr::RecordNotFound(format!("the new user {id}"));
    let details = user_details::find(db, id).await?.ok_or_else(missing)?;
    let changes = user_saved(None, &details, true);
    Ok(Saved { details, changes })
}

/// Registers the first administrator. Run it in a transaction, and record the changes there.
///
/// # Errors
/// As [`register`].
pub async fn register_administrator(db: &impl ConnectionTrait, password: PasswordHash) -> Result<Saved, RegisterError> {
    let admin = Registration {
        name: ADMIN.to_owned(),
        user_name: String::new(),
        full_name: None,
        email: String::new(),
        role: Some(ADMINISTRATOR.to_owned()),
        group: None,
    };
    register(db, admin, password).await
}
