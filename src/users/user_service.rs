//! User management. A change is checked before it waits for a lock, and again in the transaction that makes it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::{ActiveEnum, ConnectionTrait, prelude::DateTimeUtc};
use secrecy::ExposeSecret;

use super::{
    Account, Caller, Draft, Fault, Presence, ProviderNames, User, UserColumn, UserType, access, account, credential,
    draft, limits, lock_table,
    password::{PasswordHash, Passwords, Requester},
    person,
    save_plan::{SavePlan, authorize, save},
    user,
};
use crate::{
    error::Error,
    store::{Store, Touched, WriteTransaction},
};

/// Which user is meant.
#[derive(Clone, Debug)]
pub enum UserRef {
    Id(i32),
    /// A Name or UserName.
    Name(String),
}

/// What must hold for a change to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Precondition {
    /// The user did not change at this time or later.
    pub unmodified_since: Option<DateTimeUtc>,
}

impl Precondition {
    /// Compares the time of the last change.
    ///
    /// # Errors
    /// It is too late.
    pub fn check(self, changed_at: DateTimeUtc) -> Result<(), Error> {
        match self.unmodified_since {
            Some(since) if changed_at >= since => Err(Error::Modified),
            _ => Ok(()),
        }
    }
}

/// A change that begins from the user as it is. It is applied again when the user changed meanwhile.
pub trait UserEdit: Clone + Send + Sync + 'static {
    /// What the edit makes of a user.
    ///
    /// # Errors
    /// It does not fit the user.
    fn apply(&self, present: Account) -> Result<Draft, Error>;

    /// The new password, if the edit sets one.
    ///
    /// # Errors
    /// It is not clear which one.
    fn password(&self) -> Result<Option<String>, Error>;
}

/// Creates, changes and retires users.
#[derive(Clone, Debug)]
pub struct UserService {
    pub store: Store,
    pub passwords: Passwords,
    pub provider: ProviderNames,
}

impl UserService {
    /// Does `work` in a transaction, for a caller who is read again there. It is undone when it fails.
    ///
    /// On PostgreSQL the transaction locks all users, and on SQLite nothing else is written meanwhile. So `check` comes
    /// first, with everything that can be refused and everything that takes long. The work checks again, since the data may
    /// have changed, and gets what the check prepared.
    ///
    /// # Errors
    /// Those of the check and of the work; the caller cannot call any more; or the database does not answer.
    pub async fn write<C, T, F>(
        &self,
        caller: &Caller,
        check: impl Future<Output = Result<C, Error>> + Send,
        work: F,
    ) -> Result<T, Error>
    where
        C: Clone + Send + 'static,
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction, Caller, C) -> BoxFuture<'a, Result<(T, Touched), Error>>
            + Clone
            + Send
            + 'static,
    {
        let (id, checked) = (caller.user_id, check.await?);
        let work = self.store.write(move |tx| {
            Box::pin(async move {
                lock_table(tx).await?;
                let caller = user::find(tx, id).await?.as_ref().and_then(Caller::of).ok_or(Error::Unauthenticated)?;
                work(tx, caller, checked).await
            })
        });
        work.await
    }

    /// Creates a user of this type: what the edit makes of the defaults.
    ///
    /// # Errors
    /// The caller may not, something is wrong with it, or the database does not answer.
    pub async fn create(&self, caller: &Caller, user_type: UserType, edit: impl UserEdit) -> Result<Account, Error> {
        let (again, provider) = (edit.clone(), self.provider);
        let check = async {
            if !caller.may_manage_others() {
                return Err(Error::MayNotManageUser);
            }
            let draft = edit.apply(blank(self.store.reader(), user_type, None).await?)?;
            self.check_save(caller, draft, edit.password()).await
        };
        let work = self.write(caller, check, move |tx, caller, password| {
            Box::pin(async move {
                let draft = again.apply(blank(tx, user_type, None).await?)?;
                let id = save(tx, &caller, provider, draft, password).await?;
                Ok((account::find(tx, id).await?.ok_or(Error::NoSuchUser)?, Touched::Everything))
            })
        });
        work.await
    }

    /// Changes a user, if the precondition holds.
    ///
    /// # Errors
    /// The caller may not, there is no such user, it was changed since, something is wrong with it, or the database does not
    /// answer.
    pub async fn update(
        &self,
        caller: &Caller,
        user: UserRef,
        edit: impl UserEdit,
        precondition: Precondition,
    ) -> Result<Account, Error> {
        let (own, again, provider) = (user.clone(), edit.clone(), self.provider);
        let check = async {
            let present = find_unmodified(self.store.reader(), caller, &user, precondition).await?;
            let draft = edit.apply(present.clone())?;
            let password = self.check_save(caller, draft.clone(), edit.password()).await?;
            Ok((present, draft, password))
        };
        let work = self.write(caller, check, move |tx, caller, (before, draft, password)| {
            Box::pin(async move {
                let present = find_unmodified(tx, &caller, &own, precondition).await?;
                // A large edit takes time while others wait, so it is applied again only to a user who changed meanwhile.
                let draft = if present == before { draft } else { again.apply(present)? };
                let id = save(tx, &caller, provider, draft, password).await?;
                Ok((account::find(tx, id).await?.ok_or(Error::NoSuchUser)?, Touched::Everything))
            })
        });
        work.await
    }

    /// Checks whether a draft can be saved, and only then hashes the password.
    async fn check_save(
        &self,
        caller: &Caller,
        draft: Draft,
        password: Result<Option<String>, Error>,
    ) -> Result<Option<PasswordHash>, Error> {
        let sets_password = !matches!(password, Ok(None));
        SavePlan::new(self.store.reader(), caller, self.provider, draft, sets_password).await?;
        match password? {
            Some(password) => self.hash(caller, &password).await.map(Some),
            None => Ok(None),
        }
    }

    /// Everything that is wrong with the user of this id, or with a new one of this type, as the edit would make it. It
    /// tells whether names are taken, so it is for callers who read others.
    ///
    /// # Errors
    /// The caller may not, it is no user, or the database does not answer.
    pub async fn validate(
        &self,
        caller: &Caller,
        id: i32,
        user_type: UserType,
        edit: impl UserEdit,
    ) -> Result<Vec<Fault>, Error> {
        if !caller.may_read_others() {
            return Err(Error::MayNotReadUser);
        }
        let db = self.store.reader();
        let stored = if id == 0 { None } else { account::find(db, id).await? };
        let draft = match stored.clone() {
            Some(present) => edit.apply(present)?,
            None => edit.apply(blank(db, user_type, None).await?)?,
        };
        let stored = stored.as_ref().map(|account| &*account.user);
        Ok(draft.complete(db).await?.faults(db, stored).await?)
    }

    /// A new user of this type, with the default role and group. Nothing is stored. An id other than 0 names the person, for
    /// callers who read others.
    ///
    /// # Errors
    /// The caller may not, there is no such person, or the database does not answer.
    pub async fn blank(&self, caller: &Caller, user_type: UserType, person_id: i32) -> Result<Account, Error> {
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

    /// Retires a user, which is how users are deleted, or reactivates it; if the precondition holds.
    ///
    /// # Errors
    /// The caller may not, there is no such user, it was changed since, it is the last administrator, or the database does
    /// not answer.
    pub async fn set_retired(
        &self,
        caller: &Caller,
        user: UserRef,
        is_retired: bool,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let (own, provider) = (user.clone(), self.provider);
        let check = async {
            let db = self.store.reader();
            let user = find_to_retire(db, caller, &user, is_retired, precondition).await?;
            Ok(access::check_retired(db, caller, provider, &user, is_retired).await.map(drop)?)
        };
        let work = self.write(caller, check, move |tx, caller, ()| {
            Box::pin(async move {
                let user = find_to_retire(tx, &caller, &own, is_retired, precondition).await?;
                access::set_retired(tx, &caller, provider, &user, is_retired).await?;
                Ok(((), Touched::Everything))
            })
        });
        work.await
    }

    /// Says whether a user can be reached.
    ///
    /// # Errors
    /// The caller may not, there is no such user, the message is too long, or the database does not answer.
    pub async fn set_presence(
        &self,
        caller: &Caller,
        user: UserRef,
        status: Presence,
        message: String,
    ) -> Result<(), Error> {
        let own = user.clone();
        let check = async {
            find_manageable(self.store.reader(), caller, &user).await?;
            limits::check("message", &message, limits::PRESENCE_MESSAGE)
                .map_err(|error| Error::Validation(format!("Message: {error}")))?;
            Ok(message)
        };
        let work = self.write(caller, check, move |tx, caller, message| {
            Box::pin(async move {
                let id = find_manageable(tx, &caller, &own).await?.user.id;
                let status = (UserColumn::PresenceStatus, status.to_value().into());
                user::set_columns(tx, id, vec![status, (UserColumn::PresenceMessage, message.into())]).await?;
                Ok(((), Touched::users([id])))
            })
        });
        work.await
    }

    /// Whether the caller may manage a user. A user who does not exist is not manageable.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn may_manage(&self, caller: &Caller, user: UserRef) -> Result<bool, Error> {
        match find_manageable(self.store.reader(), caller, &user).await {
            Ok(_) => Ok(true),
            Err(Error::MayNotManageUser | Error::NoSuchUser | Error::NoSuchUserName) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a user this password in place of any other, for callers who manage others.
    ///
    /// # Errors
    /// The caller may not, there is no such user, it can be no password, or the database does not answer.
    pub async fn set_password(&self, caller: &Caller, user: UserRef, password: &str) -> Result<(), Error> {
        if !caller.may_manage_others() {
            return Err(Error::MayNotManageUser);
        }
        self.replace_password(caller, user, password, None).await.map(drop)
    }

    /// Gives a user a random password, and returns it.
    ///
    /// # Errors
    /// As [`Self::set_password`].
    pub async fn set_generated_password(&self, caller: &Caller, user: UserRef) -> Result<String, Error> {
        let password = self.passwords.policy().generate();
        let password = password.secret().expose_secret();
        self.set_password(caller, user, password).await?;
        Ok(password.to_owned())
    }

    /// A user and the hash of the password, which the caller is to prove before [`Self::change_password`].
    ///
    /// # Errors
    /// The caller may not, there is no such user, or the database does not answer.
    pub async fn find_password(&self, caller: &Caller, user: &UserRef) -> Result<(User, Option<PasswordHash>), Error> {
        let db = self.store.reader();
        let user = find_manageable(db, caller, user).await?;
        let password = credential::find_password(db, user.user.id).await?;
        Ok((user, password.map(|credential| credential.secret)))
    }

    /// Gives a user a new password in place of the one that the caller proved. False, and no change, when the user has
    /// another one by now.
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
        self.replace_password(caller, user, new, Some(proved)).await
    }

    /// Stores a password, unless the present one is no longer the one that was proved.
    async fn replace_password(
        &self,
        caller: &Caller,
        user: UserRef,
        new: &str,
        proved: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        let own = user.clone();
        let check = async {
            find_manageable(self.store.reader(), caller, &user).await?;
            self.hash(caller, new).await
        };
        let work = self.write(caller, check, move |tx, caller, hash| {
            Box::pin(async move {
                let id = find_manageable(tx, &caller, &own).await?.user.id;
                let present = credential::find_password(tx, id).await?.map(|credential| credential.secret);
                if proved.is_some() && proved != present {
                    return Ok((false, Touched::Nothing));
                }
                credential::set_password(tx, id, hash, None).await?;
                Ok((true, Touched::access([id])))
            })
        });
        work.await
    }

    /// Deletes a user's password and tickets, for callers who manage others. False when there was no password.
    ///
    /// # Errors
    /// The caller may not, it is the last administrator, or the database does not answer.
    pub async fn delete_password(&self, caller: &Caller, user: UserRef) -> Result<bool, Error> {
        let (own, provider) = (user.clone(), self.provider);
        let check = async {
            let db = self.store.reader();
            let user = find_to_delete_password(db, caller, &user).await?;
            Ok(access::check_delete_password(db, provider, &user).await?)
        };
        let work = self.write(caller, check, move |tx, caller, ()| {
            Box::pin(async move {
                let user = find_to_delete_password(tx, &caller, &own).await?;
                let id = user.user.id;
                let is_deleted = access::delete_password(tx, provider, &user).await?;
                Ok((is_deleted, Touched::users([id]).and(Touched::access([id]))))
            })
        });
        work.await
    }

    /// The hash of a new password that the policy accepts. Hashing takes long: first check whether the caller may set it.
    async fn hash(&self, caller: &Caller, password: &str) -> Result<PasswordHash, Error> {
        let new = self.passwords.policy().accept(password);
        let new = new.map_err(|fault| Error::Validation(format!("Password: {fault}")))?;
        Ok(self.passwords.hash(&new, Requester::User(caller.user_id)).await?)
    }
}

/// The user that a caller wants to manage. Callers who manage only themselves are not told who else exists.
async fn find_manageable(db: &impl ConnectionTrait, caller: &Caller, user: &UserRef) -> Result<User, Error> {
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

/// The same user, with groups and credentials, if the precondition holds.
async fn find_unmodified(
    db: &impl ConnectionTrait,
    caller: &Caller,
    user: &UserRef,
    precondition: Precondition,
) -> Result<Account, Error> {
    let id = find_manageable(db, caller, user).await?.user.id;
    let account = account::find(db, id).await?.ok_or(Error::NoSuchUser)?;
    precondition.check(account.changed_at())?;
    Ok(account)
}

/// The user that the caller may retire or reactivate.
async fn find_to_retire(
    db: &impl ConnectionTrait,
    caller: &Caller,
    user: &UserRef,
    is_retired: bool,
    precondition: Precondition,
) -> Result<User, Error> {
    let Account { user, .. } = find_unmodified(db, caller, user, precondition).await?;
    let mut draft = Draft::of(db, &user).await?;
    draft.user.deleted = is_retired;
    authorize(db, caller, Some(&user), &draft, false).await?;
    Ok(Arc::unwrap_or_clone(user))
}

/// The user, if the caller may delete the password.
async fn find_to_delete_password(db: &impl ConnectionTrait, caller: &Caller, user: &UserRef) -> Result<User, Error> {
    let user = find_manageable(db, caller, user).await?;
    if !caller.may_manage_others() {
        return Err(Error::MayNotChange("Credentials"));
    }
    Ok(user)
}

/// A new user with the default role and group, who has no password yet.
async fn blank(
    db: &impl ConnectionTrait,
    user_type: UserType,
    person: Option<person::Model>,
) -> Result<Account, Error> {
    let user = draft::blank(db, user_type, person).await?;
    let user = user.ok_or_else(|| Error::Validation("Type: there is no role for users of this type".to_owned()))?;
    Ok(Account::blank(user))
}
