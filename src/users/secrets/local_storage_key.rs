//! The key with which a client encrypts what it stores on a user's machine. It stays the same for a user.

use secrecy::SecretString;

use super::{change, data_key, decrypt, save};
use crate::{
    error::Error,
    executions::audit::{Action, ChangedFields},
    store::Touched,
    users::{Caller, UserRef, UserService, Written, audited::user_subject, token, user_service::find_manageable},
    vault::stored_secret::{self, Metadata, SecretKind},
};

const KIND: SecretKind = SecretKind::LocalStorageKey;
/// A user has one key, without a name.
const NAME: &str = "";

/// The caller's key. The first call creates it.
///
/// # Errors
/// The caller is an anonymous user.
pub async fn find_or_create(service: &UserService, caller: &Caller) -> Result<SecretString, Error> {
    service.find_manageable(caller, &UserRef::Id(caller.user_id)).await?;
    if let Some(key) = find(service, caller).await? {
        return Ok(key);
    }
    let audit_log = service.audit_log.clone();
    let work = service.write(caller, async { Ok(()) }, move |tx, caller, ()| {
        Box::pin(async move {
            let user = find_manageable(tx, &caller, &UserRef::Id(caller.user_id)).await?;
            let user_id = Some(user.user.id);
            // Another request may just have created it: its key then stays.
            let present = stored_secret::list(tx, KIND, user_id, NAME).await?;
            let new = present.is_empty().then(|| token::generate(""));
            let is_new = new.is_some();
            let metadata = Metadata { kind: KIND, user_id, name: NAME.to_owned(), properties: "{}".to_owned() };
            let (_, key) = save(tx, &audit_log, present.first(), metadata, new).await?;
            let none = (ChangedFields::default(), ChangedFields::default());
            let created = change(Action::SecretSaved, user_subject(&user), KIND, ChangedFields::default(), none);
            Ok(Written::new(key, Touched::Nothing, is_new.then_some(created)))
        })
    });
    work.await
}

async fn find(service: &UserService, caller: &Caller) -> Result<Option<SecretString>, Error> {
    let snapshot = service.store.begin_snapshot().await?;
    match stored_secret::list(&snapshot, KIND, Some(caller.user_id), NAME).await?.first() {
        Some(row) => Ok(Some(decrypt(row, &data_key(service, &snapshot).await?)?)),
        None => Ok(None),
    }
}
