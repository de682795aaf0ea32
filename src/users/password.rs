//! Passwords: made, hashed and verified, off the async threads and never more at once than there are processors.

use std::{fmt, str::FromStr, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc},
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
    password_policy::{NewPassword, PasswordFault, PasswordPolicy},
};

/// The most work a verification may take: 1 GiB and what is bearable of the rest.
const MOST_MEMORY: u32 = 1_048_576;
const MOST_PASSES: u32 = 100;
const MOST_LANES: u32 = 64;

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
    policy: PasswordPolicy,
    queue: Arc<HashQueue>,
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
    pub fn new(cost: &Cost, policy: PasswordPolicy, stored: Option<&PasswordHash>) -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.0.clone());
        let parameters =
            stored.and_then(|PasswordHash(hash)| Params::try_from(&phc::PasswordHash::new(hash).ok()?).ok());
        let nobody = PasswordHash::of_nobody(parameters.as_ref().unwrap_or(&cost.0));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Work { argon2, policy, queue: HashQueue::new(processors), nobody }))
    }

    /// The rule for new passwords.
    pub fn policy(&self) -> PasswordPolicy {
        self.0.policy
    }

    /// The hash to store of a password.
    ///
    /// # Errors
    /// Too many wait already, or the process is ending.
    pub async fn hash(&self, password: &NewPassword, requester: Requester) -> Result<PasswordHash, PasswordError> {
        let (argon2, password) = (self.0.argon2.clone(), password.clone());
        self.work(requester, move || hash(&argon2, password.secret().expose_secret())).await
    }

    /// Whether the password is the one with this hash. `None`, for nobody's password, takes as long as a wrong one.
    ///
    /// # Errors
    /// Too many wait already, the stored hash is none, or the process is ending.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
        requester: Requester,
    ) -> Result<bool, PasswordError> {
        let is_somebody = hash.is_some();
        let PasswordHash(stored) = hash.unwrap_or(&self.0.nobody).clone();
        let (argon2, password) = (self.0.argon2.clone(), password.clone());
        let matches = self.work(requester, move || verify(&argon2, password.expose_secret(), &stored)).await??;
        Ok(is_somebody && matches)
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        let (waiting, working) = self.0.queue.load();
        Load { waiting, working }
    }

    // The permit moves into the blocking task: a caller who goes away does not free a processor that still works.
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
        Err(error) => unreachable!("argon2 with parameters that were checked: {error}"),
    }
}

/// Compares a password with a stored hash, in NFC. Hashes that were stored before normalization are of the password as it
/// was typed: where that differs, both forms are tried, always, so that a match takes as long as none.
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

    fn passwords() -> Passwords {
        Passwords::new(&"m=8,t=1,p=1".parse().expect("a cheap cost"), POLICY(), None)
    }

    fn new(password: &str) -> NewPassword {
        POLICY().accept(password).expect("a password")
    }

    async fn is_right(passwords: &Passwords, password: &str, hash: Option<&PasswordHash>) -> bool {
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
    async fn a_password_matches_however_its_letters_are_spelled() {
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
    async fn a_hash_from_before_normalization_matches_what_was_typed() {
        let passwords = passwords();
        let old = hash(&passwords.0.argon2, "cafe\u{301}");
        assert!(is_right(&passwords, "cafe\u{301}", Some(&old)).await);
        assert!(!is_right(&passwords, "caf\u{e9}", Some(&old)).await, "it was never typed");
    }

    #[tokio::test]
    async fn a_strangers_password_costs_what_a_stored_one_costs() {
        let stored = passwords().hash(&new("password"), Requester::Server).await.expect("hash");
        let dearer = Passwords::new(&"m=64,t=2,p=1".parse().expect("a cost"), POLICY(), Some(&stored));
        let PasswordHash(nobody) = &dearer.0.nobody;
        assert!(nobody.contains("$m=8,t=1,p=1$"), "{nobody}");
    }

    #[tokio::test]
    async fn what_is_no_hash_is_no_wrong_password() {
        let corrupt = PasswordHash("nonsense".to_owned());
        let answer = passwords().verify(&SecretString::from("x"), Some(&corrupt), Requester::Server).await;
        assert!(matches!(answer, Err(PasswordError::Corrupt)));
    }

    #[tokio::test]
    async fn a_caller_who_goes_away_frees_no_processor_that_still_works() {
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
        assert_eq!(passwords.load().working, 1, "the caller is gone, and the work is not");
        drop(end);
        while passwords.load().working > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_cost_is_read_as_argon2_writes_it() {
        assert!("m=19456,t=2,p=1".parse::<Cost>().is_ok());
        for wrong in ["", "m=19456", "m=x,t=2,p=1", "m=1,t=2,p=1", "q=1,t=2,p=1", "m=4000000000,t=1,p=1"] {
            assert!(wrong.parse::<Cost>().is_err(), "{wrong}");
        }
    }
}
