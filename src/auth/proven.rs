//! Who was let in with a password a moment ago, and need not have it verified again.
//!
//! Only who knows the name and the password together finds anything here, so that what is remembered shows to nobody else.

use std::{fmt, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::users::{self, password::PasswordHash};

/// How long a password is remembered after it was verified.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);
const REMEMBERED_AT_MOST: u64 = 10_000;

/// Passwords that were verified, by the name that was given with them. They are remembered as they were typed: another
/// spelling of the same letters is verified by itself, since an old hash may match only one of them. What was not let in is not remembered: that it was
/// right must not show in the time of the next refusal.
#[derive(Clone)]
pub struct ProvenPasswords {
    key: [u8; 32],
    proven: Cache<[u8; 32], Proven>,
}

/// A user's password, as it was stored when it was verified. It proves as much as long as it is the one that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    pub user_id: i32,
    pub hash: PasswordHash,
}

impl fmt::Debug for ProvenPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvenPasswords")
    }
}

impl Default for ProvenPasswords {
    fn default() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let proven = Cache::builder().max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build();
        Self { key, proven }
    }
}

impl ProvenPasswords {
    /// Whom this name and password let in within the last five minutes.
    pub fn find(&self, name: &str, password: &SecretString) -> Option<Proven> {
        self.proven.get(&self.place(name, password))
    }

    /// Remembers for five minutes whom they let in.
    pub fn remember(&self, name: &str, password: &SecretString, proven: Proven) {
        self.proven.insert(self.place(name, password), proven);
    }

    /// They let nobody in any more.
    pub fn forget(&self, name: &str, password: &SecretString) {
        self.proven.invalidate(&self.place(name, password));
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.proven.run_pending_tasks(); // it counts late
        usize::try_from(self.proven.entry_count()).unwrap_or(usize::MAX)
    }

    fn place(&self, name: &str, password: &SecretString) -> [u8; 32] {
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
    use crate::users::password::{PasswordPolicy, Passwords, Requester};

    #[tokio::test]
    async fn only_name_and_password_together_find_who_was_let_in() {
        let policy = PasswordPolicy::new(8);
        let passwords = Passwords::new(&"m=8,t=1,p=1".parse().expect("a cheap cost"), policy, None);
        let new = policy.accept("password").expect("a password");
        let hash = passwords.hash(&new, Requester::Server).await.expect("a hash");
        let password = SecretString::from("word");
        let (all, proven) = (ProvenPasswords::default(), Proven { user_id: 7, hash });
        all.remember("anna", &password, proven.clone());
        assert_eq!(all.find("ANNA", &password), Some(proven));
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
