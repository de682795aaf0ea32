//! `set_deleted: {value: true}` ends a user's access as upstream does, by retiring user and person; `false` undoes it.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    error::Error,
    store::WriteTransaction,
    users::{self, User},
};

/// Ends a user's access, or gives it back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDeleted {
    /// True ends it, false gives it back.
    value: bool,
}

#[async_trait]
impl Step for SetDeleted {
    async fn prepare(&self, _: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Change(Box::new(*self)))
    }
}

#[async_trait]
impl Change for SetDeleted {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        users::set_deleted(transaction, user, self.value).await?;
        Ok(Said::nothing())
    }
}
