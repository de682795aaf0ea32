//! `set_presence: {status: StatusNotAvailable, message: …}` sets the user's presence.

use async_trait::async_trait;
use schemars::JsonSchema;
use sea_orm::ActiveEnum;
use serde::Deserialize;

use crate::{
    commands::{
        document::{DefinitionProblem, Located},
        inputs::{InputDefinitions, InputType},
        step::{PrepareContext, PreparedStep, Step},
        template::Template,
        value_or_input::ValueOrInput,
    },
    error::Error,
    users::{Effect, Presence},
};

/// Sets the user's presence.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPresence {
    /// The presence status, by upstream's name, or a choice of such names.
    status: ValueOrInput<Presence>,
    /// The presence message.
    message: Option<Template>,
}

#[async_trait]
impl Step for SetPresence {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        let takes = |input_type: &InputType| match input_type {
            InputType::Choice(choices) if choices.iter().all(|choice| named(&choice.value).is_some()) => Ok(()),
            _ => Err("a choice of presence statuses, such as StatusNormal".to_owned()),
        };
        let status = self.status.check(inputs, takes);
        let message = self.message.as_ref().and_then(|message| message.check_inputs(inputs));
        status.into_iter().chain(message).collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        let message = self.message.as_ref().map(|text| text.render(context.variables)).transpose()?;
        let message = message.map(|message| message.raw()).unwrap_or_default();
        Ok(PreparedStep::effect(Effect::SetPresence { status: self.status(context)?, message }))
    }
}

impl SetPresence {
    fn status(&self, context: &PrepareContext<'_>) -> Result<Presence, Error> {
        let input: &Located<String> = match &self.status {
            ValueOrInput::Value(status) => return Ok(*status),
            ValueOrInput::Input(input) => input,
        };
        let status = context.input(input)?.text().and_then(named);
        status.ok_or_else(|| Error::internal(format!("the input `{}` is no presence", input.value)))
    }
}

fn named(name: &str) -> Option<Presence> {
    Presence::try_from_value(&name.to_owned()).ok()
}
