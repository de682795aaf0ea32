//! `note: {text: …}` leaves a remark in the record of the execution; the caller does not see it.

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

/// Leaves a remark in the record of the execution.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The remark.
    text: Text,
}

#[async_trait]
impl Step for Note {
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::Output(StepOutput::noted(self.text.render(context.subjects)?)))
    }
}
