//! `reset_password: {}` gives a user a temporary password, valid for 24 hours, and shows it once.

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{AccessChange, Preparation, Prepared, Said, Step};
use crate::{clock, error::Error, localization::MultiLanguage, users::password::Requester};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Gives the user a temporary password, shown once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {}

#[async_trait]
impl Step for ResetPassword {
    async fn prepare(&self, preparation: &Preparation<'_>) -> Result<Prepared, Error> {
        let (hash, said) = match preparation.dry_run {
            true => (None, Said::openly(MultiLanguage::resource("SR_PASSWORD_NOT_MADE", &[]))),
            false => {
                let password = preparation.passwords.policy().generate();
                let hash = preparation.passwords.hash(&password, Requester::User(preparation.caller_id)).await?;
                (Some(hash), shown_once(password.secret().expose_secret()))
            }
        };
        let expires_at = clock::now() + LIFETIME;
        Ok(Prepared::Access(AccessChange::SetTemporaryPassword { hash, expires_at }, said))
    }
}

fn shown_once(password: &str) -> Said {
    Said {
        shown: Some(MultiLanguage::resource("SR_PASSWORD_SHOWN", &[("password", password)])),
        stored: Some(MultiLanguage::resource("SR_PASSWORD_WAS_SHOWN", &[])),
        noted: None,
    }
}
