//! Changes of passwords. They are hashed and verified after the caller's rights are checked, and before the transaction.

use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};

use super::{
    body::Partial,
    carriers::Credential,
    directory::{Directory, Whom, manageable},
};
use crate::{
    auth::{Address, Authenticator},
    error::Error,
    users::{Caller, User, access, credential, password::PasswordHash},
};

/// A password in place of the present one, which is told from an address.
pub struct Change<'a> {
    pub old: SecretString,
    pub new: String,
    pub authenticator: &'a Authenticator,
    pub address: Address,
}

impl Directory {
    /// Gives a user this password in place of any other. One's own is changed by telling the present one, unless one
    /// manages others.
    ///
    /// # Errors
    /// The caller may not, there is no such user, it can be no password, or the database does not answer.
    pub async fn set_password(&self, caller: &Caller, whom: Whom, password: &str) -> Result<(), Error> {
        if !caller.may_manage_others() {
            return Err(Error::MayNotManageUser);
        }
        let hash = async { self.hash(caller, password).await };
        self.store_password(caller, whom, hash, None).await.map(drop)
    }

    /// Gives a user a random password, and answers with it.
    ///
    /// # Errors
    /// As [`Self::set_password`].
    pub async fn set_generated_password(&self, caller: &Caller, whom: Whom) -> Result<String, Error> {
        let password = self.passwords.policy().generate();
        let password = password.secret().expose_secret();
        self.set_password(caller, whom, password).await?;
        Ok(password.to_owned())
    }

    /// Gives a user a new password, for whoever knows the present one. False, and no change, when that is wrong.
    ///
    /// # Errors
    /// As [`Self::set_password`], or too many passwords were wrong before.
    pub async fn change_password(&self, caller: &Caller, whom: Whom, change: Change<'_>) -> Result<bool, Error> {
        let Change { old, new, authenticator, address } = change;
        let user = manageable(self.store.reader(), caller, &whom).await?;
        let present = credential::find_password(self.store.reader(), user.user.id).await?;
        let present = present.map(|credential| credential.secret);
        if !authenticator.is_password(caller, &user.user, &old, present.as_ref(), address).await? {
            return Ok(false);
        }
        let hash = async { self.hash(caller, &new).await };
        self.store_password(caller, whom, hash, present).await
    }

    /// Saves a credential: it is a password.
    ///
    /// # Errors
    /// It is none, or as [`Self::set_password`].
    pub async fn save_credential(
        &self,
        caller: &Caller,
        whom: Whom,
        credential: &Partial<Credential>,
    ) -> Result<(), Error> {
        check_type(credential.text("/Type/Type").unwrap_or_default())?;
        self.set_password(caller, whom, credential.text("/Value").unwrap_or_default()).await
    }

    /// Takes a user's password and tickets. False when there was none.
    ///
    /// # Errors
    /// The caller may not, it is the last administrator, or the database does not answer.
    pub async fn delete_credential(&self, caller: &Caller, whom: Whom, kind: String) -> Result<bool, Error> {
        check_type(&kind)?;
        let (own, provider) = (whom.clone(), self.provider);
        let check = async {
            let db = self.store.reader();
            let user = deletable(db, caller, &whom).await?;
            Ok(access::check_delete_password(db, provider, &user).await?)
        };
        let work = self.write(caller, check, move |db, caller, ()| {
            Box::pin(async move {
                let user = deletable(db, &caller, &own).await?;
                Ok(access::delete_password(db, provider, &user).await?)
            })
        });
        work.await
    }

    /// Whether the caller may manage a user. Nobody manages one who does not exist.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn may_manage(&self, caller: &Caller, whom: Whom) -> Result<bool, Error> {
        match manageable(self.store.reader(), caller, &whom).await {
            Ok(_) => Ok(true),
            Err(Error::MayNotManageUser | Error::NoSuchUser | Error::NoSuchUserName) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores a password, unless the present one is no longer the one that was proved. It is hashed when the caller may
    /// set it.
    async fn store_password(
        &self,
        caller: &Caller,
        whom: Whom,
        hash: impl Future<Output = Result<PasswordHash, Error>> + Send,
        proved: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        let own = whom.clone();
        let check = async {
            manageable(self.store.reader(), caller, &whom).await?;
            hash.await
        };
        let work = self.write(caller, check, move |db, caller, hash| {
            Box::pin(async move {
                let user = manageable(db, &caller, &own).await?;
                let present = credential::find_password(db, user.user.id).await?.map(|credential| credential.secret);
                if proved.is_some() && proved != present {
                    return Ok(false);
                }
                credential::set_password(db, user.user.id, hash, None).await?;
                Ok(true)
            })
        });
        work.await
    }
}

/// The user whose credential the caller may delete.
async fn deletable(db: &impl ConnectionTrait, caller: &Caller, whom: &Whom) -> Result<User, Error> {
    let user = manageable(db, caller, whom).await?;
    if !caller.may_manage_others() {
        return Err(Error::MayNotChange("Credentials"));
    }
    Ok(user)
}

fn check_type(kind: &str) -> Result<(), Error> {
    match kind {
        credential::PASSWORD => Ok(()),
        _ => Err(Error::Validation(format!("Credential: its Type is {}", credential::PASSWORD))),
    }
}
