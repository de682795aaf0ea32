//! `set_group: {group: …}` moves the user to a group.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    commands::document::Located,
    error::Error,
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{self, User, UserColumn, user_group},
};

/// Moves the user to a group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetGroup {
    /// The group's name.
    #[schemars(with = "String")]
    pub group: Located<String>,
}

#[async_trait]
impl Step for SetGroup {
    async fn prepare(&self, _: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Change(Box::new(self.clone())))
    }
}

#[async_trait]
impl Change for SetGroup {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        let Some(found) = user_group::find_by_name(transaction, &self.group.value).await? else {
            let refusal = MultiLanguage::resource("SR_GROUP_MISSING", &[("group", &self.group.value)]);
            return Err(ChangeError::Refused(refusal));
        };
        let values = vec![(UserColumn::UserGroupId, found.id.into())];
        users::change(transaction, user, values).await?;
        Ok(Said::nothing())
    }
}
