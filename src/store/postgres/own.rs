//! The transactions of this process that are about to be in force. The database tells everybody of them, this process too;
//! here each is told once, by whoever hears of its end first: the one who commits, or the one who listens.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Noted;
use crate::store::{Change, Changes};

/// Those whose end is awaited or has not been heard of in full, by their numbers.
#[derive(Debug, Default)]
pub struct Own(Mutex<HashMap<String, Awaited>>);

#[derive(Debug)]
struct Awaited {
    changes: Vec<Change>,
    is_told: bool,
    /// How many of them are still to be heard of.
    unheard: usize,
    is_ending: bool,
}

/// A transaction that is being committed. When this is dropped before it is known to be in force, it may be.
#[derive(Debug)]
pub struct Ending<'a> {
    known: &'a Changes,
    noted: Noted,
    is_in_force: bool,
}

impl Own {
    fn awaited(&self) -> MutexGuard<'_, HashMap<String, Awaited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Awaits the end of a transaction.
    pub fn begin_end<'a>(&self, noted: Noted, known: &'a Changes) -> Ending<'a> {
        let (changes, unheard) = (noted.changes.clone(), noted.changes.len());
        let awaited = Awaited { changes, is_told: false, unheard, is_ending: true };
        self.awaited().insert(noted.transaction.clone(), awaited);
        Ending { known, noted, is_in_force: false }
    }

    /// Tells of a transaction so many of whose changes were heard of, if it is one of these.
    pub fn hear(&self, transaction: &str, count: usize, known: &Changes) -> bool {
        let mut all = self.awaited();
        let Some(awaited) = all.get_mut(transaction) else { return false };
        awaited.tell(known);
        awaited.unheard = awaited.unheard.saturating_sub(count);
        if awaited.is_over() {
            all.remove(transaction);
        }
        true
    }

    /// Notifications may have been missed: nothing is awaited any more.
    pub fn forget(&self) {
        self.awaited().clear();
    }
}

impl Awaited {
    fn tell(&mut self, known: &Changes) {
        if !mem::replace(&mut self.is_told, true) {
            self.changes.iter().for_each(|change| known.tell(*change));
        }
    }

    fn is_over(&self) -> bool {
        self.unheard == 0 && !self.is_ending
    }
}

impl Ending<'_> {
    /// The transaction is in force: its changes are told, if they were not.
    pub fn tell(mut self) {
        self.is_in_force = true;
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut all = self.known.own().awaited();
        let Some(awaited) = all.get_mut(&self.noted.transaction) else {
            // It was forgotten.
            return self.noted.changes.iter().for_each(|change| self.known.tell(*change));
        };
        let was_heard = awaited.is_told;
        awaited.tell(self.known);
        awaited.is_ending = false;
        // What may come in force later is told again when it is heard; and what is not heard is not awaited.
        if awaited.is_over() || !(self.is_in_force || was_heard) || !self.known.is_fresh() {
            all.remove(&self.noted.transaction);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::Topic;

    const TRANSACTION: &str = "4711";

    fn heard() -> Changes {
        let known = Changes::default();
        known.heard(Instant::now());
        known
    }

    /// Two changes on their way.
    fn ending(known: &Changes) -> Ending<'_> {
        let change = |id| Change { topic: Topic::Users, user_id: Some(id) };
        let noted = Noted { transaction: TRANSACTION.to_owned(), changes: vec![change(1), change(2)] };
        known.own().begin_end(noted, known)
    }

    /// How often it was told.
    fn told(known: &Changes) -> [u64; 2] {
        [1, 2].map(|id| known.mark(Topic::Users, id))
    }

    fn hear(known: &Changes) -> bool {
        known.own().hear(TRANSACTION, 1, known)
    }

    #[test]
    fn who_commits_tells_what_is_heard_later() {
        let known = heard();
        ending(&known).tell();
        assert_eq!(told(&known), [1, 1]);
        assert_eq!([hear(&known), hear(&known), hear(&known)], [true, true, false], "each of its two changes");
        assert_eq!(told(&known), [1, 1]);
    }

    #[test]
    fn what_is_heard_first_is_told_at_once() {
        let known = heard();
        let ending = ending(&known);
        assert!(hear(&known));
        assert_eq!(told(&known), [1, 1]);
        assert!(hear(&known));
        ending.tell();
        assert_eq!(told(&known), [1, 1]);
        assert!(!hear(&known), "it is over");
    }

    #[test]
    fn what_may_be_in_force_is_told_now_and_when_it_is_heard() {
        let known = heard();
        drop(ending(&known));
        assert_eq!(told(&known), [1, 1]);
        assert!(!hear(&known), "whoever hears of it tells");
        let was_heard = ending(&known);
        assert!(hear(&known));
        drop(was_heard);
        assert_eq!((told(&known), hear(&known), hear(&known)), ([2, 2], true, false));
    }

    #[test]
    fn what_was_forgotten_is_told_by_who_commits() {
        let known = heard();
        let ending = ending(&known);
        known.own().forget();
        assert!(!hear(&known));
        ending.tell();
        assert_eq!(told(&known), [1, 1]);
    }
}
