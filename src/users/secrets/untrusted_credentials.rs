//! Credentials of users for other systems. Upstream calls them untrusted, because it does not log in with them.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    MAX_SECRETS, change, decrypt_or_log, is_full, may_get_secrets_of, properties, save as save_secret, to_json,
};
use crate::{
    error::Error,
    executions::audit::{Action, ChangedFields},
    store::Touched,
    users::{
        Caller, UserRef, UserService, WriteLock, Written,
        audited::user_subject,
        field_limits::{check_text, field_error},
        user_service::find_manageable,
    },
    vault::stored_secret::{self, Metadata, Model, SecretKind},
};

const KIND: SecretKind = SecretKind::UntrustedCredentials;
/// Maximum characters of the type.
const TYPE: usize = 254;
/// Maximum characters of the comment, as upstream.
const COMMENT: usize = 255;
/// Maximum characters of the secret, as upstream.
const SECRET_VALUE: usize = 70;
/// Maximum characters of the public value, as upstream.
const PUBLIC_VALUE: usize = 238;

/// Credentials without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntrustedCredentials {
    /// Such as a server and a user name. A user has at most one set of credentials of a type with this value.
    pub public_value: String,
    pub comment: String,
    /// `None` for no limit.
    pub valid_from: Option<DateTime<Utc>>,
    /// `None` for no limit.
    pub valid_to: Option<DateTime<Utc>>,
    pub is_active: bool,
}

/// Stored credentials, with the secret for callers who get it.
#[derive(Clone, Debug)]
pub struct StoredCredentials {
    pub credentials: UntrustedCredentials,
    pub secret: Option<SecretString>,
}

/// The values to save. Those that are `None` stay as they are stored.
#[derive(Clone, Debug, Default)]
pub struct UntrustedCredentialsEdit {
    pub public_value: String,
    pub comment: Option<String>,
    /// The inner `None` stands for no limit.
    pub valid_from: Option<Option<DateTime<Utc>>>,
    /// The inner `None` stands for no limit.
    pub valid_to: Option<Option<DateTime<Utc>>>,
    pub is_active: Option<bool>,
    pub secret: Option<SecretString>,
}

impl UntrustedCredentialsEdit {
    fn check(&self) -> Result<(), Error> {
        check_text("PublicValue", &self.public_value, PUBLIC_VALUE)?;
        check_text("Comment", self.comment.as_deref().unwrap_or_default(), COMMENT)?;
        let secret = self.secret.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        check_text("SecretValue", secret, SECRET_VALUE)
    }

    /// The values to store, and the secret if there is a new one. New credentials are active by default.
    fn apply(self, present: Option<UntrustedCredentials>) -> (UntrustedCredentials, Option<SecretString>) {
        let (public_value, mut credentials) = (self.public_value, present.unwrap_or_else(UntrustedCredentials::blank));
        credentials = UntrustedCredentials {
            public_value,
            comment: self.comment.unwrap_or(credentials.comment),
            valid_from: self.valid_from.unwrap_or(credentials.valid_from),
            valid_to: self.valid_to.unwrap_or(credentials.valid_to),
            is_active: self.is_active.unwrap_or(credentials.is_active),
        };
        (credentials, self.secret)
    }
}

impl UntrustedCredentials {
    /// New, empty and active credentials.
    pub fn blank() -> Self {
        Self { public_value: String::new(), comment: String::new(), valid_from: None, valid_to: None, is_active: true }
    }

    fn check_dates(&self) -> Result<(), Error> {
        match self.valid_from.zip(self.valid_to) {
            Some((from, to)) if to < from => Err(field_error("ValidTo", "it is before ValidFrom")),
            _ => Ok(()),
        }
    }
}

/// A user's credentials of a type, oldest first. What cannot be read is left out, and logged.
///
/// # Errors
/// The caller may not manage the user, or the user does not exist.
pub async fn list(
    service: &UserService,
    caller: &Caller,
    user_id: i32,
    credential_type: &str,
) -> Result<Vec<StoredCredentials>, Error> {
    service.find_manageable(caller, &UserRef::Id(user_id)).await?;
    let snapshot = service.store.begin_snapshot().await?;
    let rows = stored_secret::list(&snapshot, KIND, Some(user_id), credential_type).await?;
    let key = match may_get_secrets_of(caller, user_id) && !rows.is_empty() {
        true => Some(service.audit_log.vault_key(&snapshot).await?),
        false => None,
    };
    let stored = |row: &Model| {
        let secret = key.as_ref().and_then(|key| decrypt_or_log(row, key));
        Some(StoredCredentials { credentials: properties(row)?, secret })
    };
    Ok(rows.iter().filter_map(stored).collect())
}

/// Saves credentials of a user: changes the credentials of the same type with the same public value, or makes new ones.
/// When the stored secret cannot be decrypted, the saved values replace all of the stored ones.
///
/// # Errors
/// The caller may not manage the user, the user does not exist, a text is too long or empty, the validity ends before it
/// begins, or the user has [`MAX_SECRETS`] already.
pub async fn save(
    service: &UserService,
    caller: &Caller,
    user_id: i32,
    credential_type: String,
    edit: UntrustedCredentialsEdit,
) -> Result<(), Error> {
    let audit_log = service.audit_log.clone();
    let check = async {
        service.find_manageable(caller, &UserRef::Id(user_id)).await?;
        if credential_type.trim().is_empty() {
            return Err(field_error("Type", "it is empty"));
        }
        check_text("Type", &credential_type, TYPE)?;
        edit.check()?;
        Ok((credential_type, edit))
    };
    let work =
        service.write_locking(WriteLock::User(user_id), caller, check, move |tx, caller, (credential_type, edit)| {
            Box::pin(async move {
                let user = find_manageable(tx, &caller, &UserRef::Id(user_id)).await?;
                let key = audit_log.hold_vault_key(tx).await?;
                let rows = stored_secret::list(tx, KIND, Some(user_id), &credential_type).await?;
                let found = with_public_value(rows, &edit.public_value);
                if found.is_none() && is_full(tx, KIND, Some(user_id)).await? {
                    let full = format!("the user has {MAX_SECRETS} already; remove one first");
                    return Err(field_error("Credentials", full));
                }
                let (former, present) = found.unzip();
                let before = present.as_ref().map(fields).unwrap_or_default();
                // What is stored with a secret that cannot be decrypted may have been changed in the database.
                let is_readable = former.as_ref().is_some_and(|row| decrypt_or_log(row, &key).is_some());
                let (credentials, secret) = edit.apply(present.filter(|_| is_readable));
                credentials.check_dates()?;
                let mut identity = identity(&credential_type, &credentials.public_value);
                identity.0.insert("hasNewSecret".to_owned(), secret.is_some().into());
                let properties = to_json(&credentials)?;
                let metadata = Metadata { kind: KIND, user_id: Some(user_id), name: credential_type, properties };
                save_secret(tx, &key, former.as_ref(), metadata, ("SecretValue", secret)).await?;
                let fields = (before, fields(&credentials));
                let saved = change(Action::SecretSaved, user_subject(&user), KIND, identity, fields);
                Ok(Written::new((), Touched::Nothing, Some(saved)))
            })
        });
    work.await
}

/// Removes credentials of a user, if there are any of this type with this public value.
///
/// # Errors
/// The caller may not manage the user, or the user does not exist.
pub async fn remove(
    service: &UserService,
    caller: &Caller,
    user_id: i32,
    credential_type: String,
    public_value: String,
) -> Result<(), Error> {
    let audit_log = service.audit_log.clone();
    let check = async { service.find_manageable(caller, &UserRef::Id(user_id)).await.map(drop) };
    let work = service.write_locking(WriteLock::User(user_id), caller, check, move |tx, caller, ()| {
        Box::pin(async move {
            let user = find_manageable(tx, &caller, &UserRef::Id(user_id)).await?;
            audit_log.hold_vault_key(tx).await?;
            let rows = stored_secret::list(tx, KIND, Some(user_id), &credential_type).await?;
            let Some((row, credentials)) = with_public_value(rows, &public_value) else {
                return Ok(Written::new((), Touched::Nothing, None));
            };
            stored_secret::delete(tx, vec![row.id]).await?;
            let identity = identity(&credential_type, &public_value);
            let fields = (fields(&credentials), ChangedFields::default());
            let removed = change(Action::SecretDeleted, user_subject(&user), KIND, identity, fields);
            Ok(Written::new((), Touched::Nothing, Some(removed)))
        })
    });
    work.await
}

fn with_public_value(rows: Vec<Model>, public_value: &str) -> Option<(Model, UntrustedCredentials)> {
    let mut read = rows.into_iter().filter_map(|row| properties(&row).map(|credentials| (row, credentials)));
    read.find(|(_, credentials): &(_, UntrustedCredentials)| credentials.public_value == public_value)
}

/// What identifies credentials of a user.
fn identity(credential_type: &str, public_value: &str) -> ChangedFields {
    ChangedFields::from([("type", credential_type.into()), ("publicValue", public_value.into())])
}

fn fields(credentials: &UntrustedCredentials) -> ChangedFields {
    let UntrustedCredentials { public_value: _, comment, valid_from, valid_to, is_active } = credentials;
    ChangedFields::from([
        ("comment", json!(comment)),
        ("validFrom", json!(valid_from)),
        ("validTo", json!(valid_to)),
        ("isActive", json!(is_active)),
    ])
}
