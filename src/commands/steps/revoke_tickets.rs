//! `revoke_tickets: {}` takes every ticket of the user: what is logged in is logged out.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::step::{PrepareContext, PreparedStep, Step},
    error::Error,
    users::Effect,
};

/// Takes every ticket of the user.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTickets {}

#[async_trait]
impl Step for RevokeTickets {
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::RevokeTickets))
    }
}
