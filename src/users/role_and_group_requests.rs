//! Requests of a caller to save and delete roles and groups: checked, then done in a transaction that records the change.

use sea_orm::ConnectionTrait;

use super::{
    Caller, UserService, Written,
    data_right::{self, DataRights, RelationToOwner},
    field_limits::field_error,
    role,
    role_and_group_service::{
        check_data_right, check_delete_group, check_delete_role, check_is_administrator, check_retire_group,
        check_rights, check_save_group, check_save_role, delete_group, delete_role, retire_group, save_group,
        save_role, set_data_right, set_rights,
    },
    user_group,
};
use crate::{error::Error, store::Touched};

/// The stored role with its data rights; `None` for the id 0.
async fn find_role(db: &impl ConnectionTrait, id: i32) -> Result<Option<(role::Model, DataRights)>, Error> {
    if id == 0 {
        return Ok(None);
    }
    let missing = || field_error("RoleId", format!("there is no role {id}"));
    let role = role::find(db, id).await?.ok_or_else(missing)?;
    let data_rights = data_right::of_role(db, &role).await?;
    Ok(Some((role, data_rights)))
}

/// The stored group; `None` for the id 0.
async fn find_group(db: &impl ConnectionTrait, id: i32) -> Result<Option<user_group::Model>, Error> {
    if id == 0 {
        return Ok(None);
    }
    let missing = || field_error("Id", format!("there is no group {id}"));
    user_group::find(db, id).await?.ok_or_else(missing).map(Some)
}

/// Creates a role without rights when the id is 0; otherwise changes the role with this id, which keeps its type and
/// rights. `edit` gets the stored role with its data rights, and returns the role to store.
///
/// # Errors
/// The caller is not an administrator, there is no such role, or the role is invalid.
pub async fn request_save_role(
    service: &UserService,
    caller: &Caller,
    id: i32,
    edit: impl FnOnce(Option<(role::Model, DataRights)>) -> Result<role::Model, Error> + Clone + Send + 'static,
) -> Result<role::Model, Error> {
    let again = edit.clone();
    let check = async {
        check_is_administrator(caller)?;
        let role = edit(find_role(service.store.reader(), id).await?)?;
        check_save_role(service.store.reader(), caller, &role).await.map(drop)
    };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let role = again(find_role(db, id).await?)?;
            let (answer, change) = save_role(db, caller, role).await?;
            Ok(Written::new(answer, Touched::Everything, change))
        })
    });
    work.await
}

/// Gives the users of a role another role, and deletes the role.
///
/// # Errors
/// The caller is not an administrator, one of the roles does not exist, or both are the same.
pub async fn request_delete_role(
    service: &UserService,
    caller: &Caller,
    id: i32,
    replacement: i32,
) -> Result<(), Error> {
    let check = async { check_delete_role(service.store.reader(), caller, id, replacement).await.map(drop) };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let change = delete_role(db, caller, id, replacement).await?;
            Ok(Written::new((), Touched::Everything, Some(change)))
        })
    });
    work.await
}

/// Replaces the rights of a role.
///
/// # Errors
/// The caller is not an administrator, or the role or a right does not exist.
pub async fn request_set_rights(
    service: &UserService,
    caller: &Caller,
    role_id: i32,
    rights: Vec<i32>,
) -> Result<(), Error> {
    let new_rights = rights.clone();
    let check = async { check_rights(service.store.reader(), caller, role_id, &rights).await.map(drop) };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let change = set_rights(db, caller, role_id, new_rights).await?;
            Ok(Written::new((), Touched::Everything, change))
        })
    });
    work.await
}

/// Sets a data right of a role.
///
/// # Errors
/// The caller is not an administrator, or the role does not exist.
pub async fn request_set_data_right(
    service: &UserService,
    caller: &Caller,
    role_id: i32,
    table: &'static str,
    relation: RelationToOwner,
    value: &'static str,
) -> Result<(), Error> {
    let check = async { check_data_right(service.store.reader(), caller, role_id).await.map(drop) };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let change = set_data_right(db, caller, role_id, (table, relation), value).await?;
            Ok(Written::new((), Touched::Nothing, change))
        })
    });
    work.await
}

/// Creates a group when the id is 0; otherwise changes the group with this id. `edit` gets the stored group, and returns
/// the group to store.
///
/// # Errors
/// The caller is not an administrator, there is no such group, or the group is invalid.
pub async fn request_save_group(
    service: &UserService,
    caller: &Caller,
    id: i32,
    edit: impl FnOnce(Option<user_group::Model>) -> Result<user_group::Model, Error> + Clone + Send + 'static,
) -> Result<user_group::Model, Error> {
    let again = edit.clone();
    let check = async {
        check_is_administrator(caller)?;
        let group = edit(find_group(service.store.reader(), id).await?)?;
        check_save_group(service.store.reader(), caller, &group).await
    };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let group = again(find_group(db, id).await?)?;
            let (answer, change) = save_group(db, caller, group).await?;
            Ok(Written::new(answer, Touched::Everything, change))
        })
    });
    work.await
}

/// Marks a group as deleted. Its users stay in it.
///
/// # Errors
/// The caller is not an administrator, the group does not exist, or no other group is in use.
pub async fn request_retire_group(service: &UserService, caller: &Caller, id: i32) -> Result<(), Error> {
    let check = async { check_retire_group(service.store.reader(), caller, id).await.map(drop) };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let change = retire_group(db, caller, id).await?;
            Ok(Written::new((), Touched::Everything, change))
        })
    });
    work.await
}

/// Moves the users of a group to another group and marks the group as deleted.
///
/// # Errors
/// The caller is not an administrator, one of the groups does not exist, or both are the same.
pub async fn request_delete_group(
    service: &UserService,
    caller: &Caller,
    id: i32,
    replacement: i32,
) -> Result<(), Error> {
    let check = async { check_delete_group(service.store.reader(), caller, id, replacement).await.map(drop) };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let change = delete_group(db, caller, id, replacement).await?;
            Ok(Written::new((), Touched::Everything, Some(change)))
        })
    });
    work.await
}
