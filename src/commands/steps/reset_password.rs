//! `reset_password: {}` sets a temporary password, valid for 24 hours, and shows it to the caller once.

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::{
    clock,
    commands::{
        step::{PrepareContext, PreparedStep, Step},
        step_output::StepOutput,
    },
    error::Error,
    localization::MultiLanguage,
    users::{Effect, password::Requester},
};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Sets a temporary password, valid for 24 hours, and shows it to the caller once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {}

#[async_trait]
impl Step for ResetPassword {
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        let (hash, output) = match context.request.dry_run {
            true => (None, StepOutput::public(MultiLanguage::resource("SR_PASSWORD_NOT_MADE", &[]))),
            false => {
                let password = context.passwords.policy().generate();
                let hash = context.passwords.hash(&password, Requester::User(context.request.caller.user_id)).await?;
                (Some(hash), shown_once(password.secret().expose_secret()))
            }
        };
        let expires_at = clock::now() + LIFETIME;
        Ok(PreparedStep::Effect(Effect::SetTemporaryPassword { hash, expires_at }, output))
    }
}

fn shown_once(password: &str) -> StepOutput {
    StepOutput {
        shown: Some(MultiLanguage::resource("SR_PASSWORD_SHOWN", &[("password", password)])),
        stored: Some(MultiLanguage::resource("SR_PASSWORD_WAS_SHOWN", &[])),
        noted: None,
        ..StepOutput::default()
    }
}
