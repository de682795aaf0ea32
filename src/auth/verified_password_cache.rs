//! Caches verified passwords, so that repeated logins skip the slow hash.
//!
//! The key is an HMAC of name and password: a lookup only finds an entry when both are right.

use std::{fmt, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::users::{self, password::PasswordHash};

const TIME_TO_LIVE: Duration = Duration::from_secs(300);
const MAX_ENTRIES: u64 = 10_000;

/// Verified passwords by the name that was given with them.
///
/// Passwords are cached as typed, without Unicode normalization: an old hash may match only one form. A right password
/// with which the login was refused is not cached: a faster second refusal would reveal that the password is right.
#[derive(Clone)]
pub struct VerifiedPasswordCache {
    key: [u8; 32],
    entries: Cache<[u8; 32], VerifiedPassword>,
}

/// A user and the stored hash against which the password was verified. Only valid while the stored hash is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPassword {
    pub user_id: i32,
    pub hash: PasswordHash,
}

impl fmt::Debug for VerifiedPasswordCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedPasswordCache")
    }
}

impl Default for VerifiedPasswordCache {
    fn default() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let entries = Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(TIME_TO_LIVE).build();
        Self { key, entries }
    }
}

impl VerifiedPasswordCache {
    /// The entry of the last five minutes for this name and password.
    pub fn find(&self, name: &str, password: &SecretString) -> Option<VerifiedPassword> {
        self.entries.get(&self.entry_key(name, password))
    }

    /// Adds an entry for five minutes.
    pub fn remember(&self, name: &str, password: &SecretString, verified: VerifiedPassword) {
        self.entries.insert(self.entry_key(name, password), verified);
    }

    /// Removes an entry.
    pub fn forget(&self, name: &str, password: &SecretString) {
        self.entries.invalidate(&self.entry_key(name, password));
    }

    /// The number of entries.
    pub fn count(&self) -> usize {
        self.entries.run_pending_tasks(); // updates `entry_count`
        usize::try_from(self.entries.entry_count()).unwrap_or(usize::MAX)
    }

    fn entry_key(&self, name: &str, password: &SecretString) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        let name = users::fold(name);
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(password.expose_secret().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::password::{PasswordHasher, PasswordPolicy, Requester};

    #[tokio::test]
    async fn an_entry_is_found_only_by_name_and_password_together() {
        let policy = PasswordPolicy::new(8);
        let passwords = PasswordHasher::new(&"m=8,t=1,p=1".parse().expect("a cheap cost"), policy, None);
        let new = policy.accept("password").expect("a password");
        let hash = passwords.hash(&new, Requester::Server).await.expect("a hash");
        let password = SecretString::from("word");
        let (all, password_of_anna) = (VerifiedPasswordCache::default(), VerifiedPassword { user_id: 7, hash });
        all.remember("anna", &password, password_of_anna.clone());
        assert_eq!(all.find("ANNA", &password), Some(password_of_anna));
        for (name, password) in
            [("anna", "wor"), ("ann", "aword"), ("annaw", "ord"), ("", "annaword"), ("bjorn", "word")]
        {
            assert_eq!(all.find(name, &SecretString::from(password)), None, "{name}, {password}");
        }
        assert_eq!(all.count(), 1);
        all.forget("anna", &password);
        assert_eq!((all.find("anna", &password), all.count()), (None, 0));
    }
}
