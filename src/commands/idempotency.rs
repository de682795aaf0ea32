//! Idempotency keys: a request with a key runs once, however often the client sends it, even while the first is in
//! flight.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{ConnectionTrait, DbErr};

use super::{confirmation::ActionResult, request::CommandOutput};
use crate::{
    error::Error,
    executions::{
        execution::{self, Outcome},
        idempotency::{self, KeyScope},
    },
    localization::MultiLanguage,
};

/// The use of a key that is not free.
#[derive(Clone, Debug)]
pub enum KeyUse {
    /// Another process executes a request with this key now.
    Locked,
    /// A run is stored under this key.
    Used { action_result: String, inputs_mac: Option<String>, outcome: Outcome, message: String },
}

/// What to do with a request.
pub enum NextAction {
    Start,
    /// The request ran before: return the stored output.
    ReturnStored(CommandOutput),
}

impl KeyUse {
    pub fn used(key: &idempotency::Model, execution: &execution::Model) -> Self {
        let (action_result, message) = (key.action_result.clone(), execution.message.clone());
        Self::Used { action_result, inputs_mac: key.inputs_mac.clone(), outcome: execution.outcome, message }
    }

    /// Reads the uses of the keys. Free keys are missing in the result.
    ///
    /// # Errors
    /// The database failed, or the execution of a key is missing.
    pub async fn read(db: &impl ConnectionTrait, keys: &[&KeyScope]) -> Result<HashMap<KeyScope, Self>, DbErr> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let used = idempotency::find_all(db, keys).await?;
        if used.is_empty() {
            return Ok(HashMap::new());
        }
        let executions = execution::find_all(db, used.iter().map(|key| key.execution_id).collect()).await?;
        let of = |key: idempotency::Model| {
            let execution = executions.iter().find(|execution| execution.id == key.execution_id);
            let execution = execution.ok_or_else(|| DbErr::RecordNotFound("the execution of a key".to_owned()))?;
            Ok((key.scope(), Self::used(&key, execution)))
        };
        used.into_iter().map(of).collect()
    }
}

/// Decides what to do with a request, by the use of its key.
///
/// # Errors
/// The key is in use, was used with another action result or other inputs, or belongs to a run with unknown outcome.
pub fn next_action(
    key: Option<&KeyUse>,
    action_result: ActionResult,
    inputs_mac: Option<&str>,
) -> Result<NextAction, Error> {
    let (used_with, outcome, message) = match key {
        None => return Ok(NextAction::Start),
        Some(KeyUse::Locked) => return Err(Error::KeyInFlight),
        Some(KeyUse::Used { action_result, inputs_mac, outcome, message }) => {
            ((action_result.as_str(), inputs_mac.as_deref()), *outcome, message)
        }
    };
    if used_with != (action_result.name(), inputs_mac) {
        return Err(Error::KeyReused);
    }
    match outcome {
        // Another process executes the run, or died while doing so; then recovery closes the run soon.
        Outcome::Running => Err(Error::KeyInFlight),
        Outcome::Unknown => Err(Error::OutcomeUnknown { text: message.clone(), replayed: true }),
        _ => Ok(NextAction::ReturnStored(CommandOutput {
            outcome,
            message: MultiLanguage::Plain(message.clone()),
            result: action_result,
            replayed: true,
            confirmation: None,
            is_shown_once: false,
        })),
    }
}

/// The keys of the requests in flight in this process.
#[derive(Clone, Debug, Default)]
pub struct InFlightKeys(Arc<Mutex<HashSet<KeyScope>>>);

/// Holds a key until it is dropped.
pub struct KeyGuard {
    scope: KeyScope,
    keys: InFlightKeys,
}

impl InFlightKeys {
    /// Holds a key, unless a request with this key is in flight.
    pub fn hold(&self, scope: KeyScope) -> Option<KeyGuard> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone());
        is_free.then(|| KeyGuard { scope, keys: self.clone() })
    }
}

impl KeyGuard {
    pub fn scope(&self) -> &KeyScope {
        &self.scope
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}
