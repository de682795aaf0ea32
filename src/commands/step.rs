//! The interface of steps: a step of a definition is prepared into data, which is decided and written later.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    document::{DefinitionProblem, Located},
    inputs::{InputDefinitions, InputValue, InputValues},
    request::ExecuteRequest,
    step_output::StepOutput,
    template::TemplateContext,
    value_or_input::ValueOrInput,
};
use crate::{
    error::Error,
    users::{Effect, password::PasswordHasher},
    webhooks::WebhookRequest,
};

/// What a step may use while it is prepared.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    pub variables: &'a TemplateContext<'a>,
    /// The values of the command's inputs.
    pub inputs: &'a InputValues,
    pub passwords: &'a PasswordHasher,
    /// The request. In a dry run, a step must neither create secrets nor call other systems.
    pub request: &'a ExecuteRequest,
    pub execution_id: Uuid,
    pub started_at: DateTime<Utc>,
    /// Timeout of one webhook call.
    pub timeout: Duration,
    /// Number of the step in the definition, from 1.
    pub number: usize,
}

impl PrepareContext<'_> {
    /// The value of an input that the step takes.
    ///
    /// # Errors
    /// The input has no value. [`Step::check`] prevents this.
    pub fn input(&self, name: &Located<String>) -> Result<&InputValue, Error> {
        let missing = || Error::internal(format!("the input `{}` has no value", name.value));
        self.inputs.get(&name.value).ok_or_else(missing)
    }

    /// The name of a group or role, from the definition or from an input.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub fn name_of(&self, name: &ValueOrInput<Located<String>>) -> Result<String, Error> {
        match name {
            ValueOrInput::Value(name) => Ok(name.value.clone()),
            ValueOrInput::Input(input) => {
                let text = self.input(input)?.text().map(str::to_owned);
                text.ok_or_else(|| Error::internal(format!("the input `{}` has no name", input.value)))
            }
        }
    }
}

/// A step of a definition.
#[async_trait]
pub trait Step: Send + Sync {
    /// Checks the inputs that the step takes.
    fn check(&self, _: &InputDefinitions) -> Vec<DefinitionProblem> {
        Vec::new()
    }

    /// Checks the values of the inputs that the step takes, before the question is asked.
    ///
    /// # Errors
    /// [`Error::InvalidInputs`] if the step cannot take one of them.
    fn check_values(&self, _: &InputValues, _: &PasswordHasher) -> Result<(), Error> {
        Ok(())
    }

    /// Does the slow work before the write transaction begins: renders texts and hashes passwords.
    ///
    /// # Errors
    /// A text cannot be rendered, or the process is shutting down.
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error>;
}

/// A prepared step, as data.
#[derive(Clone)]
pub enum PreparedStep {
    /// Only an output, without effect.
    Output(StepOutput),
    /// An effect on the user, and the output if it succeeds.
    Effect(Effect, StepOutput),
    /// A webhook to deliver after the commit.
    Deliver(WebhookRequest),
    /// A webhook to call before anything is changed.
    Call(WebhookRequest),
}

impl PreparedStep {
    /// An effect without output.
    pub fn effect(effect: Effect) -> Self {
        Self::Effect(effect, StepOutput::default())
    }
}
