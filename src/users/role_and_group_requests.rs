//! Requests of a caller to save and delete roles and groups: checked, then done in a transaction that records the change.

use super::{
    Caller, UserService, Written,
    data_right::RelationToOwner,
    role,
    role_and_group_service::{
        check_data_right, check_delete_group, check_delete_role, check_retire_group, check_rights, check_save_group,
        check_save_role, delete_group, delete_role, retire_group, save_group, save_role, set_data_right, set_rights,
    },
    user_group,
};
use crate::{error::Error, store::Touched};

/// Creates a role without rights when its id is 0; otherwise changes the role, which keeps its type and rights.
///
/// # Errors
/// The caller is not an administrator, or the role is invalid.
pub async fn request_save_role(
    service: &UserService,
    caller: &Caller,
    role: role::Model,
) -> Result<role::Model, Error> {
    let new_role = role.clone();
    let check = async { check_save_role(service.store.reader(), caller, &role).await.map(drop) };
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let (answer, change) = save_role(db, caller, new_role).await?;
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

/// Creates a group when its id is 0; otherwise changes the group.
///
/// # Errors
/// The caller is not an administrator, or the group is invalid.
pub async fn request_save_group(
    service: &UserService,
    caller: &Caller,
    group: user_group::Model,
) -> Result<user_group::Model, Error> {
    let new_group = group.clone();
    let check = check_save_group(service.store.reader(), caller, &group);
    let work = service.write(caller, check, move |db, caller, ()| {
        Box::pin(async move {
            let (answer, change) = save_group(db, caller, new_group).await?;
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
