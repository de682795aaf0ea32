//! The key with which a client encrypts what it stores on a user's machine. It stays the same for a user.

use secrecy::SecretString;

use super::{change, decrypt_or_log};
use crate::{
    error::Error,
    executions::audit::{Action, ChangedFields},
    store::Touched,
    users::{
        Caller, UserRef, UserService, WriteLock, Written, audited::user_subject, token, user_service::find_manageable,
    },
    vault::stored_secret::{self, Metadata, SecretKind},
};

const KIND: SecretKind = SecretKind::LocalStorageKey;
/// A user has one key, without a name.
const NAME: &str = "";

/// The caller's key. The first call creates it. A key that cannot be decrypted any more is replaced.
///
/// # Errors
/// The caller is an anonymous user.
pub async fn find_or_create(service: &UserService, caller: &Caller) -> Result<SecretString, Error> {
    service.find_manageable(caller, &UserRef::Id(caller.user_id)).await?;
    if let Some(key) = find(service, caller).await? {
        return Ok(key);
    }
    let audit_log = service.audit_log.clone();
    let work =
        service.write_locking(WriteLock::User(caller.user_id), caller, async { Ok(()) }, move |tx, caller, ()| {
            Box::pin(async move {
                let user = find_manageable(tx, &caller, &UserRef::Id(caller.user_id)).await?;
                let (user_id, vault_key) = (Some(user.user.id), audit_log.hold_vault_key(tx).await?);
                let present = stored_secret::list(tx, KIND, user_id, NAME).await?;
                // Another request may just have created it.
                if let Some(Ok(key)) = present.first().map(|row| row.decrypt(&vault_key)) {
                    return Ok(Written::new(key, Touched::Nothing, None));
                }
                let metadata = Metadata { kind: KIND, user_id, name: NAME.to_owned(), properties: "{}".to_owned() };
                let (former, key) = (present.first().map(|row| row.id), token::generate(""));
                stored_secret::save(tx, &vault_key, former, metadata, &key).await?;
                // With another key, the client cannot read any more what it stored.
                let identity = ChangedFields::from([("replaced", former.is_some().into())]);
                let saved = change(Action::SecretSaved, user_subject(&user), KIND, identity, Default::default());
                Ok(Written::new(key, Touched::Nothing, Some(saved)))
            })
        });
    work.await
}

/// The stored key; `None`, and a line in the log, when it cannot be decrypted.
async fn find(service: &UserService, caller: &Caller) -> Result<Option<SecretString>, Error> {
    let snapshot = service.store.begin_snapshot().await?;
    let rows = stored_secret::list(&snapshot, KIND, Some(caller.user_id), NAME).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(decrypt_or_log(row, &service.audit_log.vault_key(&snapshot).await?))
}
