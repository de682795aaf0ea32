//! HTTP Basic: a name and a password in each request.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;

use super::Authenticator;
use crate::{
    error::Error,
    users::{self, Caller, credential},
};

/// Stands in for the id of a user who does not exist, so that looking for a password takes the same statement.
const NOBODY: i32 = 0;

impl Authenticator {
    /// An unknown name, a wrong password, a user without one and a retired user take the same way, and the same time.
    pub(super) async fn by_password(&self, credentials: &str) -> Result<Caller, Error> {
        let (name, password) = decode(credentials).ok_or(Error::Unauthenticated)?;
        let db = self.store.reader();
        let user = users::find_by_login(db, &name).await?;
        let credential = credential::find_password(db, user.as_ref().map_or(NOBODY, |user| user.user.id)).await?;
        let hash = credential.as_ref().map(|credential| &credential.secret);
        let proof = self.passwords.verify(&password, hash).await?;
        let caller = user.as_ref().and_then(Caller::of);
        let is_expired = credential.is_some_and(|credential| credential.is_expired());
        match (caller, proof) {
            (Some(caller), Some(proof)) if !is_expired => {
                self.passwords.remember(proof);
                Ok(caller)
            }
            (_, proof) => {
                let user_id = user.map(|user| user.user.id);
                tracing::info!(user_id, right_password = proof.is_some(), is_expired, "log-in refused");
                Err(Error::Unauthenticated)
            }
        }
    }
}

fn decode(credentials: &str) -> Option<(String, SecretString)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), SecretString::from(password)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_password_may_contain_colons() {
        let (name, password) = decode(&STANDARD.encode("anna:a:b")).expect("credentials");
        assert_eq!((name.as_str(), password.expose_secret()), ("anna", "a:b"));
    }

    #[test]
    fn what_is_not_base64_of_a_name_and_a_password_proves_nothing() {
        for wrong in ["", "???", &STANDARD.encode("anna"), &STANDARD.encode([0xff, 0xfe, b':'])] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }
}
