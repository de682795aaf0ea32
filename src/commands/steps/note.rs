//! `note: {text: …}` adds a note to the record of the execution. The caller does not see it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        step::{PrepareContext, PreparedStep, Step},
        step_output::StepOutput,
        template::Template,
    },
    error::Error,
};

/// Adds a note to the record of the execution. The caller does not see it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The note.
    text: Template,
}

#[async_trait]
impl Step for Note {
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::Output(StepOutput::noted(self.text.render(context.variables)?)))
    }
}
