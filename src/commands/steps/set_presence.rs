//! `set_presence: {status: StatusNotAvailable, message: …}` sets the user's presence.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        step::{PrepareContext, PreparedStep, Step},
        template::Template,
    },
    error::Error,
    users::{Effect, Presence},
};

/// Sets the user's presence.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPresence {
    /// The presence status, by upstream's name.
    status: Presence,
    /// The presence message.
    message: Option<Template>,
}

#[async_trait]
impl Step for SetPresence {
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        let message = self.message.as_ref().map(|text| text.render(context.variables)).transpose()?;
        let message = message.map(|message| message.raw()).unwrap_or_default();
        Ok(PreparedStep::effect(Effect::SetPresence { status: self.status, message }))
    }
}
