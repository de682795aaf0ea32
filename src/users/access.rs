//! The one door for changes of who can log in: retiring, roles, persons and passwords.
//!
//! Each change is checked in its own transaction, which has taken `Lock::Standing` before it locks users. The right to
//! change the user is the caller's to check; the right to change other users, through the person they share, is checked
//! here.

use std::sync::Arc;

use sea_orm::{DbErr, JoinType::LeftJoin, QuerySelect, entity::prelude::*, sea_query::ExprTrait};

use super::{
    Caller, User, credential,
    last_administrator::{Login, ProviderNames, UserAccess, can_lower, keeps_an_administrator, lost_administrators},
    password::PasswordHash,
    person,
    role::{self, ADMINISTRATOR},
    shared_person::{is_retired_with, may_change_person, sharers},
    ticket,
    user::{self, Column, Entity},
};
use crate::{error::Error, store::WriteTransaction};

/// Why a change of who can log in is refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("it is the last administrator who can log in")]
    LastAdministrator,
    #[error("it would change the person of another user, whom the caller may not manage")]
    SharedPerson,
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::LastAdministrator => Self::LastAdministrator,
            AccessError::SharedPerson => Self::SharedPerson,
            AccessError::Database(error) => error.into(),
        }
    }
}

/// Retires a user as upstream does, or takes that back. The person is retired with the last of its users. The tickets of
/// a retired user are gone for good. Run it in a transaction.
///
/// # Errors
/// As [`check_retired`].
pub async fn set_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    is_retired: bool,
) -> Result<(), AccessError> {
    let person = check_retired(db, caller, provider, user, is_retired).await?;
    if let Some(PersonRetirement { id, is_retired }) = person {
        person::set_retired(db, id, is_retired).await?;
        user::note_changed_person(db, id).await?;
    }
    // Whoever issues a ticket locks the user: none is issued from here on.
    user::set_columns(db, user.user.id, vec![(Column::Deleted, is_retired.into())]).await?;
    if is_retired {
        ticket::revoke_all(db, user.user.id).await?;
    }
    Ok(())
}

/// A person who is retired or reactivated together with a user.
pub struct PersonRetirement {
    id: i32,
    is_retired: bool,
}

/// Checks whether a user can be retired or reactivated, and returns what changes of the person.
///
/// # Errors
/// It is the last administrator, or the caller may not manage another user of the person.
pub async fn check_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    is_retired: bool,
) -> Result<Option<PersonRetirement>, AccessError> {
    let sharers = sharers(db, user.user.person_id, user.user.id).await?;
    let is_person_retired = user.person.as_ref().is_some_and(|person| is_retired_with(is_retired, person, &sharers));
    let person = user.person.as_ref().filter(|person| person.retired != is_person_retired);
    if person.is_some() && !may_change_person(caller, &sharers) {
        return Err(AccessError::SharedPerson);
    }
    check(db, provider, user, |access| UserAccess { is_deleted: is_retired, is_person_retired, ..access }).await?;
    Ok(person.map(|person| PersonRetirement { id: person.id, is_retired: is_person_retired }))
}

/// Gives a user a role.
///
/// # Errors
/// It is the last administrator.
pub async fn set_role(
    transaction: &WriteTransaction,
    provider: ProviderNames,
    user: &Arc<User>,
    role: &role::Model,
) -> Result<(), AccessError> {
    let is_administrator = role.name == ADMINISTRATOR;
    check(transaction, provider, user, |access| UserAccess { is_administrator, ..access }).await?;
    Ok(user::change(transaction, user, vec![(Column::RoleId, role.id.into())]).await?)
}

/// Gives a user a password that ends and only sets another one, in place of the present one. Without a hash, it is only
/// checked. Run it in a transaction.
///
/// # Errors
/// It is the last administrator.
pub async fn set_temporary_password(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
    hash: Option<PasswordHash>,
    expires_at: DateTimeUtc,
) -> Result<(), AccessError> {
    check(db, provider, user, |access| UserAccess { password: Login::Temporary, ..access }).await?;
    match hash {
        Some(hash) => Ok(credential::set_password(db, user.user.id, hash, Some(expires_at)).await?),
        None => Ok(()),
    }
}

/// Deletes a user's password and tickets. False when there was no password. Run it in a transaction.
///
/// # Errors
/// It is the last administrator.
pub async fn delete_password(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
) -> Result<bool, AccessError> {
    check_delete_password(db, provider, user).await?;
    let is_deleted = credential::delete_password(db, user.user.id).await?;
    if is_deleted {
        user::note_change(db, user.user.id).await?;
    }
    Ok(is_deleted)
}

/// Checks whether a user's password can be deleted.
///
/// # Errors
/// It is the last administrator.
pub async fn check_delete_password(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
) -> Result<(), AccessError> {
    check(db, provider, user, |access| UserAccess { password: Login::Impossible, ..access }).await
}

/// The user is an administrator, and no other one can log in as well.
///
/// # Errors
/// The database does not answer.
pub async fn is_last_administrator(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
) -> Result<bool, DbErr> {
    match check(db, provider, user, |access| UserAccess { is_deleted: true, ..access }).await {
        Ok(()) => Ok(false),
        Err(AccessError::Database(error)) => Err(error),
        Err(AccessError::LastAdministrator | AccessError::SharedPerson) => Ok(true),
    }
}

/// Refuses a change of a user after which administrators can log in less well than before. Only a change that can do that
/// reads the administrators.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
    change: impl Fn(UserAccess) -> UserAccess + Send + Sync,
) -> Result<(), AccessError> {
    let assumed = of(user, provider);
    if !can_lower(assumed, &change) {
        return Ok(());
    }
    let administrators = administrators(db, provider).await?;
    let present = administrators.iter().find(|access| access.user_id == assumed.user_id).copied();
    match keeps_an_administrator(&administrators, &change(present.unwrap_or(assumed))) {
        true => Ok(()),
        false => Err(AccessError::LastAdministrator),
    }
}

/// The active administrators at the beginning of a change of many users. The rule is judged once at its end, so that the
/// order of the changes does not matter. The transaction has taken `Lock::Standing`.
pub(super) struct AdministratorsBefore(Vec<UserAccess>);

impl AdministratorsBefore {
    pub(super) async fn read(db: &impl ConnectionTrait, provider: ProviderNames) -> Result<Self, DbErr> {
        administrators(db, provider).await.map(Self)
    }

    /// The ids of those who lost access, if the administrators can log in less well than before.
    pub(super) async fn lost(&self, db: &impl ConnectionTrait, provider: ProviderNames) -> Result<Vec<i32>, DbErr> {
        Ok(lost_administrators(&self.0, &administrators(db, provider).await?))
    }
}

/// A user's access, as if the password had no end.
fn of(user: &User, provider: ProviderNames) -> UserAccess {
    UserAccess {
        user_id: user.user.id,
        is_administrator: user.role.name == ADMINISTRATOR,
        is_deleted: user.user.deleted,
        person_id: user.user.person_id,
        is_person_retired: user.is_person_retired(),
        password: Login::Lasting,
        is_known_to_provider: provider.can_be([&user.user.name, &user.user.user_name]),
    }
}

/// Whether an administrator can log in.
pub async fn has_administrator(db: &impl ConnectionTrait, provider: ProviderNames) -> Result<bool, DbErr> {
    let best = administrators(db, provider).await?.iter().filter_map(UserAccess::administrator_login).max();
    Ok(best > Some(Login::Impossible))
}

/// The active administrators, in one statement.
async fn administrators(db: &impl ConnectionTrait, provider: ProviderNames) -> Result<Vec<UserAccess>, DbErr> {
    type Row = (i32, String, String, Option<i32>, Option<i32>, Option<DateTimeUtc>);
    let is_password =
        |_, _| Expr::col((credential::Entity, credential::Column::CredentialType)).eq(credential::PASSWORD).into();
    let passwords = credential::Entity::belongs_to(Entity)
        .from(credential::Column::UserId)
        .to(Column::Id)
        .on_condition(is_password);
    let rows: Vec<Row> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name, Column::UserName, Column::PersonId])
        .column(credential::Column::Id)
        .column(credential::Column::ExpiresAt)
        .inner_join(role::Entity)
        .left_join(person::Entity)
        .join_rev(LeftJoin, passwords.into())
        .filter(role::Column::Name.eq(ADMINISTRATOR))
        .filter(Column::Deleted.eq(false))
        .filter(person::Column::Retired.eq(false).or(person::Column::Retired.is_null()))
        .into_tuple()
        .all(db)
        .await?;
    let access = |(user_id, name, user_name, person_id, password, expires_at): Row| UserAccess {
        user_id,
        is_administrator: true,
        is_deleted: false,
        person_id,
        is_person_retired: false,
        password: password.map_or(Login::Impossible, |_| credential::login(expires_at)),
        is_known_to_provider: provider.can_be([&name, &user_name]),
    };
    Ok(rows.into_iter().map(access).collect())
}
