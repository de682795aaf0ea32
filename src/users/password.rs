//! Passwords: made, hashed and verified, off the async threads and never more at once than there are processors.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc},
};
use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use rand::{Rng, RngExt};
use sea_orm::DeriveValueType;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;

/// How long a verified password is remembered, so that its next use costs no argon2.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);
const REMEMBERED_AT_MOST: u64 = 10_000;
/// Letters and digits that are not mistaken for each other, and that no shell takes for something else.
const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
const GENERATED_LENGTH: usize = 16;

/// The work a verification takes, as argon2's own notation has it: `m=19456,t=2,p=1` (memory in KiB, passes, lanes).
#[derive(Clone, Debug)]
pub struct Cost(Params);

impl FromStr for Cost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || format!("`{text}` is not of the form m=19456,t=2,p=1 (KiB of memory, passes, lanes)");
        let mut values = [None; 3];
        for part in text.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(form)?;
            let place = ["m", "t", "p"].iter().position(|known| *known == name).ok_or_else(form)?;
            values[place] = Some(value.parse::<u32>().map_err(|_| form())?);
        }
        let [Some(memory), Some(passes), Some(lanes)] = values else { return Err(form()) };
        Params::new(memory, passes, lanes, None).map(Self).map_err(|error| format!("`{text}`: {error}"))
    }
}

/// A password's argon2id hash in PHC form, as it is stored.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// The password work stopped, which it only does when the process ends.
#[derive(Debug, thiserror::Error)]
#[error("password work was given up")]
pub struct Interrupted;

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    verified: Cache<[u8; 32], ()>,
    key: [u8; 32],
    nobody: PasswordHash,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// Takes one hash to make: the one that a stranger's password is compared with.
    ///
    /// # Panics
    /// Never: the parameters were checked when the cost was read.
    pub fn new(cost: &Cost) -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.0.clone());
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let nobody = hash(&argon2, generate().expose_secret());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            argon2,
            permits: Arc::new(Semaphore::new(processors)),
            verified: Cache::builder().max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build(),
            key,
            nobody,
        }
    }

    /// The hash to store of a password.
    ///
    /// # Errors
    /// The process is ending.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, Interrupted> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.work(move || hash(&argon2, password.expose_secret())).await
    }

    /// Whether the password is the one with this hash. `None`, for nobody's password, takes as long as a wrong one.
    ///
    /// # Errors
    /// The process is ending.
    pub async fn verify(&self, password: &SecretString, hash: Option<&PasswordHash>) -> Result<bool, Interrupted> {
        // What is remembered is bound to the hash: a changed password forgets it in every process at once.
        let proof = hash.map(|hash| self.proof(password, hash));
        if proof.is_some_and(|proof| self.verified.contains_key(&proof)) {
            return Ok(true);
        }
        let (argon2, password) = (self.argon2.clone(), password.clone());
        let stored = hash.unwrap_or(&self.nobody).clone();
        let matches = self
            .work(move || {
                phc::PasswordHash::new(&stored.0)
                    .is_ok_and(|stored| argon2.verify_password(password.expose_secret().as_bytes(), &stored).is_ok())
            })
            .await?;
        let (Some(proof), true) = (proof, matches) else { return Ok(false) };
        self.verified.insert(proof, ());
        Ok(true)
    }

    // The permit moves into the blocking task: a caller who goes away does not free a processor that still works.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interrupted> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Interrupted)?;
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| Interrupted)
    }

    fn proof(&self, password: &SecretString, PasswordHash(hash): &PasswordHash) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(&(hash.len() as u64).to_le_bytes());
        mac.update(hash.as_bytes());
        mac.update(password.expose_secret().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// A random password of sixteen letters and digits (93 bits).
pub fn generate() -> SecretString {
    let mut random = rand::rng();
    let characters = (0..GENERATED_LENGTH).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    SecretString::from(characters.collect::<String>())
}

fn hash(argon2: &Argon2<'_>, password: &str) -> PasswordHash {
    match argon2.hash_password(password.as_bytes()) {
        Ok(hash) => PasswordHash(hash.to_string()),
        Err(error) => unreachable!("argon2 with parameters that were checked: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(&"m=8,t=1,p=1".parse().expect("a cheap cost"))
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let passwords = passwords();
        let (right, wrong) = (SecretString::from("right"), SecretString::from("wrong"));
        let hash = passwords.hash(&right).await.expect("hash");
        for _ in 0..2 {
            assert!(passwords.verify(&right, Some(&hash)).await.expect("verify"));
            assert!(!passwords.verify(&wrong, Some(&hash)).await.expect("verify"));
            assert!(!passwords.verify(&right, None).await.expect("verify"));
        }
    }

    #[tokio::test]
    async fn a_verified_password_is_remembered_for_its_hash_alone() {
        let passwords = passwords();
        let password = SecretString::from("right");
        let old = passwords.hash(&password).await.expect("hash");
        let new = passwords.hash(&SecretString::from("other")).await.expect("hash");
        assert!(passwords.verify(&password, Some(&old)).await.expect("verify"));
        assert!(!passwords.verify(&password, Some(&new)).await.expect("verify"));
    }

    #[test]
    fn a_cost_is_read_as_argon2_writes_it() {
        assert!("m=19456,t=2,p=1".parse::<Cost>().is_ok());
        for wrong in ["", "m=19456", "m=x,t=2,p=1", "m=1,t=2,p=1", "q=1,t=2,p=1"] {
            assert!(wrong.parse::<Cost>().is_err(), "{wrong}");
        }
    }
}
