//! The rules for new passwords, and their Unicode normalization.

use std::borrow::Cow;

use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Letters and digits that do not look alike and need no quoting in a shell.
const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
const GENERATED_LENGTH: u16 = 16;
/// In characters. Limits the hashing work that unauthenticated clients can cause.
const MAX_LENGTH: usize = 1000;

/// The rule for new passwords. It does not apply to stored passwords.
#[derive(Clone, Copy, Debug)]
pub struct PasswordPolicy {
    min_length: u16,
}

/// Why a text cannot be a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordPolicyError {
    #[error("it has fewer than {0} characters")]
    TooShort(u16),
    #[error("it has more than {MAX_LENGTH} characters")]
    TooLong,
}

/// A password that a policy accepted, in NFC. Only such passwords are hashed for storage.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl PasswordPolicy {
    /// The minimum length is in characters.
    pub fn new(min_length: u16) -> Self {
        Self { min_length }
    }

    /// Checks and normalizes a new password.
    pub fn accept(self, password: &str) -> Result<NewPassword, PasswordPolicyError> {
        // Counted before normalization, which takes longer for longer texts.
        if password.chars().nth(MAX_LENGTH).is_some() {
            return Err(PasswordPolicyError::TooLong);
        }
        let password = nfc(password);
        match password.chars().count() {
            length if length < usize::from(self.min_length) => Err(PasswordPolicyError::TooShort(self.min_length)),
            _ => Ok(NewPassword(SecretString::from(password.into_owned()))),
        }
    }

    /// A random password of 16 letters and digits (93 bits), or longer if the policy requires it.
    pub fn generate(self) -> NewPassword {
        let mut random = rand::rng();
        let length = self.min_length.max(GENERATED_LENGTH);
        let characters = (0..length).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
        NewPassword(SecretString::from(characters.collect::<String>()))
    }
}

impl NewPassword {
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether a typed password is this password.
    pub fn is(&self, typed: &SecretString) -> bool {
        self.0.expose_secret() == nfc(typed.expose_secret())
    }
}

/// Normalizes a password to NFC: systems enter `é` as one character or as two.
pub(super) fn nfc(password: &str) -> Cow<'_, str> {
    match is_nfc_quick(password.chars()) {
        IsNormalized::Yes => Cow::Borrowed(password),
        _ => Cow::Owned(password.nfc().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy { min_length: 12 };

    #[test]
    fn a_password_has_a_minimum_and_a_maximum_of_characters() {
        let error = |password: &str| POLICY.accept(password).err();
        for short in ["", "hunter2", "elevenchars", "ÆØÅÆØÅÆØÅÆØ"] {
            assert_eq!(error(short), Some(PasswordPolicyError::TooShort(12)), "{short}");
        }
        for fine in ["twelve chars", "ÆØÅÆØÅÆØÅÆØÅ", "            ", &"x".repeat(1000)] {
            assert_eq!(error(fine), None, "{fine}");
        }
        assert_eq!(error(&"x".repeat(1001)), Some(PasswordPolicyError::TooLong));
    }

    #[test]
    fn both_unicode_forms_are_the_same_password() {
        let composed = POLICY.accept("caf\u{e9} au lait").expect("a password");
        let decomposed = POLICY.accept("cafe\u{301} au lait").expect("a password");
        assert_eq!(composed.secret().expose_secret(), decomposed.secret().expose_secret());
        assert!(composed.is(&SecretString::from("cafe\u{301} au lait")));
        assert!(!composed.is(&SecretString::from("cafe au lait")));
    }

    #[test]
    fn a_decomposed_letter_counts_once() {
        assert_eq!(POLICY.accept(&"e\u{301}".repeat(6)).err(), Some(PasswordPolicyError::TooShort(12)));
    }

    #[test]
    fn a_generated_password_obeys_the_policy() {
        for (min_length, length) in [(8, 16), (12, 16), (128, 128)] {
            let policy = PasswordPolicy::new(min_length);
            let generated = policy.generate();
            assert_eq!(generated.secret().expose_secret().len(), length);
            assert!(policy.accept(generated.secret().expose_secret()).is_ok());
        }
    }

    #[test]
    fn an_error_names_the_limit() {
        assert_eq!(PasswordPolicyError::TooShort(12).to_string(), "it has fewer than 12 characters");
        assert_eq!(PasswordPolicyError::TooLong.to_string(), "it has more than 1000 characters");
    }
}
