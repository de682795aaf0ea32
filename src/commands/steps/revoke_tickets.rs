//! `revoke_tickets: {}` takes every ticket of the user: what is logged in is logged out.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    error::Error,
    store::WriteTransaction,
    users::{User, ticket},
};

/// Takes every ticket of the user.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTickets {}

#[async_trait]
impl Step for RevokeTickets {
    async fn prepare(&self, _: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Change(Box::new(*self)))
    }
}

#[async_trait]
impl Change for RevokeTickets {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        ticket::revoke_all(transaction, user.user.id).await?;
        Ok(Said::nothing())
    }
}
