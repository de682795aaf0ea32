//! Making users, changing them and retiring them, for somebody who may.

use sea_orm::{ActiveEnum, ConnectionTrait, DbErr};

use super::{
    Caller, ProviderNames, User, access, credential,
    draft::Draft,
    last_administrator::{Login, UserAccess},
    limits, login_name, membership,
    password::PasswordHash,
    role,
    shared_person::{PersonChange, is_retired_with, may_change_person, sharers},
    ticket,
    user::{self, Column, Presence},
};
use crate::error::Error;

/// Makes a user, or changes the one with the draft's id, and answers with the id. Run it in a transaction.
///
/// # Errors
/// As [`check_save`].
pub async fn save(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    draft: Draft,
    password: Option<PasswordHash>,
) -> Result<i32, Error> {
    let plan = plan_save(db, caller, draft, password.is_some()).await?;
    plan.check_administrators(db, provider, password.is_some()).await?;
    let id = plan.store(db).await?;
    if let Some(password) = password {
        credential::set_password(db, id, password, None).await?;
    }
    Ok(id)
}

/// The same as one of many changes: the caller compares the administrators before the first and after the last of them.
pub(super) async fn save_one_of_many(db: &impl ConnectionTrait, caller: &Caller, draft: Draft) -> Result<i32, Error> {
    Ok(plan_save(db, caller, draft, false).await?.store(db).await?)
}

/// Checks whether a caller may save a draft. It stores nothing: run it before the transaction, too, so that what is
/// refused takes no lock.
///
/// # Errors
/// The caller may not, the draft has faults, or it would take the last administrator.
pub async fn check_save(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    draft: Draft,
    sets_password: bool,
) -> Result<(), Error> {
    let plan = plan_save(db, caller, draft, sets_password).await?;
    plan.check_administrators(db, provider, sets_password).await
}

/// The user as it is, the completed draft, and its person.
struct SavePlan {
    present: Option<User>,
    draft: Draft,
    person: PersonChange,
}

impl SavePlan {
    async fn check_administrators(
        &self,
        db: &impl ConnectionTrait,
        provider: ProviderNames,
        sets_password: bool,
    ) -> Result<(), Error> {
        let Self { present: Some(user), draft, person } = self else { return Ok(()) };
        let check = access::check(db, provider, user, |before| UserAccess {
            is_administrator: before.is_administrator && draft.user.role_id == user.user.role_id,
            is_deleted: draft.user.deleted,
            person_id: person.id(),
            is_person_retired: person.next.retired,
            password: if sets_password { Login::Lasting } else { before.password },
            is_known_to_provider: provider.can_be([&draft.user.name, &draft.user.user_name]),
            ..before
        });
        Ok(check.await?)
    }

    async fn store(self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
        let Self { present, mut draft, person } = self;
        draft.user.person_id = Some(person.store(db).await?);
        store(db, present.as_ref(), draft).await
    }
}

/// Checks everything but the rule of the last administrator.
async fn plan_save(
    db: &impl ConnectionTrait,
    caller: &Caller,
    draft: Draft,
    sets_password: bool,
) -> Result<SavePlan, Error> {
    let present = match draft.user.id {
        0 => None,
        id => Some(user::find(db, id).await?.ok_or(Error::NoSuchUser)?),
    };
    let draft = draft.complete(db).await?;
    permit(db, caller, present.as_ref(), &draft, sets_password).await?;
    let person = plan_person(db, caller, present.as_ref(), &draft).await?;
    let faults = draft.faults(db, present.as_ref()).await?;
    if !faults.is_empty() {
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        return Err(Error::Validation(told.join("; ")));
    }
    Ok(SavePlan { present, draft, person })
}

/// Retires a user, or takes that back. Run it in a transaction.
///
/// # Errors
/// As [`check_retired`].
pub async fn set_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    retired: bool,
) -> Result<(), Error> {
    permit_retired(db, caller, user, retired).await?;
    Ok(access::set_retired(db, caller, provider, user, retired).await?)
}

/// Checks whether a caller may retire a user, or take that back. It stores nothing, as [`check_save`].
///
/// # Errors
/// The caller may not, or it is the last administrator.
pub async fn check_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    retired: bool,
) -> Result<(), Error> {
    permit_retired(db, caller, user, retired).await?;
    Ok(access::check_retired(db, caller, provider, user, retired).await.map(drop)?)
}

async fn permit_retired(db: &impl ConnectionTrait, caller: &Caller, user: &User, retired: bool) -> Result<(), Error> {
    let draft = Draft::of(db, user).await?;
    let draft = Draft { user: super::UserRow { deleted: retired, ..draft.user }, ..draft };
    permit(db, caller, Some(user), &draft, false).await
}

/// Checks a presence message against its limit.
///
/// # Errors
/// It is too long.
pub fn check_presence_message(message: &str) -> Result<(), Error> {
    limits::check("message", message, limits::PRESENCE_MESSAGE)
        .map_err(|error| Error::Validation(format!("Message: {error}")))
}

/// Says whether a user can be reached.
///
/// # Errors
/// The message is too long, or the database does not answer.
pub async fn set_presence(db: &impl ConnectionTrait, id: i32, status: Presence, message: &str) -> Result<(), Error> {
    check_presence_message(message)?;
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

/// The person that the draft wants. Attaching, changing or retiring it takes the right to manage all of its users.
async fn plan_person(
    db: &impl ConnectionTrait,
    caller: &Caller,
    present: Option<&User>,
    draft: &Draft,
) -> Result<PersonChange, Error> {
    let own = present.and_then(|user| user.person.as_ref());
    let mut person = PersonChange::plan(db, own, draft.person.clone()).await?;
    let is_retired = draft.user.deleted;
    let retires = is_retired != present.is_some_and(|user| user.user.deleted);
    if !retires && !person.concerns_sharers() {
        return Ok(person);
    }
    let sharers = sharers(db, person.id(), draft.user.id).await?;
    if retires {
        person.next.retired = is_retired_with(is_retired, &person.next, &sharers);
    }
    match !person.concerns_sharers() || may_change_person(caller, &sharers) {
        true => Ok(person),
        false => Err(Error::SharedPerson),
    }
}

async fn store(db: &impl ConnectionTrait, present: Option<&User>, draft: Draft) -> Result<i32, DbErr> {
    let Draft { user: row, other_group_ids, .. } = draft;
    let mut keys = vec![login_name::fold(&row.name)];
    if !row.user_name.is_empty() {
        keys.push(login_name::fold(&row.user_name));
    }
    keys.dedup();
    let is_retired = row.deleted;
    let id = match present {
        None => user::insert(db, row).await?,
        Some(user) => {
            user::update(db, row).await?;
            user.user.id
        }
    };
    login_name::replace(db, &keys, id).await?;
    membership::replace(db, id, &other_group_ids).await?;
    if is_retired && present.is_some_and(|user| !user.user.deleted) {
        ticket::revoke_all(db, id).await?;
    }
    Ok(id)
}
