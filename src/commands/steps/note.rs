//! `note: {text: …}` adds a note to the record of the execution. The caller does not see it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        document::DefinitionProblem,
        inputs::InputDefinitions,
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
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        self.text.check_inputs(inputs).into_iter().collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::Output(StepOutput::noted(self.text.render(context.variables)?)))
    }
}
