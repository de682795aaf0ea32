//! Changes of users: each is one transaction, in which everything is looked at again.

use futures_util::future::BoxFuture;
use sea_orm::ConnectionTrait;
use serde_json::Value;

use super::{
    body::Partial,
    carriers::{Credential, User, UserPresenceStatus, UserType},
    change::Change,
};
use crate::{
    error::Error,
    records,
    store::{Reach, Settled, Store, WriteTransaction, Writer},
    users::{
        self, Account, Caller, Draft, Fault, ProviderNames, account, credential,
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
    /// # Errors
    /// Those of the work; the caller cannot call any more; or the database does not answer.
    pub async fn write<T, F>(&self, caller: &Caller, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction, Caller) -> BoxFuture<'a, Result<T, Error>> + Clone + Send + 'static,
    {
        let id = caller.user_id;
        let answer = self.writer.write(Reach::Anything, move |transaction| {
            Box::pin(async move {
                users::lock_all(transaction).await?;
                let answer = match users::find(transaction, id).await?.as_ref().and_then(Caller::of) {
                    Some(caller) => work(transaction, caller).await,
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
        let password = self.password_of(caller, &given).await?;
        let provider = self.provider;
        let work = self.write(caller, move |db, caller| {
            Box::pin(async move {
                let draft = new_draft(db, given).await?;
                let id = users::save(db, &caller, provider, draft, password).await?;
                saved(db, id).await
            })
        });
        work.await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// The caller may not, there is no such user, something is wrong with it, or the database does not answer.
    pub async fn change(&self, caller: &Caller, whom: Whom, change: Change) -> Result<User, Error> {
        let password = match &change {
            Change::Properties(given) => self.password_of(caller, given).await?,
            Change::Operations(_) | Change::Merge(_) => None,
        };
        let provider = self.provider;
        let work = self.write(caller, move |db, caller| {
            Box::pin(async move {
                let id = manageable(db, &caller, &whom).await?.user.id;
                let present = account::find(db, id).await?.ok_or(Error::NoSuchUser)?;
                let draft = changed_draft(present, change)?;
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
            id => self.change(caller, Whom::Id(id), Change::Properties(given)).await,
        }
    }

    /// Deletes a user as upstream does, by retiring, or takes that back.
    ///
    /// # Errors
    /// The caller may not, there is no such user, it is the last administrator, or the database does not answer.
    pub async fn set_retired(&self, caller: &Caller, whom: Whom, retired: bool) -> Result<(), Error> {
        let provider = self.provider;
        let work = self.write(caller, move |db, caller| {
            Box::pin(async move {
                let user = manageable(db, &caller, &whom).await?;
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
        let work = self.write(caller, move |db, caller| {
            Box::pin(async move {
                let user = manageable(db, &caller, &whom).await?;
                let (status, message) = (presence.status.into(), presence.message.unwrap_or_default());
                users::set_presence(db, user.user.id, status, &message).await?;
                Ok(UserPresenceStatus { status: presence.status, message: Some(message) })
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
        let draft = match present {
            Some(present) => changed_draft(present, Change::Properties(given))?,
            None => new_draft(db, given).await?,
        };
        Ok(draft.complete(db).await?.faults(db).await?)
    }

    /// The hash of the password that stands among the credentials, if one does.
    async fn password_of(&self, caller: &Caller, given: &Partial<User>) -> Result<Option<PasswordHash>, Error> {
        let credentials = given.get("Credentials").and_then(Value::as_array).into_iter().flatten();
        let mut hash = None;
        for credential in credentials {
            let Some(value) = credential["Value"].as_str().filter(|value| !value.is_empty()) else { continue };
            match credential.pointer("/Type/Type").and_then(Value::as_str) {
                Some(credential::PASSWORD) => hash = Some(self.hash(caller, value).await?),
                _ => return Err(Error::Validation(format!("Credentials: their Type is {}", credential::PASSWORD))),
            }
        }
        Ok(hash)
    }

    /// The hash of a new password that the policy accepts.
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
