//! A run of a command that is prepared: all that is left is to decide and to write.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{catalog::LoadedCommand, request::ExecuteRequest, step::PreparedStep};
use crate::{records::idempotency::Scope, users::Needs, webhooks::Message};

/// A run that is ready to be decided: all that is slow is done.
pub struct PreparedRun {
    /// The id of its execution.
    pub id: Uuid,
    pub started_at: DateTime<Utc>,
    pub request: ExecuteRequest,
    /// The scope of the client's key.
    pub key: Option<Scope>,
    pub command: Arc<LoadedCommand>,
    /// What is to be done, each under the step's name in the definition.
    pub steps: Vec<(&'static str, PreparedStep)>,
}

impl PreparedRun {
    /// What is read of users before it is decided.
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

    /// The call of another system with which it begins, if it does, under its name in the definition.
    pub fn sync_call(&self) -> Option<(&'static str, &Message)> {
        match self.steps.first() {
            Some((name, PreparedStep::Call(message))) => Some((name, message)),
            _ => None,
        }
    }

    /// It changes nothing: all it does is to say something.
    pub fn only_says(&self) -> bool {
        self.steps.iter().all(|(_, step)| matches!(step, PreparedStep::Output(_)))
    }

    /// Webhooks are to be delivered when it is committed.
    pub fn has_deliveries(&self) -> bool {
        self.steps.iter().any(|(_, step)| matches!(step, PreparedStep::Deliver(_)))
    }
}
