//! `set_group: {group: …}` moves the user to a group.

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

/// Moves the user to a group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetGroup {
    /// The name of the group.
    #[schemars(with = "String")]
    pub group: Located<String>,
}

#[async_trait]
impl Step for SetGroup {
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::SetGroup(self.group.value.clone())))
    }
}
