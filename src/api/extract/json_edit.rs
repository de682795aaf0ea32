//! Connects the user service with JSON: its input is made from request bodies, its results become models.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{json_body::PartialUpdate, user_patch::UserPatch};
use crate::{
    api::models::{
        Credential, User, UserType,
        datetime::{by_the_clock, current_clock},
    },
    error::Error,
    localization::Clock,
    users::{self, Caller, FieldError, Precondition, UserDetails, UserEdit, UserInput, UserRef, UserService},
};

/// A change of a user in JSON. It keeps the clock of its request, because it may be applied later, in a transaction.
#[derive(Clone)]
struct JsonEdit {
    patch: Arc<UserPatch>,
    clock: Clock,
}

impl UserEdit for JsonEdit {
    fn apply(&self, present: UserDetails) -> Result<UserInput, Error> {
        let (row, person) = (present.user.user.clone(), present.user.person.clone().unwrap_or_default());
        let changed = by_the_clock(&self.clock, || UserPatch::clone(&self.patch).apply(&present.into()))?;
        // A patch with a password is refused: the password is known only after applying the patch, possibly within a
        // transaction, and hashing would keep that transaction open.
        let has_secret = |credential: &Credential| credential.value.as_ref().is_some_and(|value| !value.is_empty());
        if self.patch.is_patch() && changed.credentials.iter().any(has_secret) {
            return Err(Error::Validation("Credentials: a patch cannot set a password; use PUT".to_owned()));
        }
        Ok(changed.into_input(row, &person))
    }

    fn password(&self) -> Result<Option<String>, Error> {
        self.patch.password()
    }
}

/// Updates the user with the given AssociateId. When it is missing or 0, creates a user.
///
/// # Errors
/// As [`UserService::create`] and [`UserService::update`].
pub async fn save(service: &UserService, caller: &Caller, given: PartialUpdate<User>) -> Result<User, Error> {
    match given.number("AssociateId") {
        0 => Ok(service.create(caller, type_in(&given), edit(UserPatch::Properties(given))).await?.into()),
        id => update(service, caller, UserRef::Id(id), UserPatch::Properties(given), Precondition::default()).await,
    }
}

/// Updates a user if the precondition is met.
///
/// # Errors
/// As [`UserService::update`].
pub async fn update(
    service: &UserService,
    caller: &Caller,
    user: UserRef,
    patch: UserPatch,
    precondition: impl Into<Precondition>,
) -> Result<User, Error> {
    Ok(service.update(caller, user, edit(patch), precondition.into()).await?.into())
}

/// A new user of this type with default values. It is not stored.
///
/// # Errors
/// As [`UserService::blank`].
pub async fn blank(service: &UserService, caller: &Caller, user_type: UserType, person_id: i32) -> Result<User, Error> {
    Ok(service.blank(caller, known_type(user_type), person_id).await?.into())
}

/// The validation errors of a user, by property. Several errors of one property are joined by `; `.
///
/// # Errors
/// As [`UserService::validate`].
pub async fn validate(
    service: &UserService,
    caller: &Caller,
    given: PartialUpdate<User>,
) -> Result<BTreeMap<String, String>, Error> {
    let (id, user_type) = (given.number("AssociateId"), type_in(&given));
    let errors = service.validate(caller, id, user_type, edit(UserPatch::Properties(given))).await?;
    let mut by_property = BTreeMap::<String, String>::new();
    for FieldError { field, reason } in errors {
        let entry = by_property.entry(field.to_owned());
        entry.and_modify(|all| *all = format!("{all}; {reason}")).or_insert(reason);
    }
    Ok(by_property)
}

fn edit(patch: UserPatch) -> JsonEdit {
    JsonEdit { patch: Arc::new(patch), clock: current_clock() }
}

/// The given type of a new user, or the default.
fn type_in(given: &PartialUpdate<User>) -> users::UserType {
    let user_type = given.get("Type").and_then(Value::as_str).and_then(UserType::named);
    known_type(user_type.unwrap_or(UserType::Unknown))
}

fn known_type(user_type: UserType) -> users::UserType {
    user_type.try_into().unwrap_or(users::UserType::InternalAssociate)
}
