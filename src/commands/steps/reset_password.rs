//! `reset_password: {}` gives a user a temporary password, valid for 24 hours, and shows it once.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{Change, ChangeError, Preparation, Prepared, Said, Step};
use crate::{
    clock,
    error::Error,
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{
        User, credential,
        password::{NewPassword, PasswordHash, Requester},
    },
};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Gives the user a temporary password, shown once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {}

struct TemporaryPassword {
    password: NewPassword,
    hash: PasswordHash,
}

#[async_trait]
impl Step for ResetPassword {
    async fn prepare(&self, preparation: &Preparation<'_>) -> Result<Prepared, Error> {
        if preparation.dry_run {
            return Ok(Prepared::Said(Said::openly(MultiLanguage::resource("SR_PASSWORD_NOT_MADE", &[]))));
        }
        let passwords = preparation.passwords;
        let password = passwords.policy().generate();
        let hash = passwords.hash(&password, Requester::User(preparation.caller_id)).await?;
        Ok(Prepared::Change(Box::new(TemporaryPassword { password, hash })))
    }
}

#[async_trait]
impl Change for TemporaryPassword {
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError> {
        let end = clock::now() + LIFETIME;
        credential::set_password(transaction, user.user.id, self.hash.clone(), Some(end)).await?;
        let password = self.password.secret().expose_secret();
        Ok(Said {
            shown: Some(MultiLanguage::resource("SR_PASSWORD_SHOWN", &[("password", password)])),
            stored: Some(MultiLanguage::resource("SR_PASSWORD_WAS_SHOWN", &[])),
            noted: None,
        })
    }
}
