//! `revoke_tickets: {}` revokes all tickets of the user and so logs the user out everywhere.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::step::{PrepareContext, PreparedStep, Step},
    error::Error,
    users::Effect,
};

/// Revokes all tickets of the user and so logs the user out everywhere.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTickets {}

#[async_trait]
impl Step for RevokeTickets {
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::RevokeTickets))
    }
}
