//! Saves a user: authorizes the caller, validates the [`UserInput`] and stores it.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    Caller, ProviderNames, User, UserDetails, access,
    audited::user_saved,
    credential,
    last_administrator::{Login, UserAccess},
    login_name, membership,
    password::PasswordHash,
    role,
    shared_person::{PersonChange, is_retired_with, may_change_person, sharers},
    ticket, user, user_details,
    user_input::UserInput,
};
use crate::{error::Error, executions::audit::Change};

/// A saved user, and the changes to record.
#[derive(Debug)]
pub struct Saved {
    pub details: UserDetails,
    pub changes: Vec<Change>,
}

/// Creates a user, or changes the user with the input's id. Run it in a transaction, and record the changes there.
///
/// # Errors
/// The caller is not authorized, the input is invalid, or it would remove the last administrator.
pub async fn save(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    input: UserInput,
    password: Option<PasswordHash>,
) -> Result<Saved, Error> {
    let plan = SavePlan::new(db, caller, provider, input, password.is_some()).await?;
    store(db, plan, password).await
}

/// Like [`save`], for one of many changes: the calling code checks the rule of the last administrator after all of
/// them.
pub(super) async fn save_one_of_many(
    db: &impl ConnectionTrait,
    caller: &Caller,
    input: UserInput,
) -> Result<Saved, Error> {
    let plan = SavePlan::one_of_many(db, caller, input, false).await?;
    store(db, plan, None).await
}

async fn store(db: &impl ConnectionTrait, plan: SavePlan, password: Option<PasswordHash>) -> Result<Saved, Error> {
    let before = match plan.input.user.id {
        0 => None,
        id => user_details::find(db, id).await?,
    };
    let sets_password = password.is_some();
    let id = plan.store(db).await?;
    if let Some(password) = password {
        credential::set_password(db, id, password, None).await?;
    }
    let details = user_details::find(db, id).await?.ok_or(Error::NoSuchUser)?;
    let changes = user_saved(before.as_ref(), &details, sets_password);
    Ok(Saved { details, changes })
}

/// A checked change: the stored user, the completed input and the planned person.
pub(super) struct SavePlan {
    present: Option<User>,
    input: UserInput,
    person: PersonChange,
}

impl SavePlan {
    /// Checks whether a caller may save an input. Stores nothing. Run it before the transaction as well, so that a
    /// rejected input takes no locks.
    ///
    /// # Errors
    /// As [`save`].
    pub(super) async fn new(
        db: &impl ConnectionTrait,
        caller: &Caller,
        provider: ProviderNames,
        input: UserInput,
        sets_password: bool,
    ) -> Result<Self, Error> {
        let plan = Self::one_of_many(db, caller, input, sets_password).await?;
        plan.check_administrators(db, provider, sets_password).await?;
        Ok(plan)
    }

    /// Checks everything except the rule of the last administrator.
    async fn one_of_many(
        db: &impl ConnectionTrait,
        caller: &Caller,
        input: UserInput,
        sets_password: bool,
    ) -> Result<Self, Error> {
        let present = match input.user.id {
            0 => None,
            id => Some(user::find(db, id).await?.ok_or(Error::NoSuchUser)?),
        };
        let input = input.complete(db).await?;
        authorize(db, caller, present.as_ref(), &input, sets_password).await?;
        let person = plan_person(db, caller, present.as_ref(), &input).await?;
        let errors = input.validate(db, present.as_ref()).await?;
        if !errors.is_empty() {
            let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
            return Err(Error::Validation(messages.join("; ")));
        }
        Ok(Self { present, input, person })
    }

    async fn check_administrators(
        &self,
        db: &impl ConnectionTrait,
        provider: ProviderNames,
        sets_password: bool,
    ) -> Result<(), Error> {
        let Self { present: Some(user), input, person } = self else { return Ok(()) };
        let check = access::check(db, provider, user, |before| UserAccess {
            is_administrator: before.is_administrator && input.user.role_id == user.user.role_id,
            is_deleted: input.user.deleted,
            person_id: person.id(),
            is_person_retired: person.next.retired,
            password: if sets_password { Login::Lasting } else { before.password },
            is_known_to_provider: provider.can_name([&input.user.name, &input.user.user_name]),
            ..before
        });
        Ok(check.await?)
    }

    /// Stores the input and returns the user's id.
    async fn store(self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
        let Self { present, input: UserInput { user: mut row, other_group_ids, .. }, person } = self;
        row.person_id = Some(person.store(db).await?);
        let mut keys = vec![login_name::fold(&row.name)];
        if !row.user_name.is_empty() {
            keys.push(login_name::fold(&row.user_name));
        }
        keys.dedup();
        let is_retired = row.deleted;
        let id = match &present {
            None => user::insert(db, row).await?,
            Some(user) => {
                user::update(db, row).await?;
                user.user.id
            }
        };
        login_name::replace(db, &keys, id).await?;
        membership::replace(db, id, &other_group_ids).await?;
        if is_retired && present.is_some_and(|user| !user.user.deleted) {
            ticket::revoke_all(db, &[id]).await?;
        }
        Ok(id)
    }
}

/// Checks whether the caller may change a user to this input. No caller may assign a role that outranks their own.
/// Callers who may only manage themselves may not change the restricted properties.
pub(super) async fn authorize(
    db: &impl ConnectionTrait,
    caller: &Caller,
    present: Option<&User>,
    input: &UserInput,
    sets_password: bool,
) -> Result<(), Error> {
    let may_manage = present.map_or_else(|| caller.may_manage_others(), |user| caller.may_manage(user));
    if !may_manage {
        return Err(Error::MayNotManageUser);
    }
    if caller.may_manage_others() {
        let role = role::find(db, input.user.role_id).await?;
        let may_give = role.is_none_or(|role| caller.may_give(&role));
        return if may_give { Ok(()) } else { Err(Error::MayNotChange("Role")) };
    }
    let Some(present) = present else { return Err(Error::MayNotManageUser) };
    let present = UserInput::of(db, present).await?.complete(db).await?;
    let changed = input.restricted_differences(&present).into_iter().find(|(_, differs)| *differs);
    match changed.map(|(field, _)| field).or(sets_password.then_some("Credentials")) {
        Some(field) => Err(Error::MayNotChange(field)),
        None => Ok(()),
    }
}

/// Plans the person of the input. Attaching, changing or retiring a person requires the right to manage all of its
/// users.
async fn plan_person(
    db: &impl ConnectionTrait,
    caller: &Caller,
    present: Option<&User>,
    input: &UserInput,
) -> Result<PersonChange, Error> {
    let own = present.and_then(|user| user.person.as_ref());
    let mut person = PersonChange::plan(db, own, input.person.clone()).await?;
    let is_retired = input.user.deleted;
    let retires = is_retired != present.is_some_and(|user| user.user.deleted);
    if !retires && !person.concerns_sharers() {
        return Ok(person);
    }
    let sharers = sharers(db, person.id(), input.user.id).await?;
    if retires {
        person.next.retired = is_retired_with(is_retired, &person.next, &sharers);
    }
    match !person.concerns_sharers() || may_change_person(caller, &sharers) {
        true => Ok(person),
        false => Err(Error::SharedPerson),
    }
}
