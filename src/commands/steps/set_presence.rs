//! `set_presence: {status: StatusNotAvailable, message: …}` says whether a user can be reached.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        step::{PrepareContext, PreparedStep, Step},
        text::Text,
    },
    error::Error,
    users::{Effect, Presence},
};

/// Says whether the user can be reached.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPresence {
    /// Upstream's name of the status.
    status: Presence,
    /// More about it.
    message: Option<Text>,
}

#[async_trait]
impl Step for SetPresence {
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        let message = self.message.as_ref().map(|text| text.render(context.subjects)).transpose()?;
        let message = message.map(|message| message.raw()).unwrap_or_default();
        Ok(PreparedStep::effect(Effect::SetPresence { status: self.status, message }))
    }
}
