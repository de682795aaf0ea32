//! Users in JSON as typed input of the user service, and what it returns as carriers.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    body::Partial,
    carriers::{Credential, User, UserType},
    change::Change,
    wire::{by_the_clock, current_clock},
};
use crate::{
    error::Error,
    localization::Clock,
    users::{self, Account, Caller, Draft, Fault, Precondition, UserEdit, UserRef, UserService},
};

/// A change in JSON. Its dates are by the clock of its request, also when it is applied in a transaction.
#[derive(Clone)]
struct JsonEdit {
    change: Arc<Change>,
    clock: Clock,
}

impl UserEdit for JsonEdit {
    fn apply(&self, present: Account) -> Result<Draft, Error> {
        let (row, person) = (present.user.user.clone(), present.user.person.clone().unwrap_or_default());
        let changed = by_the_clock(&self.clock, || Change::clone(&self.change).apply(&present.into()))?;
        // A password takes time to hash, and a patch shows it only here, perhaps in the transaction.
        let has_secret = |credential: &Credential| credential.value.as_ref().is_some_and(|value| !value.is_empty());
        if self.change.is_patch() && changed.credentials.iter().any(has_secret) {
            return Err(Error::Validation("Credentials: a patch sets no password; PUT does".to_owned()));
        }
        Ok(changed.draft(row, &person))
    }

    fn password(&self) -> Result<Option<String>, Error> {
        self.change.password()
    }
}

/// Changes the user with the AssociateId that is given. Without one, or with 0, it creates a user.
///
/// # Errors
/// As [`UserService::create`] and [`UserService::update`].
pub async fn save(service: &UserService, caller: &Caller, given: Partial<User>) -> Result<User, Error> {
    match given.number("AssociateId") {
        0 => Ok(service.create(caller, type_in(&given), edit(Change::Properties(given))).await?.into()),
        id => update(service, caller, UserRef::Id(id), Change::Properties(given), Precondition::default()).await,
    }
}

/// Changes a user, if the precondition holds.
///
/// # Errors
/// As [`UserService::update`].
pub async fn update(
    service: &UserService,
    caller: &Caller,
    user: UserRef,
    change: Change,
    precondition: impl Into<Precondition>,
) -> Result<User, Error> {
    Ok(service.update(caller, user, edit(change), precondition.into()).await?.into())
}

/// A new user of this type, which is not stored.
///
/// # Errors
/// As [`UserService::blank`].
pub async fn blank(service: &UserService, caller: &Caller, user_type: UserType, person_id: i32) -> Result<User, Error> {
    Ok(service.blank(caller, known_type(user_type), person_id).await?.into())
}

/// What is wrong with a user, by property.
///
/// # Errors
/// As [`UserService::validate`].
pub async fn faults(
    service: &UserService,
    caller: &Caller,
    given: Partial<User>,
) -> Result<BTreeMap<String, String>, Error> {
    let (id, user_type) = (given.number("AssociateId"), type_in(&given));
    let faults = service.validate(caller, id, user_type, edit(Change::Properties(given))).await?;
    let mut told = BTreeMap::<String, String>::new();
    for Fault { field, reason } in faults {
        let entry = told.entry(field.to_owned());
        entry.and_modify(|all| *all = format!("{all}; {reason}")).or_insert(reason);
    }
    Ok(told)
}

fn edit(change: Change) -> JsonEdit {
    JsonEdit { change: Arc::new(change), clock: current_clock() }
}

/// The type that is given to a new user.
fn type_in(given: &Partial<User>) -> users::UserType {
    let user_type = given.get("Type").and_then(Value::as_str).and_then(UserType::named);
    known_type(user_type.unwrap_or(UserType::Unknown))
}

fn known_type(user_type: UserType) -> users::UserType {
    user_type.try_into().unwrap_or(users::UserType::InternalAssociate)
}
