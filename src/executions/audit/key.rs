//! The audit key and its MACs.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::vault::EncryptionKey;

/// The position in the MAC of rows that have no position. Entries and anchors have positions above 0.
pub const NO_POSITION: i64 = 0;

/// The secret key of the audit chain.
#[derive(Clone)]
pub struct AuditKey(SecretString);

/// Minimum length of the key of a new chain, in bytes.
pub const MIN_KEY_LENGTH: usize = 32;

impl AuditKey {
    pub fn new(key: SecretString) -> Self {
        Self(key)
    }

    /// Derives a key for another purpose. Servers that share the audit key derive the same keys.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = self.0.expose_secret().as_bytes();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
        mac.update(b"key for ");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The key that stored secrets are encrypted with.
    pub fn vault_key(&self) -> EncryptionKey {
        EncryptionKey::new(self.derive("stored secrets"))
    }

    /// Whether the keys are equal. Compares their MACs, so that the time does not depend on the keys.
    pub fn is_same(&self, other: &Self) -> bool {
        self.mac(NO_POSITION, &["same"]) == other.mac(NO_POSITION, &["same"])
    }

    /// The length in bytes.
    pub fn length(&self) -> usize {
        self.0.expose_secret().len()
    }

    /// Whether the key is too short for a new chain.
    pub fn is_short(&self) -> bool {
        self.length() < MIN_KEY_LENGTH
    }

    /// The MAC of a position and some parts, in hexadecimal. Each part is prefixed with its length, so that different
    /// parts never give the same input.
    pub fn mac(&self, position: i64, parts: &[&str]) -> String {
        let key = self.0.expose_secret().as_bytes();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
        mac.update(&position.to_le_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}
