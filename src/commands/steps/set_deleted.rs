//! `set_deleted: {value: true}` ends a user's access as upstream does, by retiring user and person; `false` undoes it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccessChange, Preparation, Prepared, Said, Step};
use crate::error::Error;

/// Ends a user's access, or gives it back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDeleted {
    /// True ends it, false gives it back.
    value: bool,
}

#[async_trait]
impl Step for SetDeleted {
    async fn prepare(&self, _: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Access(AccessChange::SetDeleted(self.value), Said::nothing()))
    }
}
