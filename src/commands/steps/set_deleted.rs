//! `set_deleted: {value: true}` ends a user's access as upstream does, by retiring user and person; `false` undoes it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::step::{PrepareContext, PreparedStep, Step},
    error::Error,
    users::Effect,
};

/// Ends a user's access, or gives it back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDeleted {
    /// True ends it, false gives it back.
    value: bool,
}

#[async_trait]
impl Step for SetDeleted {
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::SetRetired(self.value)))
    }
}
