//! What steps change of who can log in: made through `users::access`, which keeps an administrator.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::DbErr;

use super::ChangeError;
use crate::{
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{self, AccessError, Caller, ProviderNames, access, password::PasswordHash, role},
};

/// A change of who can log in.
pub enum AccessChange {
    SetDeleted(bool),
    /// The name of a role.
    SetRole(String),
    SetTemporaryPassword {
        /// None in a dry run, which only checks.
        hash: Option<PasswordHash>,
        expires_at: DateTime<Utc>,
    },
}

impl AccessChange {
    /// Makes it, on the user as earlier steps left it.
    ///
    /// # Errors
    /// It would take the last administrator, it would change the person of a user whom the caller may not manage, or
    /// there is no such role.
    pub async fn apply(
        &self,
        transaction: &WriteTransaction,
        caller: &Caller,
        provider: ProviderNames,
        user_id: i32,
    ) -> Result<(), ChangeError> {
        let user = users::find(transaction, user_id).await?.map(Arc::new);
        let user = &user.ok_or_else(|| DbErr::RecordNotFound(format!("user {user_id}, who is locked")))?;
        match self {
            Self::SetDeleted(is_deleted) => {
                access::set_retired(transaction, caller, provider, user, *is_deleted).await?;
            }
            Self::SetRole(name) => {
                let Some(role) = role::find_by_name(transaction, name).await? else {
                    let refusal = MultiLanguage::resource("SR_ROLE_MISSING", &[("role", name)]);
                    return Err(ChangeError::Refused(refusal));
                };
                access::set_role(transaction, provider, user, &role).await?;
            }
            Self::SetTemporaryPassword { hash, expires_at } => {
                access::set_temporary_password(transaction, provider, user, hash.clone(), *expires_at).await?;
            }
        }
        Ok(())
    }
}

impl From<AccessError> for ChangeError {
    fn from(error: AccessError) -> Self {
        let refused = |key| Self::Refused(MultiLanguage::resource(key, &[]));
        match error {
            AccessError::LastAdministrator => refused("SR_LAST_ADMINISTRATOR"),
            AccessError::SharedPerson => refused("SR_PERSON_SHARED"),
            AccessError::Database(error) => Self::Database(error),
        }
    }
}
