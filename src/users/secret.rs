//! What is handed out to be shown again: random, with a prefix that says what it is, and stored as a hash only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Makes one: 32 random bytes behind the prefix.
pub(super) fn make(prefix: &str) -> SecretString {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    SecretString::from(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// A secret that follows from another one; the other does not follow from it.
pub(super) fn derive(from: &SecretString, prefix: &str) -> SecretString {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(from.expose_secret().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(prefix.as_bytes());
    SecretString::from(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

/// SHA-256 in hexadecimal: 32 random bytes cannot be searched for, so a plain hash of them is enough.
pub(super) fn hash(secret: &SecretString) -> String {
    hex::encode(Sha256::digest(secret.expose_secret().as_bytes()))
}
