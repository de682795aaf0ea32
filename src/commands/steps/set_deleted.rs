//! `set_deleted: {value: true}` deactivates a user as upstream does: it retires user and person. `false` reactivates.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    commands::step::{PrepareContext, PreparedStep, Step},
    error::Error,
    users::Effect,
};

/// Deactivates or reactivates the user.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDeleted {
    /// True deactivates, false reactivates.
    value: bool,
}

#[async_trait]
impl Step for SetDeleted {
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::SetRetired(self.value)))
    }
}
