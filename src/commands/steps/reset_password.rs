//! `reset_password: {}` gives a user a temporary password, valid for 24 hours, and shows it once.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    clock,
    error::Error,
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{
        User, credential,
        password::{self, PasswordHash},
    },
};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Gives the user a temporary password, shown once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {}

struct NewPassword {
    password: SecretString,
    hash: PasswordHash,
}

#[async_trait]
impl Step for ResetPassword {
    async fn prepare(&self, preparation: &Preparation<'_>) -> Result<Prepared, Error> {
        if preparation.dry_run {
            return Ok(Prepared::Said(Said::openly(MultiLanguage::resource("SR_PASSWORD_NOT_MADE", &[]))));
        }
        let password = password::generate();
        let hash = preparation.passwords.hash(&password).await?;
        Ok(Prepared::Change(Box::new(NewPassword { password, hash })))
    }
}

#[async_trait]
impl Change for NewPassword {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        let end = clock::now() + LIFETIME;
        credential::set_password(transaction, user.user.id, self.hash.clone(), Some(end)).await?;
        let password = self.password.expose_secret();
        Ok(Said {
            shown: Some(MultiLanguage::resource("SR_PASSWORD_SHOWN", &[("password", password)])),
            stored: Some(MultiLanguage::resource("SR_PASSWORD_WAS_SHOWN", &[])),
            noted: None,
        })
    }
}
