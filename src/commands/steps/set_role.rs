//! `set_role: {role: …}` changes the user's role.

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

/// Changes the user's role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// The name of the role, or an input of the type role.
    #[schemars(with = "ValueOrInput<String>")]
    pub role: ValueOrInput<Located<String>>,
}

#[async_trait]
impl Step for SetRole {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        let takes = |input_type: &InputType| match input_type {
            InputType::Role => Ok(()),
            _ => Err("an input of the type role".to_owned()),
        };
        self.role.check(inputs, takes).into_iter().collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::SetRole(context.name_of(&self.role)?)))
    }
}
