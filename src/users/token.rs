//! Generates random secrets with a prefix for their kind. Only their hashes are stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A new secret: the prefix and 32 random bytes.
pub(super) fn generate(prefix: &str) -> SecretString {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    SecretString::from(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// Derives a secret from another secret. This cannot be reversed.
pub(super) fn derive(from: &SecretString, prefix: &str) -> SecretString {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(from.expose_secret().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(prefix.as_bytes());
    SecretString::from(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

/// SHA-256 in hexadecimal. A fast hash is enough, because 32 random bytes cannot be guessed.
pub(super) fn hash(secret: &SecretString) -> String {
    hex::encode(Sha256::digest(secret.expose_secret().as_bytes()))
}
