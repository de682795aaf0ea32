//! `set_role: {role: …}` gives the user a role.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccessChange, Preparation, Prepared, Said, Step};
use crate::{commands::document::Located, error::Error};

/// Gives the user a role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// The role's name.
    #[schemars(with = "String")]
    pub role: Located<String>,
}

#[async_trait]
impl Step for SetRole {
    async fn prepare(&self, _: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Access(AccessChange::SetRole(self.role.value.clone()), Said::nothing()))
    }
}
