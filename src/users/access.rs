//! Access changes by user management: deactivating users and deleting passwords. No change may remove the last
//! administrator who can log in.
//!
//! Run each change in a transaction that takes `Lock::RoleChanges` before it locks users. The calling code checks the
//! right to change the user; this file checks the right to change other users through a shared person.

use sea_orm::{DbErr, entity::prelude::*};

use super::{
    Caller, Effect, Impossible, User,
    audited::{user_fields, user_subject},
    credential,
    last_administrator::{Login, ProviderNames, UserAccess, can_lower, lost_administrators},
    snapshot::{Needs, Snapshot, keeps_administrators},
    user,
    user_access::{administrators, of},
    writes::UserWrites,
};
use crate::{
    clock,
    error::Error,
    executions::audit::{Action, Change},
};

/// Why an access change is rejected.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("it is the last administrator who can log in")]
    LastAdministrator,
    #[error("it would change the person of another user that the caller may not manage")]
    SharedPerson,
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::LastAdministrator => Self::LastAdministrator,
            AccessError::SharedPerson => Self::SharedPerson,
            AccessError::Database(error) => error.into(),
        }
    }
}

/// Deactivates or reactivates a user, as upstream does. The person is retired together with its last user. Deactivating
/// deletes the user's tickets. Run it in a transaction, and record the change there; `None` when nothing changed.
///
/// # Errors
/// The user is the last administrator, or the caller may not manage another user of the person.
pub async fn set_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    is_retired: bool,
) -> Result<Option<Change>, AccessError> {
    let time = clock::now_in_micros();
    decide_retired(db, caller, provider, user, is_retired, time).await?.execute(db, time).await?;
    if user.user.deleted == is_retired {
        return Ok(None);
    }
    let action = if is_retired { Action::UserDeactivated } else { Action::UserReactivated };
    let after = user::find(db, user.user.id).await?.map(|after| user_fields(&after)).unwrap_or_default();
    Ok(Some(Change::new(action, user_subject(user)).fields(user_fields(user), after)))
}

/// Checks whether a user can be deactivated or reactivated.
///
/// # Errors
/// As [`set_retired`].
pub async fn check_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    is_retired: bool,
) -> Result<(), AccessError> {
    decide_retired(db, caller, provider, user, is_retired, clock::now_in_micros()).await.map(drop)
}

async fn decide_retired(
    db: &impl ConnectionTrait,
    caller: &Caller,
    provider: ProviderNames,
    user: &User,
    is_retired: bool,
    time: DateTimeUtc,
) -> Result<UserWrites, AccessError> {
    let (id, effect) = (user.user.id, Effect::SetRetired(is_retired));
    let mut needs = Needs::default();
    needs.users.insert(id);
    needs.add_effect(&effect, id);
    let mut snapshot = Snapshot::read(db, &needs, time, provider, None).await?;
    let mut plan = snapshot.plan_for(caller.clone(), id);
    plan.add(&effect).map_err(|impossible| match impossible {
        Impossible::SharedPerson => AccessError::SharedPerson,
        _ => AccessError::LastAdministrator,
    })?;
    let changes = plan.into_changes();
    Ok(snapshot.apply(changes))
}

/// Deletes a user's password and tickets. Run it in a transaction, and record the change there; `None` when there was no
/// password.
///
/// # Errors
/// The user is the last administrator.
pub async fn delete_password(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
) -> Result<Option<Change>, AccessError> {
    check_delete_password(db, provider, user).await?;
    let is_deleted = credential::delete_password(db, user.user.id).await?;
    if is_deleted {
        user::note_change(db, user.user.id).await?;
    }
    Ok(is_deleted.then(|| Change::new(Action::CredentialRemoved, user_subject(user))))
}

/// Checks whether a user's password can be deleted.
///
/// # Errors
/// The user is the last administrator.
pub async fn check_delete_password(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
) -> Result<(), AccessError> {
    check(db, provider, user, |access| UserAccess { password: Login::Impossible, ..access }).await
}

/// Whether the user is an administrator and no other administrator can log in equally well.
pub async fn is_last_administrator(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
) -> Result<bool, DbErr> {
    let result = check(db, provider, user, |access| UserAccess { is_deleted: true, ..access }).await;
    match result {
        Ok(()) => Ok(false),
        Err(AccessError::Database(error)) => Err(error),
        Err(_) => Ok(true),
    }
}

/// Rejects a change after which administrators could log in less well than before. Reads the administrators only if the
/// change can have this effect.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    user: &User,
    change: impl Fn(UserAccess) -> UserAccess + Send + Sync,
) -> Result<(), AccessError> {
    let assumed = of(user, provider);
    if !can_lower(assumed, &change) || keeps_administrators(&administrators(db, provider).await?, assumed, change) {
        return Ok(());
    }
    Err(AccessError::LastAdministrator)
}

/// The active administrators before a change of many users. The rule is checked once after all changes, so that their
/// order does not matter. The transaction must hold `Lock::RoleChanges`.
pub(super) struct AdministratorsBefore(Vec<UserAccess>);

impl AdministratorsBefore {
    pub(super) async fn read(db: &impl ConnectionTrait, provider: ProviderNames) -> Result<Self, DbErr> {
        administrators(db, provider).await.map(Self)
    }

    /// The administrators who lost access, if the administrators can log in less well than before.
    pub(super) async fn lost(&self, db: &impl ConnectionTrait, provider: ProviderNames) -> Result<Vec<i32>, DbErr> {
        Ok(lost_administrators(&self.0, &administrators(db, provider).await?))
    }
}

/// Whether an administrator can log in.
pub async fn has_administrator(db: &impl ConnectionTrait, provider: ProviderNames) -> Result<bool, DbErr> {
    let best = administrators(db, provider).await?.iter().filter_map(UserAccess::administrator_login).max();
    Ok(best > Some(Login::Impossible))
}
