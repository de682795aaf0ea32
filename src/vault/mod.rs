//! Secrets that the server keeps for its users and gives back later, encrypted at rest.
//!
//! The key is derived from the audit key, which is outside the database. So a copy of the database without the audit key
//! shows no secret. A change of the audit key encrypts all secrets anew.

mod encryption;
pub mod stored_secret;

pub use encryption::{DecryptError, EncryptionKey};
