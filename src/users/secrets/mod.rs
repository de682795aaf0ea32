//! Secrets that users keep here for other systems, and get back (docs/upstream.md §1.8). They are encrypted at rest
//! ([`crate::vault`]).
//!
//! Callers who may manage a user may save and remove the user's credentials. Only the user and system users get the
//! secrets themselves. Administrators and system users get the passwords of services.

pub mod external_tokens;
pub mod local_storage_key;
pub mod service_auth;
pub mod untrusted_credentials;

use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};

use super::{Caller, field_limits::field_error};
use crate::{
    error::Error,
    executions::audit::{Action, Change, ChangedFields, Subject},
    store::WriteTransaction,
    vault::{
        EncryptionKey,
        stored_secret::{self, Metadata, Model, SecretKind},
    },
};

/// Maximum number of secrets of one kind that a user, or the installation, can have.
pub const MAX_SECRETS: usize = 100;

/// Whether a caller gets the secrets of this user themselves, and not only what is stored with them.
fn may_get_secrets_of(caller: &Caller, user_id: i32) -> bool {
    caller.user_id == user_id || caller.is_system_user()
}

/// What is stored with a secret; `None`, and a line in the log, when it cannot be read.
fn properties<T: DeserializeOwned>(row: &Model) -> Option<T> {
    let read = serde_json::from_str(&row.properties);
    read.inspect_err(|error| tracing::error!(id = row.id, %error, "the properties of a stored secret cannot be read"))
        .ok()
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn decrypt(row: &Model, key: &EncryptionKey) -> Result<SecretString, Error> {
    row.decrypt(key).map_err(|error| Error::internal(format!("the stored secret {} cannot be read: {error}", row.id)))
}

/// The secret; `None`, and a line in the log, when it cannot be decrypted.
fn decrypt_or_log(row: &Model, key: &EncryptionKey) -> Option<SecretString> {
    let decrypted = row.decrypt(key);
    decrypted.inspect_err(|error| tracing::error!(id = row.id, %error, "a stored secret cannot be read")).ok()
}

/// Stores a secret in the place of another one, or as a new one. Without a new secret, the former one stays. Returns the
/// id of the row, and the secret.
///
/// # Errors
/// There is no new secret, and the former one cannot be decrypted. `field` is the name of the secret in the API.
async fn save(
    tx: &WriteTransaction,
    key: &EncryptionKey,
    former: Option<&Model>,
    metadata: Metadata,
    (field, secret): (&str, Option<SecretString>),
) -> Result<(i32, SecretString), Error> {
    let unreadable = |_| field_error(field, "the stored one cannot be read; send it again");
    let secret = match (secret, former) {
        (Some(secret), _) => secret,
        (None, Some(former)) => former.decrypt(key).map_err(unreadable)?,
        (None, None) => SecretString::default(),
    };
    let saved = stored_secret::save(tx, key, former.map(|row| row.id), metadata, &secret).await?;
    Ok((saved.id, secret))
}

/// Whether there are as many secrets of this kind and user as there can be.
async fn is_full(tx: &WriteTransaction, kind: SecretKind, user_id: Option<i32>) -> Result<bool, Error> {
    Ok(stored_secret::list_ids(tx, kind, user_id).await?.len() >= MAX_SECRETS)
}

/// A change of a secret. The record always has the kind and `identity`; of the other fields, those that changed.
fn change(
    action: Action,
    subject: Subject,
    kind: SecretKind,
    identity: ChangedFields,
    (before, after): (ChangedFields, ChangedFields),
) -> Change {
    let mut change = Change::new(action, subject).fields(before, after);
    change.after.0.insert("kind".to_owned(), kind.word().into());
    change.after.0.extend(identity.0);
    change
}
