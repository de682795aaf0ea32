//! Tracks the runs of this process that wait for a sync webhook. Recovery skips them, however late they are.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// The executions of this process that wait for a sync webhook.
#[derive(Clone, Debug, Default)]
pub struct ActiveRuns(Arc<Mutex<HashSet<Uuid>>>);

/// Marks an execution as active until it is dropped.
#[derive(Debug)]
pub struct ActiveRunGuard {
    id: Uuid,
    runs: ActiveRuns,
}

impl ActiveRuns {
    pub fn enter(&self, id: Uuid) -> ActiveRunGuard {
        self.ids().insert(id);
        ActiveRunGuard { id, runs: self.clone() }
    }

    pub fn contains(&self, id: Uuid) -> bool {
        self.ids().contains(&id)
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveRunGuard {
    fn drop(&mut self) {
        self.runs.ids().remove(&self.id);
    }
}
