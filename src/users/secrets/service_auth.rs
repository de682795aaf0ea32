//! How the installation logs in to other services, such as a mail server. Administrators save it. System users may read it,
//! because they use it.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MAX_SECRETS, change, decrypt, decrypt_or_log, is_full, properties, save as save_secret, to_json};
use crate::{
    error::Error,
    executions::audit::{Action, ChangedFields, Subject, SubjectType},
    store::Touched,
    users::{
        Caller, UserService, Written, check_is_administrator,
        field_limits::{check_text, field_error},
    },
    vault::stored_secret::{self, Metadata, SecretKind},
};

const KIND: SecretKind = SecretKind::ServiceAuth;
/// Maximum characters of the server, the type and the name.
const TEXT: usize = 254;
/// Maximum characters of the password or token.
const PASSWORD: usize = 4_096;

/// Where and how to log in, without the password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAuth {
    pub server: String,
    pub port: i32,
    /// Such as plain text or OAuth.
    pub auth_type: String,
    pub user_name: String,
}

/// A stored service authentication with its password.
#[derive(Clone, Debug)]
pub struct StoredServiceAuth {
    pub id: i32,
    pub auth: ServiceAuth,
    pub password: SecretString,
}

/// The values to save. Those that are `None` stay as they are stored.
#[derive(Clone, Debug, Default)]
pub struct ServiceAuthEdit {
    pub server: Option<String>,
    pub port: Option<i32>,
    pub auth_type: Option<String>,
    pub user_name: Option<String>,
    pub password: Option<SecretString>,
}

impl ServiceAuthEdit {
    fn check(&self) -> Result<(), Error> {
        let texts = [("Server", &self.server), ("AuthType", &self.auth_type), ("Username", &self.user_name)];
        for (field, text) in texts {
            check_text(field, text.as_deref().unwrap_or_default(), TEXT)?;
        }
        if self.port.is_some_and(|port| !(0..=65_535).contains(&port)) {
            return Err(field_error("Port", "it is not a number from 0 to 65535"));
        }
        let password = self.password.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        check_text("Password", password, PASSWORD)
    }

    /// Whether no stored value stays.
    fn is_complete(&self) -> bool {
        let Self { server, port, auth_type, user_name, password } = self;
        let has_texts = [server, auth_type, user_name].iter().all(|text| text.is_some());
        has_texts && port.is_some() && password.is_some()
    }

    /// The values to store, and the password if there is a new one.
    fn apply(self, present: ServiceAuth) -> (ServiceAuth, Option<SecretString>) {
        let auth = ServiceAuth {
            server: self.server.unwrap_or(present.server),
            port: self.port.unwrap_or(present.port),
            auth_type: self.auth_type.unwrap_or(present.auth_type),
            user_name: self.user_name.unwrap_or(present.user_name),
        };
        (auth, self.password)
    }
}

/// The service authentication with this id.
///
/// # Errors
/// The caller is neither an administrator nor a system user.
pub async fn find(service: &UserService, caller: &Caller, id: i32) -> Result<Option<StoredServiceAuth>, Error> {
    if !caller.is_system_user() {
        check_is_administrator(caller)?;
    }
    let snapshot = service.store.begin_snapshot().await?;
    let Some(row) = stored_secret::find_by_id(&snapshot, KIND, id).await? else { return Ok(None) };
    let password = decrypt(&row, &service.audit_log.vault_key(&snapshot).await?)?;
    Ok(Some(StoredServiceAuth { id, auth: properties(&row).unwrap_or_default(), password }))
}

/// Saves a new service authentication for the id 0, and the one with this id otherwise.
///
/// # Errors
/// The caller is not an administrator, there is none with this id, a value is invalid, or there are [`MAX_SECRETS`]
/// already.
pub async fn save(
    service: &UserService,
    caller: &Caller,
    id: i32,
    edit: ServiceAuthEdit,
) -> Result<StoredServiceAuth, Error> {
    let audit_log = service.audit_log.clone();
    let check = async {
        check_is_administrator(caller)?;
        edit.check()?;
        Ok(edit)
    };
    let work = service.write(caller, check, move |tx, caller, edit| {
        Box::pin(async move {
            check_is_administrator(&caller)?;
            let key = audit_log.hold_vault_key(tx).await?;
            let former = stored_secret::find_by_id(tx, KIND, id).await?;
            if former.is_none() && id != 0 {
                return Err(field_error("ServiceAuthId", format!("there is no service authentication {id}")));
            }
            if former.is_none() && is_full(tx, KIND, None).await? {
                let full = format!("there are {MAX_SECRETS} service authentications already; delete one first");
                return Err(field_error("ServiceAuthId", full));
            }
            let present = former.as_ref().and_then(properties::<ServiceAuth>);
            let before = present.as_ref().map(fields).unwrap_or_default();
            // In a row that cannot be decrypted, the server may be another one than an administrator saved.
            let is_readable = former.as_ref().is_none_or(|row| decrypt_or_log(row, &key).is_some());
            if !is_readable && !edit.is_complete() {
                let error = "the stored one cannot be read; send all properties and the password again";
                return Err(field_error("ServiceAuthId", error));
            }
            let (auth, password) = edit.apply(present.unwrap_or_default());
            let metadata = Metadata { kind: KIND, user_id: None, name: String::new(), properties: to_json(&auth)? };
            let identity = ChangedFields::from([("hasNewPassword", password.is_some().into())]);
            let password = ("Password", password);
            let (id, password) = save_secret(tx, &key, former.as_ref(), metadata, password).await?;
            let saved = change(Action::SecretSaved, subject(id, &auth), KIND, identity, (before, fields(&auth)));
            Ok(Written::new(StoredServiceAuth { id, auth, password }, Touched::Nothing, Some(saved)))
        })
    });
    work.await
}

/// Deletes the service authentication with this id, if there is one.
///
/// # Errors
/// The caller is not an administrator.
pub async fn delete(service: &UserService, caller: &Caller, id: i32) -> Result<(), Error> {
    let audit_log = service.audit_log.clone();
    let check = async { check_is_administrator(caller) };
    let work = service.write(caller, check, move |tx, caller, ()| {
        Box::pin(async move {
            check_is_administrator(&caller)?;
            audit_log.hold_vault_key(tx).await?;
            let Some(row) = stored_secret::find_by_id(tx, KIND, id).await? else {
                return Ok(Written::new((), Touched::Nothing, None));
            };
            stored_secret::delete(tx, vec![id]).await?;
            let auth: ServiceAuth = properties(&row).unwrap_or_default();
            let fields = (fields(&auth), ChangedFields::default());
            let deleted = change(Action::SecretDeleted, subject(id, &auth), KIND, ChangedFields::default(), fields);
            Ok(Written::new((), Touched::Nothing, Some(deleted)))
        })
    });
    work.await
}

fn subject(id: i32, auth: &ServiceAuth) -> Subject {
    Subject::new(SubjectType::ServiceAuth, id, &auth.server)
}

fn fields(ServiceAuth { server, port, auth_type, user_name }: &ServiceAuth) -> ChangedFields {
    ChangedFields::from([
        ("server", json!(server)),
        ("port", json!(port)),
        ("authType", json!(auth_type)),
        ("userName", json!(user_name)),
    ])
}
