//! That a request with a key runs once, however often it is sent, also while the first one is still under way.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{ConnectionTrait, DbErr};

use super::{confirmation::ActionResult, request::CommandOutput};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::{
        execution::{self, Outcome},
        idempotency::{self, Scope},
    },
};

/// What is known of a key that is not free.
#[derive(Clone, Debug)]
pub enum KeyUse {
    /// Another process runs a request with it now.
    Locked,
    /// A run was stored under it.
    Used { action_result: String, outcome: Outcome, message: String },
}

/// What is to be done with a request.
pub enum NextAction {
    Start,
    /// It ran before: this is what was answered.
    ReturnStored(CommandOutput),
}

impl KeyUse {
    pub fn used(key: &idempotency::Model, execution: &execution::Model) -> Self {
        let (action_result, message) = (key.action_result.clone(), execution.message.clone());
        Self::Used { action_result, outcome: execution.outcome, message }
    }

    /// Those of the keys that were used, with what they were used for.
    ///
    /// # Errors
    /// The database does not answer, or the execution of a key is missing.
    pub async fn read(db: &impl ConnectionTrait, keys: &[&Scope]) -> Result<HashMap<Scope, Self>, DbErr> {
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

/// Decides what to do with a request, by what is known of its key.
///
/// # Errors
/// The key is in use, or was used with another answer, or what came of its run is not known.
pub fn next_action(key: Option<&KeyUse>, action_result: ActionResult) -> Result<NextAction, Error> {
    let (used_with, outcome, message) = match key {
        None => return Ok(NextAction::Start),
        Some(KeyUse::Locked) => return Err(Error::KeyInFlight),
        Some(KeyUse::Used { action_result, outcome, message }) => (action_result, *outcome, message),
    };
    if used_with != action_result.name() {
        return Err(Error::KeyReused);
    }
    match outcome {
        // Another process runs it, or one that died did and is given up soon.
        Outcome::Running => Err(Error::KeyInFlight),
        Outcome::Unknown => Err(Error::OutcomeUnknown { text: message.clone(), replayed: true }),
        _ => Ok(NextAction::ReturnStored(CommandOutput {
            outcome,
            message: MultiLanguage::Plain(message.clone()),
            result: action_result,
            replayed: true,
            is_shown_once: false,
        })),
    }
}

/// The keys of the requests that are under way in this process.
#[derive(Clone, Debug, Default)]
pub struct InFlightKeys(Arc<Mutex<HashSet<Scope>>>);

/// A key that is held until this is dropped.
pub struct KeyGuard {
    scope: Scope,
    keys: InFlightKeys,
}

impl InFlightKeys {
    /// Holds a key, unless a request with it is under way.
    pub fn hold(&self, scope: Scope) -> Option<KeyGuard> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone());
        is_free.then(|| KeyGuard { scope, keys: self.clone() })
    }
}

impl KeyGuard {
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}
