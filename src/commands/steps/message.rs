//! `message: {text: …}` shows the caller a text.

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

/// Shows the caller a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The text.
    text: Template,
}

#[async_trait]
impl Step for Message {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        self.text.check_inputs(inputs).into_iter().collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::Output(StepOutput::public(self.text.render(context.variables)?)))
    }
}
