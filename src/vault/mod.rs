//! Secrets that the server keeps for its users and gives back later, encrypted at rest.
//!
//! They are encrypted with a random data key. The data key is stored encrypted, with a key derived from the audit key,
//! which is outside the database. So a copy of the database without the audit key shows no secret, and a new audit key
//! changes one row only.

pub mod data_key;
mod encryption;
pub mod stored_secret;

pub use encryption::{DecryptError, EncryptionKey};
