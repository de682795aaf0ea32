//! Making users, changing them and retiring them, for somebody who may.

use sea_orm::{ActiveEnum, ConnectionTrait, DbErr};

use super::{
    Caller, User, credential,
    draft::Draft,
    limits, login_name, membership,
    password::PasswordHash,
    person,
    role::{self, ADMINISTRATOR},
    user::{self, Column, Presence},
};
use crate::error::Error;

/// Makes a user, or changes the one with the draft's id, and answers with the id. Run it in a transaction.
///
/// # Errors
/// The caller may not, the draft has faults, it would take the last administrator, or the database does not answer.
pub async fn save(
    db: &impl ConnectionTrait,
    caller: &Caller,
    draft: Draft,
    password: Option<PasswordHash>,
) -> Result<i32, Error> {
    let present = match draft.user.id {
        0 => None,
        id => Some(user::find(db, id).await?.ok_or(Error::NoSuchUser)?),
    };
    let draft = draft.complete(db).await?;
    permit(db, caller, present.as_ref(), &draft, password.is_some()).await?;
    let faults = draft.faults(db).await?;
    if !faults.is_empty() {
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        return Err(Error::Validation(told.join("; ")));
    }
    if let Some(user) = &present {
        guard_last_administrator(db, user, &draft).await?;
    }
    let id = store(db, present.as_ref(), draft).await?;
    if let Some(password) = password {
        credential::set_password(db, id, password, None).await?;
    }
    Ok(id)
}

/// Retires a user, or takes that back. Run it in a transaction.
///
/// # Errors
/// The caller may not, it is the last administrator, or the database does not answer.
pub async fn set_retired(db: &impl ConnectionTrait, caller: &Caller, user: &User, retired: bool) -> Result<(), Error> {
    let draft = Draft::of(db, user).await?;
    let draft = Draft { user: super::UserRow { deleted: retired, ..draft.user }, ..draft };
    permit(db, caller, Some(user), &draft, false).await?;
    guard_last_administrator(db, user, &draft).await?;
    Ok(user::set_deleted(db, user, retired).await?)
}

/// Says whether a user can be reached.
///
/// # Errors
/// The message is too long, or the database does not answer.
pub async fn set_presence(db: &impl ConnectionTrait, id: i32, status: Presence, message: &str) -> Result<(), Error> {
    limits::check("message", message, limits::PRESENCE_MESSAGE)
        .map_err(|error| Error::Validation(format!("Message: {error}")))?;
    let values = vec![(Column::PresenceStatus, status.to_value().into()), (Column::PresenceMessage, message.into())];
    Ok(user::set_columns(db, id, values).await?)
}

/// Whether the caller may make this of a user. Nobody gives a role that outranks their own; and whoever manages only
/// themselves changes nothing of what others rely on.
async fn permit(
    db: &impl ConnectionTrait,
    caller: &Caller,
    present: Option<&User>,
    draft: &Draft,
    sets_password: bool,
) -> Result<(), Error> {
    let may_manage = present.map_or_else(|| caller.may_manage_others(), |user| caller.may_manage(user));
    if !may_manage {
        return Err(Error::MayNotManageUser);
    }
    if caller.may_manage_others() {
        let rank = role::find(db, draft.user.role_id).await?.map_or(0, |role| role.rank);
        return if rank > caller.role_rank { Err(Error::MayNotChange("Role")) } else { Ok(()) };
    }
    let Some(present) = present else { return Err(Error::MayNotManageUser) };
    let present = Draft::of(db, present).await?.complete(db).await?;
    let changed = draft.differences_of_standing(&present).into_iter().find(|(_, differs)| *differs);
    match changed.map(|(field, _)| field).or(sets_password.then_some("Credentials")) {
        Some(field) => Err(Error::MayNotChange(field)),
        None => Ok(()),
    }
}

/// There is always an administrator who can call.
async fn guard_last_administrator(db: &impl ConnectionTrait, user: &User, draft: &Draft) -> Result<(), Error> {
    let stays = !draft.user.deleted && draft.user.role_id == user.role.id;
    if user.role.name == ADMINISTRATOR && !stays && user::is_last_administrator(db, user).await? {
        return Err(Error::LastAdministrator);
    }
    Ok(())
}

async fn store(db: &impl ConnectionTrait, present: Option<&User>, draft: Draft) -> Result<i32, DbErr> {
    let Draft { user: mut row, other_group_ids, person } = draft;
    let own = present.and_then(|user| user.person.clone());
    row.person_id = Some(store_person(db, own, person).await?);
    let mut keys = vec![login_name::fold(&row.name)];
    if !row.user_name.is_empty() {
        keys.push(login_name::fold(&row.user_name));
    }
    keys.dedup();
    let (deleted, was_deleted) = (row.deleted, present.is_some_and(|user| user.user.deleted));
    row.deleted = was_deleted;
    let id = match present {
        None => user::insert(db, row).await?,
        Some(user) => {
            user::update(db, row).await?;
            user.user.id
        }
    };
    login_name::replace(db, &keys, id).await?;
    membership::replace(db, id, &other_group_ids).await?;
    if deleted != was_deleted
        && let Some(user) = user::find(db, id).await?
    {
        user::set_deleted(db, &user, deleted).await?;
    }
    Ok(id)
}

/// The own person is changed; another one is taken as it is; without any, one is made.
async fn store_person(
    db: &impl ConnectionTrait,
    own: Option<person::Model>,
    wanted: person::Model,
) -> Result<i32, DbErr> {
    match own {
        Some(own) if [0, own.id].contains(&wanted.id) => {
            person::update(db, person::Model { id: own.id, retired: own.retired, ..wanted }).await?;
            Ok(own.id)
        }
        _ if wanted.id != 0 => Ok(wanted.id),
        _ => Ok(person::insert(db, person::Model { retired: false, ..wanted }).await?.id),
    }
}
