//! Passwords: made, hashed and verified, off the async threads and never more at once than there are processors.

use std::{fmt, str::FromStr, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc},
};
use base64::prelude::{BASE64_STANDARD_NO_PAD as BASE64, Engine};
use rand::RngExt;
use sea_orm::DeriveValueType;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::Error;

/// The most work a verification may take: 1 GiB and what is bearable of the rest.
const MOST_MEMORY: u32 = 1_048_576;
const MOST_PASSES: u32 = 100;
const MOST_LANES: u32 = 64;
/// How many verifications may wait for a processor before further ones are refused.
const WAITING_AT_MOST: usize = 64;
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
        if memory > MOST_MEMORY || passes > MOST_PASSES || lanes > MOST_LANES {
            return Err(format!("`{text}` is more than m={MOST_MEMORY},t={MOST_PASSES},p={MOST_LANES}"));
        }
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

impl PasswordHash {
    /// A hash that no password has, as far as anybody knows, and that takes as long to find that out as any other.
    fn of_nobody(cost: &Params) -> Self {
        let [memory, passes, lanes] = [cost.m_cost(), cost.t_cost(), cost.p_cost()];
        let salt = BASE64.encode(rand::random::<[u8; 16]>());
        let output = BASE64.encode(rand::random::<[u8; Params::DEFAULT_OUTPUT_LEN]>());
        Self(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}"))
    }
}

/// Why password work gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many passwords wait to be verified")]
    Overloaded,
    #[error("a stored password hash cannot be read")]
    Corrupt,
    #[error("the work was broken off")]
    Interrupted,
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => Self::Overloaded,
            error => Self::internal(error),
        }
    }
}

/// How many passwords wait to be hashed or verified, and how many are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub waiting: usize,
    pub working: usize,
}

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords(Arc<Work>);

struct Work {
    argon2: Argon2<'static>,
    processors: usize,
    permits: Arc<Semaphore>,
    places: Arc<Semaphore>,
    nobody: PasswordHash,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// A stranger's password is compared with a hash that costs what `stored` costs, the hash of somebody's password, so
    /// that strangers and users take the same time after the cost was changed, too.
    pub fn new(cost: &Cost, stored: Option<&PasswordHash>) -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.0.clone());
        let parameters =
            stored.and_then(|PasswordHash(hash)| Params::try_from(&phc::PasswordHash::new(hash).ok()?).ok());
        let nobody = PasswordHash::of_nobody(parameters.as_ref().unwrap_or(&cost.0));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Work {
            argon2,
            processors,
            permits: Arc::new(Semaphore::new(processors)),
            places: Arc::new(Semaphore::new(processors + WAITING_AT_MOST)),
            nobody,
        }))
    }

    /// The hash to store of a password.
    ///
    /// # Errors
    /// Too many wait already, or the process is ending.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        let (argon2, password) = (self.0.argon2.clone(), password.clone());
        self.work(move || hash(&argon2, password.expose_secret())).await
    }

    /// Whether the password is the one with this hash. `None`, for nobody's password, takes as long as a wrong one.
    ///
    /// # Errors
    /// Too many wait already, the stored hash is none, or the process is ending.
    pub async fn verify(&self, password: &SecretString, hash: Option<&PasswordHash>) -> Result<bool, PasswordError> {
        let is_somebody = hash.is_some();
        let PasswordHash(stored) = hash.unwrap_or(&self.0.nobody).clone();
        let (argon2, password) = (self.0.argon2.clone(), password.clone());
        let matches = self
            .work(move || {
                let stored = phc::PasswordHash::new(&stored).map_err(|_| PasswordError::Corrupt)?;
                Ok(argon2.verify_password(password.expose_secret().as_bytes(), &stored).is_ok())
            })
            .await??;
        Ok(is_somebody && matches)
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        let working = self.0.processors - self.0.permits.available_permits();
        let there = self.0.processors + WAITING_AT_MOST - self.0.places.available_permits();
        Load { waiting: there.saturating_sub(working), working }
    }

    // The permit moves into the blocking task: a caller who goes away does not free a processor that still works.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| PasswordError::Overloaded)?;
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| PasswordError::Interrupted)?;
        let task = tokio::task::spawn_blocking(move || {
            let _held = (place, permit);
            work()
        });
        task.await.map_err(|_| PasswordError::Interrupted)
    }
}

/// A random password of sixteen letters and digits (93 bits).
pub fn generate() -> SecretString {
    let mut random = rand::rng();
    let characters = (0..GENERATED_LENGTH).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    SecretString::from(characters.collect::<String>())
}

/// The longest password: hashing more is work that a stranger could ask for.
const LONGEST: usize = 1000;

/// Whether a text can be a password.
///
/// # Errors
/// It cannot; the text says why.
pub fn check(password: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        0 => Err("it is empty"),
        length if length > LONGEST => Err("it has more than 1000 characters"),
        _ => Ok(()),
    }
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
        Passwords::new(&"m=8,t=1,p=1".parse().expect("a cheap cost"), None)
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let passwords = passwords();
        let (right, wrong) = (SecretString::from("right"), SecretString::from("wrong"));
        let hash = passwords.hash(&right).await.expect("hash");
        assert!(passwords.verify(&right, Some(&hash)).await.expect("verify"));
        assert!(!passwords.verify(&wrong, Some(&hash)).await.expect("verify"));
        assert!(!passwords.verify(&right, None).await.expect("verify"));
    }

    #[tokio::test]
    async fn a_strangers_password_costs_what_a_stored_one_costs() {
        let stored = passwords().hash(&SecretString::from("x")).await.expect("hash");
        let dearer = Passwords::new(&"m=64,t=2,p=1".parse().expect("a cost"), Some(&stored));
        let PasswordHash(nobody) = &dearer.0.nobody;
        assert!(nobody.contains("$m=8,t=1,p=1$"), "{nobody}");
    }

    #[tokio::test]
    async fn what_is_no_hash_is_no_wrong_password() {
        let corrupt = PasswordHash("nonsense".to_owned());
        let answer = passwords().verify(&SecretString::from("x"), Some(&corrupt)).await;
        assert!(matches!(answer, Err(PasswordError::Corrupt)));
    }

    #[tokio::test]
    async fn a_caller_who_goes_away_frees_no_processor_that_still_works() {
        let passwords = passwords();
        let all = passwords.0.permits.available_permits();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (end, may_end) = std::sync::mpsc::channel::<()>();
        let work = passwords.work(move || {
            let _ = begun.send(());
            let _ = may_end.recv();
        });
        tokio::select! {
            _ = work => panic!("it ended by itself"),
            _ = has_begun => {}
        }
        assert_eq!(passwords.0.permits.available_permits(), all - 1, "the caller is gone, and the work is not");
        drop(end);
        let _ = Arc::clone(&passwords.0.permits).acquire_many_owned(all as u32).await.expect("all of them again");
    }

    #[test]
    fn a_cost_is_read_as_argon2_writes_it() {
        assert!("m=19456,t=2,p=1".parse::<Cost>().is_ok());
        for wrong in ["", "m=19456", "m=x,t=2,p=1", "m=1,t=2,p=1", "q=1,t=2,p=1", "m=4000000000,t=1,p=1"] {
            assert!(wrong.parse::<Cost>().is_err(), "{wrong}");
        }
    }
}
