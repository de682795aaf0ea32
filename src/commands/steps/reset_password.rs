//! `reset_password: {}` sets a temporary password, valid for 24 hours, and shows it to the caller once.
//! `reset_password: {password: {input: …}}` sets the one that the caller gives.

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::{
    clock,
    commands::{
        document::{DefinitionProblem, Located},
        inputs::{InputDefinitions, InputType, InputValue, InputValues},
        step::{PrepareContext, PreparedStep, Step},
        step_output::StepOutput,
        value_or_input::check_input,
    },
    error::Error,
    localization::MultiLanguage,
    users::{
        Effect,
        password::{NewPassword, PasswordHasher, PasswordPolicy, Requester},
    },
};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Sets a temporary password, valid for 24 hours, and shows it to the caller once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// An input of the type secret: the password that the caller gives. Without it, the server makes one.
    password: Option<SecretInput>,
}

/// The value of an input.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SecretInput {
    /// The name of the input.
    #[schemars(with = "String")]
    input: Located<String>,
}

#[async_trait]
impl Step for ResetPassword {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        let takes = |input_type: &InputType| match input_type {
            InputType::Secret { .. } => Ok(()),
            _ => Err("an input of the type secret".to_owned()),
        };
        self.password.iter().filter_map(|password| check_input(&password.input, inputs, takes)).collect()
    }

    fn check_values(&self, inputs: &InputValues, passwords: &PasswordHasher) -> Result<(), Error> {
        self.given(inputs, passwords.policy()).map(drop)
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        let policy = context.passwords.policy();
        let given = self.given(context.inputs, policy)?;
        let (hash, output) = match context.request.dry_run {
            true if given.is_some() => (None, StepOutput::default()),
            true => (None, StepOutput::public(MultiLanguage::resource("SR_PASSWORD_NOT_MADE", &[]))),
            false => {
                let password = given.as_ref().map_or_else(|| policy.generate(), Clone::clone);
                let hash = context.passwords.hash(&password, Requester::User(context.request.caller.user_id)).await?;
                let output = match given {
                    Some(_) => StepOutput::default(),
                    None => shown_once(password.secret().expose_secret()),
                };
                (Some(hash), output)
            }
        };
        let expires_at = clock::now() + LIFETIME;
        Ok(PreparedStep::Effect(Effect::SetTemporaryPassword { hash, expires_at }, output))
    }
}

impl ResetPassword {
    /// The password that the caller gave, if the policy accepts it.
    fn given(&self, inputs: &InputValues, policy: PasswordPolicy) -> Result<Option<NewPassword>, Error> {
        let Some(SecretInput { input }) = &self.password else { return Ok(None) };
        let Some(InputValue::Secret(secret)) = inputs.get(&input.value) else {
            return Err(Error::internal(format!("the input `{}` is not a secret", input.value)));
        };
        let refused = |error| {
            Error::InvalidInputs(format!("`{}` is not a password that the server takes: {error}.", input.value))
        };
        policy.accept(secret.expose_secret()).map(Some).map_err(refused)
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
