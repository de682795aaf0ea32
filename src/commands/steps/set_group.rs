//! `set_group: {group: …}` moves the user to a group.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        document::{DefinitionProblem, Located},
        inputs::{InputDefinitions, InputType},
        step::{PrepareContext, PreparedStep, Step},
        value_or_input::ValueOrInput,
    },
    error::Error,
    users::Effect,
};

/// Moves the user to a group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetGroup {
    /// The name of the group, or an input of the type group.
    #[schemars(with = "ValueOrInput<String>")]
    pub group: ValueOrInput<Located<String>>,
}

#[async_trait]
impl Step for SetGroup {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        let takes = |input_type: &InputType| match input_type {
            InputType::Group => Ok(()),
            _ => Err("an input of the type group".to_owned()),
        };
        self.group.check(inputs, takes).into_iter().collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::SetGroup(context.name_of(&self.group)?)))
    }
}
