//! `set_role: {role: …}` changes the user's role.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::{
        document::Located,
        step::{PrepareContext, PreparedStep, Step},
    },
    error::Error,
    users::Effect,
};

/// Changes the user's role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// The name of the role.
    #[schemars(with = "String")]
    pub role: Located<String>,
}

#[async_trait]
impl Step for SetRole {
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::SetRole(self.role.value.clone())))
    }
}
