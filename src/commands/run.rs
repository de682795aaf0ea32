//! A prepared run: its steps are ready, so that only the decision and the writes remain.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    catalog::LoadedCommand, confirmation::ConfirmationToken, inputs::InputValues, request::ExecuteRequest,
    step::PreparedStep,
};
use crate::{executions::idempotency::KeyScope, users::Needs, webhooks::WebhookRequest};

/// A run that is ready to be decided. The slow preparation is done.
pub struct PreparedRun {
    /// The id of its execution.
    pub id: Uuid,
    pub started_at: DateTime<Utc>,
    pub request: ExecuteRequest,
    /// The scope of the client's idempotency key.
    pub key: Option<KeyScope>,
    /// A MAC of the inputs as given; `None` without inputs.
    pub inputs_mac: Option<String>,
    /// The token of the question; `None` for a command without one.
    pub confirmation: Option<ConfirmationToken>,
    /// The checked inputs.
    pub inputs: InputValues,
    pub command: Arc<LoadedCommand>,
    /// The steps, each with its name in the definition.
    pub steps: Vec<(&'static str, PreparedStep)>,
}

impl PreparedRun {
    /// The rows to read before the run is decided.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs {
            users: [self.request.user_id].into(),
            callers: [self.request.caller.user_id].into(),
            administrators: self.command.definition.asks_for_administrators(),
            ..Needs::default()
        };
        for (_, step) in &self.steps {
            if let PreparedStep::Effect(effect, _) = step {
                needs.add_effect(effect, self.request.user_id);
            }
        }
        needs
    }

    /// The sync webhook, if the run begins with one, and its name in the definition.
    pub fn sync_call(&self) -> Option<(&'static str, &WebhookRequest)> {
        match self.steps.first() {
            Some((name, PreparedStep::Call(message))) => Some((name, message)),
            _ => None,
        }
    }

    /// Whether the run only has outputs and changes nothing.
    pub fn has_only_outputs(&self) -> bool {
        self.steps.iter().all(|(_, step)| matches!(step, PreparedStep::Output(_)))
    }

    /// Whether the run sends webhooks after its commit.
    pub fn has_deliveries(&self) -> bool {
        self.steps.iter().any(|(_, step)| matches!(step, PreparedStep::Deliver(_)))
    }
}
