//! Hashes and verifies passwords on blocking threads, at most as many at once as there are processors.

use std::{fmt, str::FromStr, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier, phc},
};
use base64::prelude::{BASE64_STANDARD_NO_PAD as BASE64, Engine};
use sea_orm::DeriveValueType;
use secrecy::{ExposeSecret, SecretString};

use super::{
    hash_queue::{Evicted, HashQueue},
    password_policy::nfc,
};
use crate::error::Error;

pub use super::{
    hash_queue::Requester,
    password_policy::{NewPassword, PasswordPolicy, PasswordPolicyError},
};

/// Upper limit of the configurable memory: 1 GiB.
const MAX_MEMORY_KIB: u32 = 1_048_576;
const MAX_PASSES: u32 = 100;
const MAX_LANES: u32 = 64;

/// The cost of a verification in argon2's notation: `m=19456,t=2,p=1` (memory in KiB, passes, lanes).
#[derive(Clone, Debug)]
pub struct Argon2Cost(Params);

impl FromStr for Argon2Cost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("`{text}` is not of the form m=19456,t=2,p=1 (KiB of memory, passes, lanes)");
        let mut values = [None; 3];
        for part in text.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(invalid)?;
            let index = ["m", "t", "p"].iter().position(|known| *known == name).ok_or_else(invalid)?;
            values[index] = Some(value.parse::<u32>().map_err(|_| invalid())?);
        }
        let [Some(memory), Some(passes), Some(lanes)] = values else { return Err(invalid()) };
        if memory > MAX_MEMORY_KIB || passes > MAX_PASSES || lanes > MAX_LANES {
            return Err(format!("`{text}` is more than m={MAX_MEMORY_KIB},t={MAX_PASSES},p={MAX_LANES}"));
        }
        Params::new(memory, passes, lanes, None).map(Self).map_err(|error| format!("`{text}`: {error}"))
    }
}

/// The stored argon2id hash of a password, in PHC format.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl PasswordHash {
    /// A random hash that no known password matches. Verifying against it takes as long as against a real hash.
    fn dummy(cost: &Params) -> Self {
        let [memory, passes, lanes] = [cost.m_cost(), cost.t_cost(), cost.p_cost()];
        let salt = BASE64.encode(rand::random::<[u8; 16]>());
        let output = BASE64.encode(rand::random::<[u8; Params::DEFAULT_OUTPUT_LEN]>());
        Self(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}"))
    }
}

/// Why hashing or verifying failed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many passwords wait to be verified")]
    Overloaded,
    #[error("a stored password hash is not valid")]
    Corrupt,
    #[error("hashing a password was interrupted")]
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

/// The numbers of waiting and running hash jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HasherStats {
    pub waiting: usize,
    pub working: usize,
}

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct PasswordHasher(Arc<Work>);

struct Work {
    argon2: Argon2<'static>,
    policy: PasswordPolicy,
    queue: Arc<HashQueue>,
    dummy: PasswordHash,
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHasher")
    }
}

impl PasswordHasher {
    /// `stored` is any stored hash. The dummy hash for unknown users gets its cost, so that logins of unknown and known
    /// users take the same time even after the configured cost has changed.
    pub fn new(cost: &Argon2Cost, policy: PasswordPolicy, stored: Option<&PasswordHash>) -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.0.clone());
        let parameters =
            stored.and_then(|PasswordHash(hash)| Params::try_from(&phc::PasswordHash::new(hash).ok()?).ok());
        let dummy = PasswordHash::dummy(parameters.as_ref().unwrap_or(&cost.0));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Work { argon2, policy, queue: HashQueue::new(processors), dummy }))
    }

    /// The rule for new passwords.
    pub fn policy(&self) -> PasswordPolicy {
        self.0.policy
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// The queue is full, or the process is shutting down.
    pub async fn hash(&self, password: &NewPassword, requester: Requester) -> Result<PasswordHash, PasswordError> {
        let (argon2, password) = (self.0.argon2.clone(), password.clone());
        self.work(requester, move || hash(&argon2, password.secret().expose_secret())).await
    }

    /// Whether the password matches the hash. Without a hash it returns false, after the same time as for a wrong
    /// password.
    ///
    /// # Errors
    /// The queue is full, the stored hash is invalid, or the process is shutting down.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        requester: Requester,
    ) -> Result<bool, PasswordError> {
        let has_hash = hash.is_some();
        let PasswordHash(stored) = hash.unwrap_or(&self.0.dummy).clone();
        let (argon2, password) = (self.0.argon2.clone(), password.clone());
        let matches = self.work(requester, move || verify(&argon2, password.expose_secret(), &stored)).await??;
        Ok(has_hash && matches)
    }

    pub fn stats(&self) -> HasherStats {
        let (waiting, working) = self.0.queue.load();
        HasherStats { waiting, working }
    }

    // The permit moves into the blocking task, so a cancelled caller does not free a processor that is still busy.
    async fn work<T: Send + 'static>(
        &self,
        requester: Requester,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = self.0.queue.acquire(requester).await.map_err(|Evicted| PasswordError::Overloaded)?;
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| PasswordError::Interrupted)
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> PasswordHash {
    match argon2.hash_password(password.as_bytes()) {
        Ok(hash) => PasswordHash(hash.to_string()),
        Err(error) => unreachable!("the parameters of argon2 were checked: {error}"),
    }
}

/// Compares a password with a stored hash, in NFC. Old hashes were made of the password as typed, so both forms are
/// tried if they differ. Both are always tried, so that a match takes as long as a mismatch.
fn verify(argon2: &Argon2<'_>, password: &str, stored: &str) -> Result<bool, PasswordError> {
    let stored = phc::PasswordHash::new(stored).map_err(|_| PasswordError::Corrupt)?;
    let matches = |password: &str| argon2.verify_password(password.as_bytes(), &stored).is_ok();
    let normalized = nfc(password);
    let is_right = matches(&normalized);
    let is_right_as_typed = normalized != password && matches(password);
    Ok(is_right || is_right_as_typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: fn() -> PasswordPolicy = || PasswordPolicy::new(8);

    fn passwords() -> PasswordHasher {
        PasswordHasher::new(&"m=8,t=1,p=1".parse().expect("a cheap cost"), POLICY(), None)
    }

    fn new(password: &str) -> NewPassword {
        POLICY().accept(password).expect("a password")
    }

    async fn is_right(passwords: &PasswordHasher, password: &str, hash: Option<&PasswordHash>) -> bool {
        let answer = passwords.verify(&SecretString::from(password), hash, Requester::Server).await;
        answer.expect("an answer")
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let passwords = passwords();
        let hash = passwords.hash(&new("the right one"), Requester::Server).await.expect("hash");
        assert!(is_right(&passwords, "the right one", Some(&hash)).await);
        assert!(!is_right(&passwords, "the wrong one", Some(&hash)).await);
        assert!(!is_right(&passwords, "the right one", None).await);
    }

    #[tokio::test]
    async fn a_password_matches_in_every_unicode_form() {
        let passwords = passwords();
        let spellings = ["Bj\u{f8}rn caf\u{e9}", "Bj\u{f8}rn cafe\u{301}"];
        for stored in spellings {
            let hash = passwords.hash(&new(stored), Requester::Server).await.expect("hash");
            for typed in spellings {
                assert!(is_right(&passwords, typed, Some(&hash)).await, "{stored} {typed}");
            }
            assert!(!is_right(&passwords, "Bj\u{f8}rn cafe", Some(&hash)).await);
        }
    }

    #[tokio::test]
    async fn a_hash_without_normalization_matches_the_typed_form() {
        let passwords = passwords();
        let old = hash(&passwords.0.argon2, "cafe\u{301}");
        assert!(is_right(&passwords, "cafe\u{301}", Some(&old)).await);
        assert!(!is_right(&passwords, "caf\u{e9}", Some(&old)).await, "it was never typed");
    }

    #[tokio::test]
    async fn the_dummy_hash_costs_as_much_as_a_stored_hash() {
        let stored = passwords().hash(&new("password"), Requester::Server).await.expect("hash");
        let dearer = PasswordHasher::new(&"m=64,t=2,p=1".parse().expect("a cost"), POLICY(), Some(&stored));
        let PasswordHash(dummy) = &dearer.0.dummy;
        assert!(dummy.contains("$m=8,t=1,p=1$"), "{dummy}");
    }

    #[tokio::test]
    async fn an_invalid_hash_is_an_error() {
        let corrupt = PasswordHash("nonsense".to_owned());
        let answer = passwords().verify(&SecretString::from("x"), Some(&corrupt), Requester::Server).await;
        assert!(matches!(answer, Err(PasswordError::Corrupt)));
    }

    #[tokio::test]
    async fn a_cancelled_caller_frees_no_busy_processor() {
        let passwords = passwords();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (end, may_end) = std::sync::mpsc::channel::<()>();
        let work = passwords.work(Requester::Server, move || {
            let _ = begun.send(());
            let _ = may_end.recv();
        });
        tokio::select! {
            _ = work => panic!("it ended by itself"),
            _ = has_begun => {}
        }
        assert_eq!(passwords.stats().working, 1, "the work goes on without its caller");
        drop(end);
        while passwords.stats().working > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_cost_is_parsed_in_the_notation_of_argon2() {
        assert!("m=19456,t=2,p=1".parse::<Argon2Cost>().is_ok());
        for wrong in ["", "m=19456", "m=x,t=2,p=1", "m=1,t=2,p=1", "q=1,t=2,p=1", "m=4000000000,t=1,p=1"] {
            assert!(wrong.parse::<Argon2Cost>().is_err(), "{wrong}");
        }
    }
}
