//! `message: {text: …}` tells the caller something.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Preparation, Prepared, Said, Step};
use crate::{commands::text::Text, error::Error};

/// Tells the caller something.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// What to tell.
    text: Text,
}

#[async_trait]
impl Step for Message {
    async fn prepare(&self, preparation: &Preparation<'_>) -> Result<Prepared, Error> {
        Ok(Prepared::Said(Said::openly(self.text.render(preparation.subjects)?)))
    }
}
