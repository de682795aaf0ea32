//! That a request with a key runs once, however often it is sent, also while the first one is still under way.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Attempt, Report};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::{
        execution::{self, Outcome},
        idempotency::{self, Scope},
    },
    store::Store,
};

/// The keys whose requests are under way in this process.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<HashSet<Scope>>>);

/// What is to be done with a request.
pub enum Once {
    /// It ran before: this is what was answered.
    Replay(Report),
    /// It is to run, and holds its key while it does.
    Run(Option<Claim>),
}

/// A key that is held until this is dropped.
pub struct Claim {
    scope: Scope,
    keys: InFlight,
}

impl Claim {
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}

impl InFlight {
    /// Decides what to do with an attempt.
    ///
    /// # Errors
    /// The same key is under way, it was used with another answer, or the database does not answer.
    pub async fn enter(&self, store: &Store, attempt: &Attempt) -> Result<Once, Error> {
        let Some(key) = &attempt.idempotency_key else { return Ok(Once::Run(None)) };
        let scope = Scope::new(attempt.caller.user_id, attempt.user_id, &attempt.command_name, key);
        let claim = self.claim(scope).ok_or(Error::KeyInFlight)?;
        let Some(used) = Box::pin(idempotency::find(store.reader(), &claim.scope)).await? else {
            return Ok(Once::Run(Some(claim)));
        };
        if used.action_result != attempt.answer.name() {
            return Err(Error::KeyReused);
        }
        let missing = || Error::internal("the execution of an idempotency key is missing");
        let execution = Box::pin(execution::find(store.reader(), used.execution_id)).await?.ok_or_else(missing)?;
        match execution.outcome {
            // Another process runs it, or one that died did and is given up soon.
            Outcome::Running => return Err(Error::KeyInFlight),
            Outcome::Unknown => return Err(Error::OutcomeUnknown { text: execution.message, replayed: true }),
            _ => {}
        }
        Ok(Once::Replay(Report {
            outcome: execution.outcome,
            message: MultiLanguage::Plain(execution.message),
            result: attempt.answer,
            replayed: true,
            is_shown_once: false,
        }))
    }

    fn claim(&self, scope: Scope) -> Option<Claim> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone());
        is_free.then(|| Claim { scope, keys: self.clone() })
    }
}
