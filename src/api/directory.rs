//! Changes of users. Each is checked before it waits for a lock, and again in the transaction that makes it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::ConnectionTrait;
use serde_json::Value;

use super::{
    body::Partial,
    carriers::{Credential, User, UserPresenceStatus, UserType},
    change::{Change, password_in},
    conditions::Condition,
    wire::{by_the_clock, current_clock},
};
use crate::{
    error::Error,
    records,
    store::{Reach, Settled, Store, WriteTransaction, Writer},
    users::{
        self, Account, Caller, Draft, Fault, ProviderNames, account,
        password::{PasswordHash, Passwords, Requester},
        person,
    },
};

/// Who is to be changed.
#[derive(Clone, Debug)]
pub enum Whom {
    Id(i32),
    /// A Name or UserName.
    Name(String),
}

/// Everybody there is, to be changed.
#[derive(Clone, Debug)]
pub struct Directory {
    pub store: Store,
    pub passwords: Passwords,
    pub writer: Writer<records::Entry>,
    pub provider: ProviderNames,
}

impl Directory {
    /// Does a piece of work in a transaction, for a caller who is looked at again there. It is undone when it fails.
    ///
    /// On PostgreSQL the transaction locks all users, and on SQLite nothing else is written meanwhile. So `check` comes
    /// first, with everything that can be refused and everything that takes long. The work checks again, since others may
    /// have changed something, and gets what the check prepared.
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
        F: for<'a> FnOnce(&'a WriteTransaction, Caller, C) -> BoxFuture<'a, Result<T, Error>> + Clone + Send + 'static,
    {
        let (id, checked) = (caller.user_id, check.await?);
        let answer = self.writer.write(Reach::Anything, move |transaction| {
            Box::pin(async move {
                users::lock_all(transaction).await?;
                let answer = match users::find(transaction, id).await?.as_ref().and_then(Caller::of) {
                    Some(caller) => work(transaction, caller, checked).await,
                    None => Err(Error::Unauthenticated),
                };
                Ok(Settled { undo: answer.is_err(), record: None, answer })
            })
        });
        answer.await?
    }

    /// Makes a user of what is given: over the defaults of its type.
    ///
    /// # Errors
    /// The caller may not, something is wrong with it, or the database does not answer.
    pub async fn create(&self, caller: &Caller, given: Partial<User>) -> Result<User, Error> {
        let check = async {
            if !caller.may_manage_others() {
                return Err(Error::MayNotManageUser);
            }
            let (db, password) = (self.store.reader(), password_in(&given));
            let draft = new_draft(db, given.clone()).await?;
            users::check_save(db, caller, self.provider, draft, !matches!(password, Ok(None))).await?;
            self.hash_some(caller, password?).await
        };
        let (own, provider) = (given.clone(), self.provider);
        let work = self.write(caller, check, move |db, caller, password| {
            Box::pin(async move {
                let draft = new_draft(db, own).await?;
                let id = users::save(db, &caller, provider, draft, password).await?;
                saved(db, id).await
            })
        });
        work.await
    }

    /// Changes a user, if the condition holds.
    ///
    /// # Errors
    /// The caller may not, there is no such user, the user was changed since, something is wrong with it, or the database
    /// does not answer.
    pub async fn change(
        &self,
        caller: &Caller,
        whom: Whom,
        change: Change,
        condition: Condition,
    ) -> Result<User, Error> {
        let change = Arc::new(change);
        let check = async {
            let (db, password) = (self.store.reader(), change.password());
            let present = manageable_if(db, caller, &whom, condition).await?;
            let draft = changed_draft(present.clone(), Change::clone(&change))?;
            users::check_save(db, caller, self.provider, draft.clone(), !matches!(password, Ok(None))).await?;
            Ok((present, draft, self.hash_some(caller, password?).await?))
        };
        let (own, whom, clock, provider) = (Arc::clone(&change), whom.clone(), current_clock(), self.provider);
        let work = self.write(caller, check, move |db, caller, (before, draft, password)| {
            Box::pin(async move {
                let present = manageable_if(db, &caller, &whom, condition).await?;
                // A large change takes time, and others wait: it is applied again only to a user who was changed meanwhile.
                let draft = match present == before {
                    true => draft,
                    false => by_the_clock(&clock, || changed_draft(present, Arc::unwrap_or_clone(own)))?,
                };
                let id = users::save(db, &caller, provider, draft, password).await?;
                saved(db, id).await
            })
        });
        work.await
    }

    /// Saves a user as the agent does: one who has an id is changed, any other is made.
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::change`].
    pub async fn save(&self, caller: &Caller, given: Partial<User>) -> Result<User, Error> {
        match given.number("AssociateId") {
            0 => self.create(caller, given).await,
            id => self.change(caller, Whom::Id(id), Change::Properties(given), Condition::default()).await,
        }
    }

    /// Deletes a user as upstream does, by retiring, or takes that back; if the condition holds.
    ///
    /// # Errors
    /// The caller may not, there is no such user, the user was changed since, it is the last administrator, or the database
    /// does not answer.
    pub async fn set_retired(
        &self,
        caller: &Caller,
        whom: Whom,
        retired: bool,
        condition: Condition,
    ) -> Result<(), Error> {
        let check = async {
            let db = self.store.reader();
            let Account { user, .. } = manageable_if(db, caller, &whom, condition).await?;
            users::check_retired(db, caller, self.provider, &user, retired).await
        };
        let (own, provider) = (whom.clone(), self.provider);
        let work = self.write(caller, check, move |db, caller, ()| {
            Box::pin(async move {
                let Account { user, .. } = manageable_if(db, &caller, &own, condition).await?;
                users::set_retired(db, &caller, provider, &user, retired).await
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
        whom: Whom,
        presence: UserPresenceStatus,
    ) -> Result<UserPresenceStatus, Error> {
        let (status, message) = (presence.status, presence.message.unwrap_or_default());
        let check = async {
            manageable(self.store.reader(), caller, &whom).await?;
            users::check_presence_message(&message)
        };
        let (own, new_message) = (whom.clone(), message.clone());
        let work = self.write(caller, check, move |db, caller, ()| {
            Box::pin(async move {
                let user = manageable(db, &caller, &own).await?;
                users::set_presence(db, user.user.id, status.into(), &new_message).await?;
                Ok(UserPresenceStatus { status, message: Some(new_message) })
            })
        });
        work.await
    }

    /// A new user of this type, for whom nothing is stored yet. Whoever sees others may name a person.
    ///
    /// # Errors
    /// The caller may not, there is no such person, or the database does not answer.
    pub async fn blank(&self, caller: &Caller, user_type: UserType, person_id: i32) -> Result<User, Error> {
        if person_id != 0 && !caller.may_read_others() {
            return Err(Error::MayNotReadUser);
        }
        let db = self.store.reader();
        let person = match person_id {
            0 => None,
            id => Some(person::find(db, id).await?.ok_or_else(|| no_person(id))?),
        };
        blank(db, user_type, person).await
    }

    /// Everything that is wrong with a user, as it would be saved.
    ///
    /// # Errors
    /// It is no user, or the database does not answer.
    pub async fn faults(&self, given: Partial<User>) -> Result<Vec<Fault>, Error> {
        let db = self.store.reader();
        let present = match given.number("AssociateId") {
            0 => None,
            id => account::find(db, id).await?,
        };
        let stored = present.as_ref().map(|account| account.user.clone());
        let draft = match present {
            Some(present) => changed_draft(present, Change::Properties(given))?,
            None => new_draft(db, given).await?,
        };
        Ok(draft.complete(db).await?.faults(db, stored.as_ref()).await?)
    }

    /// The hash of a password, if there is one.
    async fn hash_some(&self, caller: &Caller, password: Option<String>) -> Result<Option<PasswordHash>, Error> {
        match password {
            Some(password) => self.hash(caller, &password).await.map(Some),
            None => Ok(None),
        }
    }

    /// The hash of a new password that the policy accepts. Hashing takes long: check first whether the caller may set it.
    ///
    /// # Errors
    /// It does not accept it, or too many wait already.
    pub async fn hash(&self, caller: &Caller, password: &str) -> Result<PasswordHash, Error> {
        let new = self.passwords.policy().accept(password);
        let new = new.map_err(|fault| Error::Validation(format!("Password: {fault}")))?;
        Ok(self.passwords.hash(&new, Requester::User(caller.user_id)).await?)
    }
}

fn no_person(id: i32) -> Error {
    Error::Validation(format!("Person: there is no person {id}"))
}

/// The user that a caller wants to manage. Whoever manages only themselves is not told who else exists.
///
/// # Errors
/// The caller may not, there is no such user, or the database does not answer.
pub async fn manageable(db: &impl ConnectionTrait, caller: &Caller, whom: &Whom) -> Result<users::User, Error> {
    let (found, missing) = match whom {
        Whom::Id(id) => (users::find(db, *id).await?, Error::NoSuchUser),
        Whom::Name(name) => (users::find_by_login(db, name).await?, Error::NoSuchUserName),
    };
    match found {
        Some(user) if caller.may_manage(&user) => Ok(user),
        None if caller.may_manage_others() => Err(missing),
        _ => Err(Error::MayNotManageUser),
    }
}

/// The same user, with groups and credentials.
async fn manageable_account(db: &impl ConnectionTrait, caller: &Caller, whom: &Whom) -> Result<Account, Error> {
    let id = manageable(db, caller, whom).await?.user.id;
    account::find(db, id).await?.ok_or(Error::NoSuchUser)
}

/// The same, if the condition holds.
async fn manageable_if(
    db: &impl ConnectionTrait,
    caller: &Caller,
    whom: &Whom,
    condition: Condition,
) -> Result<Account, Error> {
    let account = manageable_account(db, caller, whom).await?;
    condition.check(account.changed_at())?;
    Ok(account)
}

async fn saved(db: &impl ConnectionTrait, id: i32) -> Result<User, Error> {
    Ok(account::find(db, id).await?.ok_or(Error::NoSuchUser)?.into())
}

async fn blank(db: &impl ConnectionTrait, user_type: UserType, person: Option<person::Model>) -> Result<User, Error> {
    let user_type = user_type.try_into().unwrap_or(users::UserType::InternalAssociate);
    let user = users::blank(db, user_type, person).await?;
    let user = user.ok_or_else(|| Error::Validation("Type: there is no role for users of this type".to_owned()))?;
    Ok(Account::blank(user).into())
}

async fn new_draft(db: &impl ConnectionTrait, given: Partial<User>) -> Result<Draft, Error> {
    let user_type = given.get("Type").and_then(Value::as_str).and_then(UserType::named);
    let blank = blank(db, user_type.unwrap_or(UserType::InternalAssociate), None).await?;
    let present = users::UserRow::blank(users::UserType::InternalAssociate);
    Ok(Change::Properties(given).apply(&blank)?.draft(present, &person::Model::default()))
}

fn changed_draft(present: Account, change: Change) -> Result<Draft, Error> {
    let (row, person) = (present.user.user.clone(), present.user.person.clone().unwrap_or_default());
    let is_patch = change.is_patch();
    let changed = change.apply(&present.into())?;
    // A password takes time to hash, and a patch shows it only here, where others wait.
    let has_secret = |credential: &Credential| credential.value.as_ref().is_some_and(|value| !value.is_empty());
    if is_patch && changed.credentials.iter().any(has_secret) {
        return Err(Error::Validation("Credentials: a patch sets no password; PUT does".to_owned()));
    }
    Ok(changed.draft(row, &person))
}
