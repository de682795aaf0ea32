//! Making, changing and deleting groups and roles: for administrators.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    Caller, limits, membership,
    role::{self, ADMINISTRATOR, FunctionRight, FunctionRights},
    user::{self, Column},
    user_group,
};
use crate::{error::Error, store::WriteTransaction};

fn check(caller: &Caller) -> Result<(), Error> {
    if caller.is_administrator() { Ok(()) } else { Err(Error::NotAdministrator) }
}

fn fault(field: &str, reason: impl std::fmt::Display) -> Error {
    Error::Validation(format!("{field}: {reason}"))
}

fn check_texts(field: &str, name: &str, tooltip: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(fault(field, "it is empty"));
    }
    limits::check("name", name, limits::NAME).map_err(|error| fault(field, error))?;
    limits::check("tooltip", tooltip, limits::TOOLTIP).map_err(|error| fault("Tooltip", error))
}

/// Makes a group, or changes the one with its id.
///
/// # Errors
/// As [`check_save_group`].
pub async fn save_group(
    db: &WriteTransaction,
    caller: Caller,
    group: user_group::Model,
) -> Result<user_group::Model, Error> {
    check_save_group(db, &caller, &group).await?;
    Ok(user_group::store(db, group).await?)
}

/// The group of this name: as it is, brought back if it is deleted, or made.
///
/// # Errors
/// As [`check_save_group`].
pub async fn ensure_group(
    db: &WriteTransaction,
    caller: Caller,
    name: &str,
    tooltip: &str,
) -> Result<user_group::Model, Error> {
    match user_group::find_by_name(db, name).await? {
        Some(group) if !group.deleted => Ok(group),
        Some(group) => save_group(db, caller, user_group::Model { deleted: false, ..group }).await,
        None => {
            let group = user_group::Model { name: name.to_owned(), tooltip: tooltip.to_owned(), ..Default::default() };
            save_group(db, caller, group).await
        }
    }
}

/// Checks whether a caller may save a group. Like every check here it stores nothing, and is run before the transaction,
/// too, so that what is refused takes no lock.
///
/// # Errors
/// The caller is no administrator, something is wrong with it, or the database does not answer.
pub async fn check_save_group(
    db: &impl ConnectionTrait,
    caller: &Caller,
    group: &user_group::Model,
) -> Result<(), Error> {
    check(caller)?;
    check_texts("Value", &group.name, &group.tooltip)?;
    if group.id != 0 && user_group::find(db, group.id).await?.is_none() {
        return Err(fault("Id", format!("there is no group {}", group.id)));
    }
    if user_group::find_by_name(db, &group.name).await?.is_some_and(|other| other.id != group.id) {
        return Err(fault("Value", format!("`{}` is another group's", group.name)));
    }
    Ok(())
}

/// Moves the users of a group to another one, and marks it as no longer used.
///
/// # Errors
/// As [`check_delete_group`].
pub async fn delete_group(db: &WriteTransaction, caller: Caller, id: i32, heir: i32) -> Result<(), Error> {
    let (group, heir) = check_delete_group(db, &caller, id, heir).await?;
    user::move_all(db, Column::UserGroupId, id, heir.id).await?;
    membership::move_all(db, id, heir.id).await?;
    user_group::store(db, user_group::Model { deleted: true, ..group }).await?;
    Ok(())
}

/// Checks whether a caller may delete a group, and returns it and the one that takes its place.
///
/// # Errors
/// The caller is no administrator, one of the two does not exist or they are the same, or the database does not answer.
pub async fn check_delete_group(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
    heir: i32,
) -> Result<(user_group::Model, user_group::Model), Error> {
    check(caller)?;
    let missing = |field, id| fault(field, format!("there is no group {id}"));
    let group = user_group::find(db, id).await?.ok_or_else(|| missing("UserGroupToDelete", id))?;
    let heir = user_group::find(db, heir).await?.ok_or_else(|| missing("UserGroupToMoveTo", heir))?;
    if heir.id == id || heir.deleted {
        return Err(fault("UserGroupToMoveTo", "it is deleted"));
    }
    Ok((group, heir))
}

/// Makes a role without rights, or changes the one with its id, which keeps its type and rights.
///
/// # Errors
/// As [`check_save_role`].
pub async fn save_role(db: &WriteTransaction, caller: Caller, role: role::Model) -> Result<role::Model, Error> {
    let role = match check_save_role(db, &caller, &role).await? {
        Some(present) => role::Model { role_type: present.role_type, function_rights: present.function_rights, ..role },
        None => role,
    };
    Ok(role::store(db, role).await?)
}

/// Checks whether a caller may save a role, and returns the role as it is.
///
/// # Errors
/// The caller is no administrator, something is wrong with it, or the database does not answer.
pub async fn check_save_role(
    db: &impl ConnectionTrait,
    caller: &Caller,
    role: &role::Model,
) -> Result<Option<role::Model>, Error> {
    check(caller)?;
    check_texts("Name", &role.name, &role.tooltip)?;
    let present = changeable_role(db, role.id).await?;
    if role::find_by_name(db, &role.name).await?.is_some_and(|other| other.id != role.id) {
        return Err(fault("Name", format!("`{}` is another role's", role.name)));
    }
    if role.rank > caller.role_rank {
        return Err(fault("Rank", "it would outrank your own role"));
    }
    Ok(present)
}

/// Gives the users of a role another one, and deletes it.
///
/// # Errors
/// As [`check_delete_role`].
pub async fn delete_role(db: &WriteTransaction, caller: Caller, id: i32, heir: i32) -> Result<(), Error> {
    let (role, heir) = check_delete_role(db, &caller, id, heir).await?;
    user::move_all(db, Column::RoleId, role.id, heir.id).await?;
    Ok(role::delete(db, role.id).await?)
}

/// Checks whether a caller may delete a role, and returns it and the one that takes its place.
///
/// # Errors
/// The caller is no administrator, one of the two does not exist or they are the same, or the database does not answer.
pub async fn check_delete_role(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
    heir: i32,
) -> Result<(role::Model, role::Model), Error> {
    check(caller)?;
    let role = changeable_role(db, id).await?.ok_or_else(|| fault("RoleIdToDelete", "there is no role 0"))?;
    let heir = role::find(db, heir).await?.filter(|heir| heir.id != role.id);
    let heir = heir.ok_or_else(|| fault("ReplacingRoleId", "it is no other role"))?;
    Ok((role, heir))
}

/// Gives a role these rights, and no others.
///
/// # Errors
/// As [`check_rights`].
pub async fn set_rights(db: &WriteTransaction, caller: Caller, id: i32, rights: Vec<i32>) -> Result<(), Error> {
    let role = check_rights(db, &caller, id, &rights).await?;
    let rights = FunctionRight::all().filter(|right| rights.contains(&right.id())).collect();
    role::store(db, role::Model { function_rights: FunctionRights(rights), ..role }).await?;
    Ok(())
}

/// Checks whether a caller may give a role these rights, and returns the role.
///
/// # Errors
/// The caller is no administrator, there is no such role or right, or the database does not answer.
pub async fn check_rights(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
    rights: &[i32],
) -> Result<role::Model, Error> {
    check(caller)?;
    let role = changeable_role(db, id).await?.ok_or_else(|| fault("RoleId", "there is no role 0"))?;
    if let Some(unknown) = rights.iter().find(|id| FunctionRight::all().all(|right| right.id() != **id)) {
        return Err(fault("FunctionalRightIds", format!("there is no right {unknown}")));
    }
    Ok(role)
}

/// The role with this id, or none for the id 0. The role of administrators stays as it is: somebody must be able to mend
/// all others.
async fn changeable_role(db: &impl ConnectionTrait, id: i32) -> Result<Option<role::Model>, Error> {
    if id == 0 {
        return Ok(None);
    }
    let found: Result<_, DbErr> = role::find(db, id).await;
    let role = found?.ok_or_else(|| fault("RoleId", format!("there is no role {id}")))?;
    if role.name == ADMINISTRATOR {
        return Err(fault("RoleId", format!("the role {ADMINISTRATOR} stays as it is")));
    }
    Ok(Some(role))
}
