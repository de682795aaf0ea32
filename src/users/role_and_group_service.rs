//! Creates, changes and deletes groups and roles. Only for administrators. Each function returns the change to record in
//! its transaction, or `None` when nothing changed.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    Caller,
    audited::{group_fields, group_subject, role_fields, role_subject},
    data_right::{self, RelationToOwner},
    field_limits::{self, field_error},
    membership,
    role::{self, ADMINISTRATOR, FunctionRight, FunctionRights},
    user::{self, Column},
    user_group,
};
use crate::{
    error::Error,
    executions::audit::{Action, Change, ChangedFields},
    store::WriteTransaction,
};

/// Checks whether a caller is an administrator.
///
/// # Errors
/// [`Error::NotAdministrator`].
pub fn check_is_administrator(caller: &Caller) -> Result<(), Error> {
    if caller.is_administrator() { Ok(()) } else { Err(Error::NotAdministrator) }
}

fn check_texts(field: &str, name: &str, tooltip: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(field_error(field, "it is empty"));
    }
    field_limits::check("name", name, field_limits::NAME).map_err(|error| field_error(field, error))?;
    field_limits::check("tooltip", tooltip, field_limits::TOOLTIP).map_err(|error| field_error("Tooltip", error))
}

/// Creates a group, or changes the group with its id.
///
/// # Errors
/// As [`check_save_group`].
pub async fn save_group(
    db: &WriteTransaction,
    caller: Caller,
    group: user_group::Model,
) -> Result<(user_group::Model, Option<Change>), Error> {
    check_save_group(db, &caller, &group).await?;
    let before = match group.id {
        0 => None,
        id => user_group::find(db, id).await?,
    };
    let group = user_group::store(db, group).await?;
    let before = before.as_ref().map(group_fields).unwrap_or_default();
    let change = Change::new(Action::GroupSaved, group_subject(&group)).fields(before, group_fields(&group));
    Ok((group, changed(change)))
}

/// The change, if a field differs.
fn changed(change: Change) -> Option<Change> {
    Some(change).filter(|change| !change.before.is_empty() || !change.after.is_empty())
}

/// Returns the group with this name. Restores a deleted group and creates a missing one.
///
/// # Errors
/// As [`check_save_group`].
pub async fn ensure_group(
    db: &WriteTransaction,
    caller: Caller,
    name: &str,
    tooltip: &str,
) -> Result<(user_group::Model, Option<Change>), Error> {
    match user_group::find_by_name(db, name).await? {
        Some(group) if !group.deleted => Ok((group, None)),
        Some(group) => save_group(db, caller, user_group::Model { deleted: false, ..group }).await,
        None => {
            let group = user_group::Model { name: name.to_owned(), tooltip: tooltip.to_owned(), ..Default::default() };
            save_group(db, caller, group).await
        }
    }
}

/// Checks whether a caller may save a group. All checks here store nothing. They also run before the transaction, so
/// that rejected requests take no locks.
///
/// # Errors
/// The caller is not an administrator, or the group is invalid.
pub async fn check_save_group(
    db: &impl ConnectionTrait,
    caller: &Caller,
    group: &user_group::Model,
) -> Result<(), Error> {
    check_is_administrator(caller)?;
    check_texts("Value", &group.name, &group.tooltip)?;
    if group.id != 0 && user_group::find(db, group.id).await?.is_none() {
        return Err(field_error("Id", format!("there is no group {}", group.id)));
    }
    if user_group::find_by_name(db, &group.name).await?.is_some_and(|other| other.id != group.id) {
        return Err(field_error("Value", format!("`{}` is another group's", group.name)));
    }
    if group.deleted {
        check_is_not_last(db, group.id).await?;
    }
    Ok(())
}

/// Moves the users of a group to another group, and marks the group as deleted.
///
/// # Errors
/// As [`check_delete_group`].
pub async fn delete_group(db: &WriteTransaction, caller: Caller, id: i32, replacement: i32) -> Result<Change, Error> {
    let (group, replacement) = check_delete_group(db, &caller, id, replacement).await?;
    user::move_all(db, Column::UserGroupId, id, replacement.id).await?;
    membership::move_all(db, id, replacement.id).await?;
    let change = Change::new(Action::GroupDeleted, group_subject(&group));
    user_group::store(db, user_group::Model { deleted: true, ..group }).await?;
    let after = ChangedFields::from([("replacedBy", replacement.name.into())]);
    Ok(change.fields(ChangedFields::default(), after))
}

/// Checks whether a caller may delete a group. Returns the group and its replacement.
///
/// # Errors
/// The caller is not an administrator, one of the groups does not exist, or both are the same.
pub async fn check_delete_group(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
    replacement: i32,
) -> Result<(user_group::Model, user_group::Model), Error> {
    check_is_administrator(caller)?;
    let missing = |field, id| field_error(field, format!("there is no group {id}"));
    let group = user_group::find(db, id).await?.ok_or_else(|| missing("UserGroupToDelete", id))?;
    let replacement =
        user_group::find(db, replacement).await?.ok_or_else(|| missing("UserGroupToMoveTo", replacement))?;
    if replacement.id == id || replacement.deleted {
        return Err(field_error("UserGroupToMoveTo", "it is deleted"));
    }
    Ok((group, replacement))
}

/// Marks a group as deleted. Its users stay in it.
///
/// # Errors
/// As [`check_retire_group`].
pub async fn retire_group(db: &WriteTransaction, caller: Caller, id: i32) -> Result<Option<Change>, Error> {
    let group = check_retire_group(db, &caller, id).await?;
    if group.deleted {
        return Ok(None);
    }
    let change = Change::new(Action::GroupDeleted, group_subject(&group));
    user_group::store(db, user_group::Model { deleted: true, ..group }).await?;
    Ok(Some(change))
}

/// Checks whether a caller may mark a group as deleted. Returns the group.
///
/// # Errors
/// The caller is not an administrator, the group does not exist, or no other group is in use.
pub async fn check_retire_group(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
) -> Result<user_group::Model, Error> {
    check_is_administrator(caller)?;
    let group = user_group::find(db, id).await?.ok_or_else(|| field_error("Id", format!("there is no group {id}")))?;
    check_is_not_last(db, id).await?;
    Ok(group)
}

/// New users need a group in use.
async fn check_is_not_last(db: &impl ConnectionTrait, id: i32) -> Result<(), Error> {
    let others = user_group::list(db).await?;
    match others.iter().any(|other| other.id != id && !other.deleted) {
        true => Ok(()),
        false => Err(field_error("Deleted", "this is the last group in use")),
    }
}

/// Creates a role without rights, or changes the role with its id, which keeps its type and rights.
///
/// # Errors
/// As [`check_save_role`].
pub async fn save_role(
    db: &WriteTransaction,
    caller: Caller,
    role: role::Model,
) -> Result<(role::Model, Option<Change>), Error> {
    let (role, before) = match check_save_role(db, &caller, &role).await? {
        Some(present) => {
            let before = role_fields(&present);
            let role = role::Model { role_type: present.role_type, function_rights: present.function_rights, ..role };
            (role, before)
        }
        None => (role, ChangedFields::default()),
    };
    let role = role::store(db, role).await?;
    let change = Change::new(Action::RoleSaved, role_subject(&role)).fields(before, role_fields(&role));
    Ok((role, changed(change)))
}

/// Checks whether a caller may save a role. Returns the stored role.
///
/// # Errors
/// The caller is not an administrator, or the role is invalid.
pub async fn check_save_role(
    db: &impl ConnectionTrait,
    caller: &Caller,
    role: &role::Model,
) -> Result<Option<role::Model>, Error> {
    check_is_administrator(caller)?;
    check_texts("Name", &role.name, &role.tooltip)?;
    let present = changeable_role(db, role.id).await?;
    if role::find_by_name(db, &role.name).await?.is_some_and(|other| other.id != role.id) {
        return Err(field_error("Name", format!("`{}` is another role's", role.name)));
    }
    if role.rank > caller.role_rank {
        return Err(field_error("Rank", "it would outrank your own role"));
    }
    Ok(present)
}

/// Gives the users of a role another role, and deletes the role.
///
/// # Errors
/// As [`check_delete_role`].
pub async fn delete_role(db: &WriteTransaction, caller: Caller, id: i32, replacement: i32) -> Result<Change, Error> {
    let (role, replacement) = check_delete_role(db, &caller, id, replacement).await?;
    let mut before = role_fields(&role);
    let rights = data_right::of_role(db, &role).await?;
    before.0.extend(rights.iter().map(|(table, relation, value)| (data_right_field(table, relation), value.into())));
    user::move_all(db, Column::RoleId, role.id, replacement.id).await?;
    role::delete(db, role.id).await?;
    let after = ChangedFields::from([("replacedBy", replacement.name.into())]);
    Ok(Change::new(Action::RoleDeleted, role_subject(&role)).fields(before, after))
}

/// Checks whether a caller may delete a role. Returns the role and its replacement.
///
/// # Errors
/// The caller is not an administrator, one of the roles does not exist, or both are the same.
pub async fn check_delete_role(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
    replacement: i32,
) -> Result<(role::Model, role::Model), Error> {
    check_is_administrator(caller)?;
    let role = changeable_role(db, id).await?.ok_or_else(|| field_error("RoleIdToDelete", "there is no role 0"))?;
    let replacement = role::find(db, replacement).await?.filter(|replacement| replacement.id != role.id);
    let replacement = replacement.ok_or_else(|| field_error("ReplacingRoleId", "it is not another role"))?;
    Ok((role, replacement))
}

/// Replaces the rights of a role.
///
/// # Errors
/// As [`check_rights`].
pub async fn set_rights(
    db: &WriteTransaction,
    caller: Caller,
    id: i32,
    rights: Vec<i32>,
) -> Result<Option<Change>, Error> {
    let role = check_rights(db, &caller, id, &rights).await?;
    let before = role_fields(&role);
    let rights = FunctionRight::all().filter(|right| rights.contains(&right.id())).collect();
    let role = role::store(db, role::Model { function_rights: FunctionRights(rights), ..role }).await?;
    Ok(changed(Change::new(Action::RightsSet, role_subject(&role)).fields(before, role_fields(&role))))
}

/// Checks whether a caller may give a role these rights. Returns the role.
///
/// # Errors
/// The caller is not an administrator, or the role or a right does not exist.
pub async fn check_rights(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: i32,
    rights: &[i32],
) -> Result<role::Model, Error> {
    check_is_administrator(caller)?;
    let role = changeable_role(db, id).await?.ok_or_else(|| field_error("RoleId", "there is no role 0"))?;
    if let Some(unknown) = rights.iter().find(|id| FunctionRight::all().all(|right| right.id() != **id)) {
        return Err(field_error("FunctionalRightIds", format!("there is no right {unknown}")));
    }
    Ok(role)
}

/// Sets a data right of a role.
///
/// # Errors
/// The caller is not an administrator, or the role does not exist.
pub async fn set_data_right(
    db: &WriteTransaction,
    caller: Caller,
    id: i32,
    (table, relation): (&str, RelationToOwner),
    value: &str,
) -> Result<Option<Change>, Error> {
    let role = check_data_right(db, &caller, id).await?;
    let before = data_right::of_role(db, &role).await?;
    let field = data_right_field(table, relation);
    let fields = |value: &str| ChangedFields::from([(field.as_str(), value.into())]);
    let change = Change::new(Action::RightsSet, role_subject(&role));
    let change = changed(change.fields(fields(before.get(table, relation)), fields(value)));
    if change.is_some() {
        data_right::set(db, id, table, relation, value).await?;
    }
    Ok(change)
}

/// The name of a data right in a change: `contact MyOwn`.
fn data_right_field(table: &str, relation: RelationToOwner) -> String {
    format!("{table} {}", relation.word())
}

/// Checks whether a caller may set data rights of a role. Returns the role.
///
/// # Errors
/// The caller is not an administrator, or the role does not exist.
pub async fn check_data_right(db: &impl ConnectionTrait, caller: &Caller, id: i32) -> Result<role::Model, Error> {
    check_is_administrator(caller)?;
    changeable_role(db, id).await?.ok_or_else(|| field_error("RoleId", "there is no role 0"))
}

/// The role with this id; `None` for the id 0. The role of administrators cannot be changed, so that administrators can
/// always repair the other roles.
async fn changeable_role(db: &impl ConnectionTrait, id: i32) -> Result<Option<role::Model>, Error> {
    if id == 0 {
        return Ok(None);
    }
    let found: Result<_, DbErr> = role::find(db, id).await;
    let role = found?.ok_or_else(|| field_error("RoleId", format!("there is no role {id}")))?;
    if role.name == ADMINISTRATOR {
        return Err(field_error("RoleId", format!("the role {ADMINISTRATOR} cannot be changed")));
    }
    Ok(Some(role))
}
