//! What every step of a command can do: to prepare itself, and then to be data.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{request::ExecuteRequest, step_output::StepOutput, text::Subjects};
use crate::{
    error::Error,
    users::{Effect, password::Passwords},
    webhooks::Message,
};

/// What a step can use while it prepares.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    pub subjects: &'a Subjects<'a>,
    pub passwords: &'a Passwords,
    /// What was asked for. In a dry run no secret is to be made, and no other system to be told.
    pub request: &'a ExecuteRequest,
    pub execution_id: Uuid,
    pub started_at: DateTime<Utc>,
    /// How long a call of another system may take.
    pub timeout: Duration,
    /// The place of the step in the definition, from 1.
    pub number: usize,
}

/// A thing a command can do.
#[async_trait]
pub trait Step: Send + Sync {
    /// Does all that is slow, before the write transaction begins: texts are filled in here, passwords hashed.
    ///
    /// # Errors
    /// A text cannot be filled in, or the process is ending.
    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error>;
}

/// A step that is ready, as data.
#[derive(Clone)]
pub enum PreparedStep {
    /// It says this, and changes nothing.
    Output(StepOutput),
    /// It changes the user, and says this when it did.
    Effect(Effect, StepOutput),
    /// It tells another system, after the commit.
    Deliver(Message),
    /// It asks another system, before anything is changed.
    Call(Message),
}

impl PreparedStep {
    /// A change that has nothing to say.
    pub fn effect(effect: Effect) -> Self {
        Self::Effect(effect, StepOutput::default())
    }
}
