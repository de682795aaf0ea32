//! Rules for persons that several users share. A change of the person changes all of these users.

use sea_orm::{ConnectionTrait, DbErr};

use super::{Caller, User, person, user};

/// The other users who have this person.
pub(super) async fn sharers(
    db: &impl ConnectionTrait,
    person_id: Option<i32>,
    user_id: i32,
) -> Result<Vec<User>, DbErr> {
    let Some(person_id) = person_id else { return Ok(Vec::new()) };
    let mut users = user::list_by_person(db, person_id).await?;
    users.retain(|user| user.user.id != user_id);
    Ok(users)
}

/// Whether the caller may change the person of these users.
pub(super) fn may_change_person(caller: &Caller, sharers: &[User]) -> bool {
    sharers.iter().all(|user| caller.may_manage(user))
}

/// Whether the person must be retired after a user's change: an active user needs an active person, and a person is
/// retired together with its last active user.
pub(super) fn is_retired_with(is_user_retired: bool, person: &person::Model, sharers: &[User]) -> bool {
    is_user_retired && (person.retired || sharers.iter().all(|user| user.user.deleted))
}

/// The planned person of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PersonChange {
    /// The stored person; `None` for a new person.
    stored: Option<person::Model>,
    pub(super) next: person::Model,
    is_attached: bool,
}

impl PersonChange {
    /// Changes the user's own person, attaches another existing person unchanged, or creates a new person.
    pub(super) async fn plan(
        db: &impl ConnectionTrait,
        own: Option<&person::Model>,
        wanted: person::Model,
    ) -> Result<Self, DbErr> {
        if let Some(own) = own.filter(|own| [0, own.id].contains(&wanted.id)) {
            let next = person::Model { id: own.id, retired: own.retired, ..wanted };
            return Ok(Self { stored: Some(own.clone()), next, is_attached: false });
        }
        let stored = if wanted.id == 0 { None } else { person::find(db, wanted.id).await? };
        let next = stored.clone().unwrap_or(person::Model { retired: false, ..wanted });
        Ok(Self { is_attached: next.id != 0, stored, next })
    }

    /// The person's id; `None` for a new person.
    pub(super) fn id(&self) -> Option<i32> {
        Some(self.next.id).filter(|id| *id != 0)
    }

    /// Whether the plan affects other users of the person: it attaches or changes the person.
    pub(super) fn concerns_sharers(&self) -> bool {
        self.is_attached || self.is_changed()
    }

    fn is_changed(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| *stored != self.next)
    }

    /// Stores a new or changed person and returns its id.
    pub(super) async fn store(self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
        let (id, is_changed) = (self.id(), self.is_changed());
        match id {
            None => Ok(person::insert(db, self.next).await?.id),
            Some(id) if is_changed => {
                person::update(db, self.next).await?;
                user::note_changed_person(db, id).await?;
                Ok(id)
            }
            Some(id) => Ok(id),
        }
    }
}
