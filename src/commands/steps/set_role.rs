//! `set_role: {role: …}` gives the user a role.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    error::Error,
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{self, User, UserColumn, role},
};

/// Gives the user a role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// The role's name.
    pub role: String,
}

#[async_trait]
impl Step for SetRole {
    async fn prepare(&self, _: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Change(Box::new(self.clone())))
    }
}

#[async_trait]
impl Change for SetRole {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        let Some(found) = role::find_by_name(transaction, &self.role).await? else {
            let refusal = MultiLanguage::resource("SR_ROLE_MISSING", &[("role", &self.role)]);
            return Err(ChangeError::Refused(refusal));
        };
        let values = vec![(UserColumn::RoleId, found.id.into())];
        users::change(transaction, user, values).await?;
        Ok(Said::nothing())
    }
}
