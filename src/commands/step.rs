//! The interface of steps: a step of a definition is prepared into data, which is decided and written later.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{request::ExecuteRequest, step_output::StepOutput, template::TemplateContext};
use crate::{
    error::Error,
    users::{Effect, password::PasswordHasher},
    webhooks::WebhookRequest,
};

/// What a step may use while it is prepared.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    pub variables: &'a TemplateContext<'a>,
    pub passwords: &'a PasswordHasher,
    /// The request. In a dry run, a step must neither create secrets nor call other systems.
    pub request: &'a ExecuteRequest,
    pub execution_id: Uuid,
    pub started_at: DateTime<Utc>,
    /// Timeout of one webhook call.
    pub timeout: Duration,
    /// Number of the step in the definition, from 1.
    pub number: usize,
}

/// A step of a definition.
#[async_trait]
pub trait Step: Send + Sync {
    /// Does the slow work before the write transaction begins: renders texts and hashes passwords.
    ///
    /// # Errors
    /// A text cannot be rendered, or the process is shutting down.
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error>;
}

/// A prepared step, as data.
#[derive(Clone)]
pub enum PreparedStep {
    /// Only an output, without effect.
    Output(StepOutput),
    /// An effect on the user, and the output if it succeeds.
    Effect(Effect, StepOutput),
    /// A webhook to deliver after the commit.
    Deliver(WebhookRequest),
    /// A webhook to call before anything is changed.
    Call(WebhookRequest),
}

impl PreparedStep {
    /// An effect without output.
    pub fn effect(effect: Effect) -> Self {
        Self::Effect(effect, StepOutput::default())
    }
}
