//! `set_presence: {status: StatusNotAvailable, message: …}` says whether a user can be reached.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use sea_orm::ActiveEnum;
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    commands::text::Text,
    error::Error,
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{self, Presence, User, UserColumn, limits},
};

/// Says whether the user can be reached.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPresence {
    /// Upstream's name of the status.
    status: Presence,
    /// More about it.
    message: Option<Text>,
}

struct NewPresence {
    status: Presence,
    message: String,
}

#[async_trait]
impl Step for SetPresence {
    async fn prepare(&self, preparation: &Preparation<'_>) -> Result<Prepared, Error> {
        let message = self.message.as_ref().map(|text| text.render(preparation.subjects)).transpose()?;
        let message = message.map(|message| message.raw()).unwrap_or_default();
        Ok(Prepared::Change(Box::new(NewPresence { status: self.status, message })))
    }
}

#[async_trait]
impl Change for NewPresence {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        if limits::check("message", &self.message, limits::PRESENCE_MESSAGE).is_err() {
            return Err(ChangeError::Refused(MultiLanguage::resource("SR_PRESENCE_TOO_LONG", &[])));
        }
        let values = vec![
            (UserColumn::PresenceStatus, self.status.to_value().into()),
            (UserColumn::PresenceMessage, self.message.as_str().into()),
        ];
        users::change(transaction, user, values).await?;
        Ok(Said::nothing())
    }
}
