//! User management. Each change is checked before it waits for a lock, and again in its transaction.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::{ActiveEnum, ConnectionTrait, prelude::DateTimeUtc};
use secrecy::ExposeSecret;

use super::{
    Caller, FieldError, Presence, ProviderNames, User, UserColumn, UserDetails, UserInput, UserType, access,
    audited::user_subject,
    credential, field_limits,
    password::{PasswordHash, PasswordHasher, Requester},
    person,
    row_lock::{self, lock_table},
    save_plan::{SavePlan, Saved, authorize, save},
    user, user_details, user_input,
};
use crate::{
    error::Error,
    executions::audit::{Action, AuditLog, Change, ChangedFields},
    store::{Store, Touched, WriteTransaction},
};

/// Identifies a user.
#[derive(Clone, Debug)]
pub enum UserRef {
    Id(i32),
    /// A Name or UserName.
    Name(String),
}

/// The precondition of a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Precondition {
    /// The user must not have changed at or after this time.
    pub unmodified_since: Option<DateTimeUtc>,
}

impl Precondition {
    /// Checks the time of the user's last change.
    ///
    /// # Errors
    /// The user changed too late.
    pub fn check(self, changed_at: DateTimeUtc) -> Result<(), Error> {
        match self.unmodified_since {
            Some(since) if changed_at >= since => Err(Error::Modified),
            _ => Ok(()),
        }
    }
}

/// A change of a stored user. It is applied again when the user changed meanwhile.
pub trait UserEdit: Clone + Send + Sync + 'static {
    /// Applies the edit to a user.
    ///
    /// # Errors
    /// The edit does not fit the user.
    fn apply(&self, present: UserDetails) -> Result<UserInput, Error>;

    /// The new password, if the edit sets one.
    ///
    /// # Errors
    /// The edit is ambiguous.
    fn password(&self) -> Result<Option<String>, Error>;
}

/// What a transaction locks before it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteLock {
    /// All users. On PostgreSQL, no command changes a user meanwhile.
    AllUsers,
    /// One user, for what is stored beside the user.
    User(i32),
}

/// The result of a transaction that changes users: the answer, the cached rows that it touched, and the changes for the
/// audit chain.
#[derive(Debug)]
pub struct Written<T> {
    pub answer: T,
    pub touched: Touched,
    pub changes: Vec<Change>,
}

impl<T> Written<T> {
    pub fn new(answer: T, touched: Touched, changes: impl IntoIterator<Item = Change>) -> Self {
        Self { answer, touched, changes: changes.into_iter().collect() }
    }
}

/// Creates, changes, deactivates and reactivates users.
#[derive(Clone, Debug)]
pub struct UserService {
    pub store: Store,
    pub passwords: PasswordHasher,
    pub provider: ProviderNames,
    pub audit_log: AuditLog,
}

impl UserService {
    /// Runs `work` in a transaction, with the caller read again there. Rolls back when it fails.
    ///
    /// The transaction blocks other changes of users: on PostgreSQL it locks all users. So `check` runs before it, with
    /// all checks and all slow work. `work` gets the result of `check`, and must check again because the data may have
    /// changed.
    ///
    /// # Errors
    /// The errors of `check` and `work`, or the caller is retired by now.
    pub async fn write<C, T, F>(
        &self,
        caller: &Caller,
        check: impl Future<Output = Result<C, Error>> + Send,
        work: F,
    ) -> Result<T, Error>
    where
        C: Clone + Send + 'static,
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction, Caller, C) -> BoxFuture<'a, Result<Written<T>, Error>>
            + Clone
            + Send
            + 'static,
    {
        self.write_locking(WriteLock::AllUsers, caller, check, work).await
    }

    /// As [`Self::write`], with another lock.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_locking<C, T, F>(
        &self,
        lock: WriteLock,
        caller: &Caller,
        check: impl Future<Output = Result<C, Error>> + Send,
        work: F,
    ) -> Result<T, Error>
    where
        C: Clone + Send + 'static,
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction, Caller, C) -> BoxFuture<'a, Result<Written<T>, Error>>
            + Clone
            + Send
            + 'static,
    {
        let (id, actor, checked) = (caller.user_id, caller.actor(), check.await?);
        let audit_log = self.audit_log.clone();
        let work = self.store.write(move |tx| {
            Box::pin(async move {
                match lock {
                    WriteLock::AllUsers => lock_table(tx).await?,
                    WriteLock::User(id) => row_lock::lock(tx, id).await?,
                }
                let caller = user::find(tx, id).await?.as_ref().and_then(Caller::of).ok_or(Error::Unauthenticated)?;
                let Written { answer, touched, changes } = work(tx, caller, checked).await?;
                audit_log.record(tx, &actor, changes).await?;
                Ok((answer, touched))
            })
        });
        work.await
    }

    /// Creates a user of this type from the defaults and the edit.
    ///
    /// # Errors
    /// The caller is not authorized, or the user is invalid.
    pub async fn create(
        &self,
        caller: &Caller,
        user_type: UserType,
        edit: impl UserEdit,
    ) -> Result<UserDetails, Error> {
        let (again, provider) = (edit.clone(), self.provider);
        let check = async {
            if !caller.may_manage_others() {
                return Err(Error::MayNotManageUser);
            }
            let input = edit.apply(blank(self.store.reader(), user_type, None).await?)?;
            self.check_save(caller, input, edit.password()).await
        };
        let work = self.write(caller, check, move |tx, caller, password| {
            Box::pin(async move {
                let input = again.apply(blank(tx, user_type, None).await?)?;
                let Saved { details, changes } = save(tx, &caller, provider, input, password).await?;
                Ok(Written::new(details, Touched::Everything, changes))
            })
        });
        work.await
    }

    /// Changes a user, if the precondition is met.
    ///
    /// # Errors
    /// The caller is not authorized, the user does not exist or was modified, or the change is invalid.
    pub async fn update(
        &self,
        caller: &Caller,
        user: UserRef,
        edit: impl UserEdit,
        precondition: Precondition,
    ) -> Result<UserDetails, Error> {
        let (user_ref, again, provider) = (user.clone(), edit.clone(), self.provider);
        let check = async {
            let present = find_unmodified(self.store.reader(), caller, &user, precondition).await?;
            let input = edit.apply(present.clone())?;
            let password = self.check_save(caller, input.clone(), edit.password()).await?;
            Ok((present, input, password))
        };
        let work = self.write(caller, check, move |tx, caller, (before, input, password)| {
            Box::pin(async move {
                let present = find_unmodified(tx, &caller, &user_ref, precondition).await?;
                // Applied again only if the user changed meanwhile, because a large edit is slow and others wait.
                let input = if present == before { input } else { again.apply(present)? };
                let Saved { details, changes } = save(tx, &caller, provider, input, password).await?;
                Ok(Written::new(details, Touched::Everything, changes))
            })
        });
        work.await
    }

    /// Checks whether an input can be saved, then hashes the password.
    async fn check_save(
        &self,
        caller: &Caller,
        input: UserInput,
        password: Result<Option<String>, Error>,
    ) -> Result<Option<PasswordHash>, Error> {
        let sets_password = !matches!(password, Ok(None));
        SavePlan::new(self.store.reader(), caller, self.provider, input, sets_password).await?;
        match password? {
            Some(password) => self.hash(caller, &password).await.map(Some),
            None => Ok(None),
        }
    }

    /// The errors that saving the edit would cause, for the user with this id or for a new user of this type. The
    /// errors reveal which names are taken, so the caller needs the right to read users.
    ///
    /// # Errors
    /// The caller is not authorized, or the edit does not fit the user.
    pub async fn validate(
        &self,
        caller: &Caller,
        id: i32,
        user_type: UserType,
        edit: impl UserEdit,
    ) -> Result<Vec<FieldError>, Error> {
        if !caller.may_read_others() {
            return Err(Error::MayNotReadUser);
        }
        let db = self.store.reader();
        let stored = if id == 0 { None } else { user_details::find(db, id).await? };
        let input = match stored.clone() {
            Some(present) => edit.apply(present)?,
            None => edit.apply(blank(db, user_type, None).await?)?,
        };
        let stored = stored.as_ref().map(|details| &*details.user);
        Ok(input.complete(db).await?.validate(db, stored).await?)
    }

    /// A new user of this type with the default role and group; nothing is stored. A `person_id` other than 0 requires
    /// the right to read users.
    ///
    /// # Errors
    /// The caller is not authorized, or the person does not exist.
    pub async fn blank(&self, caller: &Caller, user_type: UserType, person_id: i32) -> Result<UserDetails, Error> {
        if person_id != 0 && !caller.may_read_others() {
            return Err(Error::MayNotReadUser);
        }
        let db = self.store.reader();
        let missing = || Error::Validation(format!("Person: there is no person {person_id}"));
        let person = match person_id {
            0 => None,
            id => Some(person::find(db, id).await?.ok_or_else(missing)?),
        };
        blank(db, user_type, person).await
    }

    /// Deactivates (deletes) or reactivates a user, if the precondition is met.
    ///
    /// # Errors
    /// The caller is not authorized, the user does not exist or was modified, or is the last administrator.
    pub async fn set_retired(
        &self,
        caller: &Caller,
        user: UserRef,
        is_retired: bool,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let (user_ref, provider) = (user.clone(), self.provider);
        let check = async {
            let db = self.store.reader();
            let user = find_to_retire(db, caller, &user, is_retired, precondition).await?;
            Ok(access::check_retired(db, caller, provider, &user, is_retired).await.map(drop)?)
        };
        let work = self.write(caller, check, move |tx, caller, ()| {
            Box::pin(async move {
                let user = find_to_retire(tx, &caller, &user_ref, is_retired, precondition).await?;
                let change = access::set_retired(tx, &caller, provider, &user, is_retired).await?;
                Ok(Written::new((), Touched::Everything, change))
            })
        });
        work.await
    }

    /// Sets a user's presence.
    ///
    /// # Errors
    /// The caller is not authorized, the user does not exist, or the message is too long.
    pub async fn set_presence(
        &self,
        caller: &Caller,
        user: UserRef,
        status: Presence,
        message: String,
    ) -> Result<(), Error> {
        let user_ref = user.clone();
        let check = async {
            find_manageable(self.store.reader(), caller, &user).await?;
            field_limits::check("message", &message, field_limits::PRESENCE_MESSAGE)
                .map_err(|error| Error::Validation(format!("Message: {error}")))?;
            Ok(message)
        };
        let work = self.write(caller, check, move |tx, caller, message| {
            Box::pin(async move {
                let user = find_manageable(tx, &caller, &user_ref).await?;
                let id = user.user.id;
                let fields = |status: Presence, message: &str| {
                    ChangedFields::from([
                        ("presence", status.to_value().into()),
                        ("presenceMessage", message.to_owned().into()),
                    ])
                };
                let before = fields(user.user.presence_status, &user.user.presence_message);
                let after = fields(status, &message);
                let status = (UserColumn::PresenceStatus, status.to_value().into());
                user::set_columns(tx, id, vec![status, (UserColumn::PresenceMessage, message.into())]).await?;
                let change = Change::new(Action::UserUpdated, user_subject(&user)).fields(before, after);
                let change = Some(change).filter(|change| !change.after.is_empty());
                Ok(Written::new((), Touched::users([id]), change))
            })
        });
        work.await
    }

    /// A user that the caller wants to manage.
    ///
    /// # Errors
    /// The caller is not authorized, or the user does not exist.
    pub async fn find_manageable(&self, caller: &Caller, user: &UserRef) -> Result<User, Error> {
        find_manageable(self.store.reader(), caller, user).await
    }

    /// Whether the caller may manage a user; false for a user that does not exist.
    pub async fn may_manage(&self, caller: &Caller, user: UserRef) -> Result<bool, Error> {
        match find_manageable(self.store.reader(), caller, &user).await {
            Ok(_) => Ok(true),
            Err(Error::MayNotManageUser | Error::NoSuchUser | Error::NoSuchUserName) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets a user's password. The caller needs the right to manage users.
    ///
    /// # Errors
    /// The caller is not authorized, the user does not exist, or the policy rejects the password.
    pub async fn set_password(&self, caller: &Caller, user: UserRef, password: &str) -> Result<(), Error> {
        if !caller.may_manage_others() {
            return Err(Error::MayNotManageUser);
        }
        self.replace_password(caller, user, password, None, Action::PasswordSet).await.map(drop)
    }

    /// Sets and returns a random password.
    ///
    /// # Errors
    /// As [`Self::set_password`].
    pub async fn set_generated_password(&self, caller: &Caller, user: UserRef) -> Result<String, Error> {
        let password = self.passwords.policy().generate();
        let password = password.secret().expose_secret();
        if !caller.may_manage_others() {
            return Err(Error::MayNotManageUser);
        }
        self.replace_password(caller, user, password, None, Action::PasswordReset).await?;
        Ok(password.to_owned())
    }

    /// A user and the password hash, against which the old password must be verified before [`Self::change_password`].
    ///
    /// # Errors
    /// The caller is not authorized, or the user does not exist.
    pub async fn find_password(&self, caller: &Caller, user: &UserRef) -> Result<(User, Option<PasswordHash>), Error> {
        let db = self.store.reader();
        let user = find_manageable(db, caller, user).await?;
        let password = credential::find_password(db, user.user.id).await?;
        Ok((user, password.map(|credential| credential.secret)))
    }

    /// Replaces the password with the hash `proved`. Returns false without a change when the user has another password
    /// now.
    ///
    /// # Errors
    /// As [`Self::set_password`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        user: UserRef,
        new: &str,
        proved: PasswordHash,
    ) -> Result<bool, Error> {
        self.replace_password(caller, user, new, Some(proved), Action::PasswordSet).await
    }

    /// Stores a password; with `proved`, only if the stored hash is still this one.
    async fn replace_password(
        &self,
        caller: &Caller,
        user: UserRef,
        new: &str,
        proved: Option<PasswordHash>,
        action: Action,
    ) -> Result<bool, Error> {
        let user_ref = user.clone();
        let check = async {
            find_manageable(self.store.reader(), caller, &user).await?;
            self.hash(caller, new).await
        };
        let work = self.write(caller, check, move |tx, caller, hash| {
            Box::pin(async move {
                let user = find_manageable(tx, &caller, &user_ref).await?;
                let id = user.user.id;
                let present = credential::find_password(tx, id).await?.map(|credential| credential.secret);
                if proved.is_some() && proved != present {
                    return Ok(Written::new(false, Touched::Nothing, None));
                }
                credential::set_password(tx, id, hash, None).await?;
                Ok(Written::new(true, Touched::access([id]), Some(Change::new(action, user_subject(&user)))))
            })
        });
        work.await
    }

    /// Deletes a user's password and tickets. The caller needs the right to manage users. Returns false when there was
    /// no password.
    ///
    /// # Errors
    /// The caller is not authorized, or the user is the last administrator.
    pub async fn delete_password(&self, caller: &Caller, user: UserRef) -> Result<bool, Error> {
        let (user_ref, provider) = (user.clone(), self.provider);
        let check = async {
            let db = self.store.reader();
            let user = find_to_delete_password(db, caller, &user).await?;
            Ok(access::check_delete_password(db, provider, &user).await?)
        };
        let work = self.write(caller, check, move |tx, caller, ()| {
            Box::pin(async move {
                let user = find_to_delete_password(tx, &caller, &user_ref).await?;
                let id = user.user.id;
                let change = access::delete_password(tx, provider, &user).await?;
                let touched = Touched::users([id]).and(Touched::access([id]));
                Ok(Written::new(change.is_some(), touched, change))
            })
        });
        work.await
    }

    /// Checks a new password against the policy and hashes it. Hashing is slow, so authorize the caller first.
    async fn hash(&self, caller: &Caller, password: &str) -> Result<PasswordHash, Error> {
        let new = self.passwords.policy().accept(password);
        let new = new.map_err(|error| Error::Validation(format!("Password: {error}")))?;
        Ok(self.passwords.hash(&new, Requester::User(caller.user_id)).await?)
    }
}

/// The user that a caller wants to manage. Callers who may only manage themselves cannot find out which users exist.
pub(super) async fn find_manageable(db: &impl ConnectionTrait, caller: &Caller, user: &UserRef) -> Result<User, Error> {
    let (found, missing) = match user {
        UserRef::Id(id) => (user::find(db, *id).await?, Error::NoSuchUser),
        UserRef::Name(name) => (user::find_by_login(db, name).await?, Error::NoSuchUserName),
    };
    match found {
        Some(user) if caller.may_manage(&user) => Ok(user),
        None if caller.may_manage_others() => Err(missing),
        _ => Err(Error::MayNotManageUser),
    }
}

/// The user to manage with groups and credentials, if the precondition is met.
async fn find_unmodified(
    db: &impl ConnectionTrait,
    caller: &Caller,
    user: &UserRef,
    precondition: Precondition,
) -> Result<UserDetails, Error> {
    let id = find_manageable(db, caller, user).await?.user.id;
    let details = user_details::find(db, id).await?.ok_or(Error::NoSuchUser)?;
    precondition.check(details.changed_at())?;
    Ok(details)
}

/// The user to deactivate or reactivate, if the caller is authorized.
async fn find_to_retire(
    db: &impl ConnectionTrait,
    caller: &Caller,
    user: &UserRef,
    is_retired: bool,
    precondition: Precondition,
) -> Result<User, Error> {
    let UserDetails { user, .. } = find_unmodified(db, caller, user, precondition).await?;
    let mut input = UserInput::of(db, &user).await?;
    input.user.deleted = is_retired;
    authorize(db, caller, Some(&user), &input, false).await?;
    Ok(Arc::unwrap_or_clone(user))
}

/// The user, if the caller may delete the user's password.
async fn find_to_delete_password(db: &impl ConnectionTrait, caller: &Caller, user: &UserRef) -> Result<User, Error> {
    let user = find_manageable(db, caller, user).await?;
    if !caller.may_manage_others() {
        return Err(Error::MayNotChange("Credentials"));
    }
    Ok(user)
}

/// A new user with the default role and group and without a password.
async fn blank(
    db: &impl ConnectionTrait,
    user_type: UserType,
    person: Option<person::Model>,
) -> Result<UserDetails, Error> {
    let user = user_input::blank(db, user_type, person).await?;
    let user = user.ok_or_else(|| Error::Validation("Type: there is no role for users of this type".to_owned()))?;
    Ok(UserDetails::blank(user))
}
