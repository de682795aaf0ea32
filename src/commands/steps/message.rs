//! `message: {text: …}` tells the caller something.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        step::{PrepareContext, PreparedStep, Step},
        step_output::StepOutput,
        text::Text,
    },
    error::Error,
};

/// Tells the caller something.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// What to tell.
    text: Text,
}

#[async_trait]
impl Step for Message {
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::Output(StepOutput::public(self.text.render(context.subjects)?)))
    }
}
