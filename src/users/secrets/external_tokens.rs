//! Access and refresh tokens of other systems. Saving returns a key that finds them.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MAX_SECRETS, change, decrypt, may_get_secrets_of, properties, to_json};
use crate::{
    error::Error,
    executions::audit::{Action, ChangedFields},
    store::Touched,
    users::{
        Caller, UserRef, UserService, WriteLock, Written, audited::user_subject, field_limits::check_text, token,
        user_service::find_manageable,
    },
    vault::stored_secret::{self, Metadata, Model, SecretKind},
};

const KIND: SecretKind = SecretKind::ExternalTokens;
/// Maximum characters of the provider.
const PROVIDER: usize = 254;
/// Maximum characters of a token.
const TOKEN: usize = 16_384;

/// Tokens of another system.
#[derive(Clone, Debug)]
pub struct ExternalTokens {
    /// The system.
    pub provider: String,
    pub access_token: SecretString,
    pub refresh_token: SecretString,
}

#[derive(Serialize, Deserialize)]
struct Properties {
    provider: String,
}

/// Saves tokens for the caller, and returns a new key that finds them. A caller's newest [`MAX_SECRETS`] tokens are kept.
///
/// # Errors
/// The caller is an anonymous user, or a text is too long.
pub async fn save(service: &UserService, caller: &Caller, tokens: ExternalTokens) -> Result<SecretString, Error> {
    let audit_log = service.audit_log.clone();
    let check = async {
        service.find_manageable(caller, &UserRef::Id(caller.user_id)).await?;
        check_text("Provider", &tokens.provider, PROVIDER)?;
        check_text("AccessToken", tokens.access_token.expose_secret(), TOKEN)?;
        check_text("RefreshToken", tokens.refresh_token.expose_secret(), TOKEN)?;
        Ok(tokens)
    };
    let work = service.write_locking(WriteLock::User(caller.user_id), caller, check, move |tx, caller, tokens| {
        Box::pin(async move {
            let user = find_manageable(tx, &caller, &UserRef::Id(caller.user_id)).await?;
            let (user_id, vault_key) = (Some(user.user.id), audit_log.hold_vault_key(tx).await?);
            let record = |action, provider: &str| {
                let identity = ChangedFields::from([("provider", provider.into())]);
                change(action, user_subject(&user), KIND, identity, Default::default())
            };
            let mut oldest = stored_secret::list_ids(tx, KIND, user_id).await?;
            oldest.truncate((oldest.len() + 1).saturating_sub(MAX_SECRETS));
            let mut changes = Vec::new();
            for id in oldest {
                let row = stored_secret::find_by_id(tx, KIND, id).await?;
                let provider = row.and_then(|row| properties(&row)).map(|Properties { provider }| provider);
                stored_secret::delete(tx, vec![id]).await?;
                changes.push(record(Action::SecretDeleted, &provider.unwrap_or_default()));
            }
            let ExternalTokens { provider, access_token, refresh_token } = tokens;
            changes.push(record(Action::SecretSaved, &provider));
            let key = token::generate("");
            let properties = to_json(&Properties { provider })?;
            let metadata = Metadata { kind: KIND, user_id, name: token::hash(&key), properties };
            let secret = json!([access_token.expose_secret(), refresh_token.expose_secret()]).to_string();
            stored_secret::save(tx, &vault_key, None, metadata, &secret.into()).await?;
            Ok(Written::new(key, Touched::Nothing, changes))
        })
    });
    work.await
}

/// The tokens that were saved with this key; `None` when there are none, or they are another user's and the caller is not
/// a system user.
///
/// # Errors
/// The caller is an anonymous user.
pub async fn find(service: &UserService, caller: &Caller, key: &SecretString) -> Result<Option<ExternalTokens>, Error> {
    service.find_manageable(caller, &UserRef::Id(caller.user_id)).await?;
    let snapshot = service.store.begin_snapshot().await?;
    let found = stored_secret::find_by_name(&snapshot, KIND, &token::hash(key)).await?;
    let may_get = |row: &Model| row.user_id.is_some_and(|id| may_get_secrets_of(caller, id));
    let Some(row) = found.filter(may_get) else { return Ok(None) };
    let Some(Properties { provider }) = properties(&row) else { return Ok(None) };
    let secret = decrypt(&row, &service.audit_log.vault_key(&snapshot).await?)?;
    // The error is left out, because it may quote the tokens.
    let unreadable = |_| Error::internal(format!("the stored tokens {} are not two texts", row.id));
    let tokens: [String; 2] = serde_json::from_str(secret.expose_secret()).map_err(unreadable)?;
    let [access_token, refresh_token] = tokens.map(SecretString::from);
    Ok(Some(ExternalTokens { provider, access_token, refresh_token }))
}
