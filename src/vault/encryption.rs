//! Encryption with AES-256-GCM.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::zeroize::Zeroizing;

/// A key of 256 bits.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

/// A stored secret cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was encrypted with another key, or its row was changed")]
pub struct DecryptError;

impl EncryptionKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The nonce, the ciphertext and the tag, in Base64. To decrypt it needs the same associated data.
    pub(super) fn encrypt(&self, secret: &[u8], associated_data: &str) -> String {
        // Random nonces suffice for 2^32 texts with one key.
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let mut text = secret.to_vec();
        let data = Aad::from(associated_data.as_bytes());
        let Ok(()) = self.cipher().seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), data, &mut text)
        else {
            unreachable!("AES-GCM encrypts texts up to 64 GiB")
        };
        STANDARD.encode([nonce.as_slice(), &text].concat())
    }

    /// What [`Self::encrypt`] encrypted.
    ///
    /// # Errors
    /// The key or the associated data are others, or the text was changed.
    pub(super) fn decrypt(&self, encrypted: &str, associated_data: &str) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let bytes = STANDARD.decode(encrypted).map_err(|_| DecryptError)?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(DecryptError)?;
        let (nonce, data) = (Nonce::assume_unique_for_key(*nonce), Aad::from(associated_data.as_bytes()));
        let mut text = Zeroizing::new(text.to_vec());
        let length = self.cipher().open_in_place(nonce, data, &mut text).map_err(|_| DecryptError)?.len();
        text.truncate(length);
        Ok(text)
    }

    fn cipher(&self) -> LessSafeKey {
        let Ok(key) = UnboundKey::new(&AES_256_GCM, self.0.as_slice()) else {
            unreachable!("AES-256 takes keys of 32 bytes")
        };
        LessSafeKey::new(key)
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_decrypted_only_with_its_key_and_associated_data() {
        let (key, other) = (EncryptionKey::new([1; 32]), EncryptionKey::new([2; 32]));
        for secret in ["", "a secret", "ключ"] {
            let encrypted = key.encrypt(secret.as_bytes(), "of anna");
            assert_ne!(encrypted, key.encrypt(secret.as_bytes(), "of anna"));
            assert_eq!(key.decrypt(&encrypted, "of anna").expect("a secret").as_slice(), secret.as_bytes());
            assert!(key.decrypt(&encrypted, "of bjorn").is_err());
            assert!(other.decrypt(&encrypted, "of anna").is_err());
        }
    }

    #[test]
    fn a_changed_text_is_not_decrypted() {
        let key = EncryptionKey::new([1; 32]);
        let encrypted = STANDARD.decode(key.encrypt(b"a secret", "")).expect("Base64");
        for position in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[position] ^= 1;
            assert!(key.decrypt(&STANDARD.encode(&changed), "").is_err(), "{position}");
            assert!(key.decrypt(&STANDARD.encode(&encrypted[..position]), "").is_err(), "{position}");
        }
        assert!(key.decrypt("not Base64", "").is_err());
    }
}
