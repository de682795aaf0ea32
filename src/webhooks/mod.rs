//! Calls to other systems: the targets an operator names, the signed call, and the deliveries after a commit.
//!
//! Requests go out as [Standard Webhooks](https://www.standardwebhooks.com) says. Nothing of a target's answer reaches a
//! caller but `success` and `message`.

mod breaker;
mod call;
mod delivery;
mod line;
mod network;
mod target;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

pub use call::{CallError, Message, Reply};
pub use delivery::Deliveries;
pub use target::{Target, Targets, TargetsError, read};

use self::line::{Line, Slot};
use crate::watch::{Counters, Meters, families::WEBHOOK_CALLS};

/// The targets, ready to be called.
#[derive(Clone)]
pub struct Webhooks {
    lines: Arc<RwLock<Lines>>,
    calls: Arc<Counters>,
}

/// The targets by name.
type Lines = Arc<BTreeMap<String, Arc<Line>>>;

/// Targets that can take the place of those in force.
pub struct NewTargets(Lines);

impl NewTargets {
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl Webhooks {
    /// Makes a client of its own for each target.
    ///
    /// # Errors
    /// A target's certificates cannot be read, or the system's.
    pub fn new(targets: Targets) -> Result<Self, TargetsError> {
        // Fails only when somebody chose one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let lines = targets.into_iter().map(|(name, target)| Ok((name.clone(), Arc::new(Line::new(&name, target)?))));
        let lines: Lines = Arc::new(lines.collect::<Result<_, TargetsError>>()?);
        let calls = Arc::new(Counters::new(&Meters::default(), WEBHOOK_CALLS));
        Ok(Self { lines: Arc::new(RwLock::new(lines)), calls })
    }

    /// Makes a client for each target that is new or changed. One that stays as it is keeps its limits, and its rest.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn prepare(&self, targets: Targets) -> Result<NewTargets, TargetsError> {
        let known = self.lines();
        let line = |(name, target): (String, Target)| {
            let same = known.get(&name).filter(|line| line.fingerprint() == target.fingerprint).cloned();
            let line = same.map_or_else(|| Line::new(&name, target).map(Arc::new), Ok)?;
            Ok((name, line))
        };
        Ok(NewTargets(Arc::new(targets.into_iter().map(line).collect::<Result<_, TargetsError>>()?)))
    }

    /// Puts these targets in force. Calls that are under way end as they began.
    pub fn replace(&self, NewTargets(lines): NewTargets) {
        *self.lines.write().unwrap_or_else(PoisonError::into_inner) = lines;
    }

    fn lines(&self) -> Lines {
        Arc::clone(&self.lines.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, with calls counted here.
    #[must_use]
    pub fn counted(self, meters: &Meters) -> Self {
        Self { calls: Arc::new(Counters::new(meters, WEBHOOK_CALLS)), ..self }
    }

    fn count<T>(&self, target: &str, end: &Result<T, CallError>) {
        let outcome = match end {
            Ok(_) => "taken",
            Err(CallError::NoTarget) => return, // its name may be any
            Err(CallError::Resting(_) | CallError::Busy) => "not_made",
            Err(_) => "failed",
        };
        self.calls.count(target, outcome);
    }

    /// The names of the targets.
    pub fn names(&self) -> Vec<String> {
        self.lines().keys().cloned().collect()
    }

    /// The targets that are never called, each with the reason: their URL has an address that is not allowed.
    pub fn not_allowed(&self) -> Vec<String> {
        let of = |(name, line): (&String, &Arc<Line>)| {
            line.check_literal_address()
                .err()
                .map(|refused| format!("target {name}: it is never called, since {refused}"))
        };
        self.lines().iter().filter_map(of).collect()
    }

    /// Whether a target would be called at all now.
    ///
    /// # Errors
    /// It would not.
    pub fn check(&self, message: &Message) -> Result<(), CallError> {
        self.line(message)?.check()
    }

    /// Calls a target and takes its answer for the command's.
    ///
    /// # Errors
    /// It could not be called, or gave no usable answer.
    pub async fn ask(&self, message: &Message) -> Result<Reply, CallError> {
        let end = self.line(message)?.ask(message).await;
        self.count(&message.target, &end);
        end
    }

    /// A place for a delivery to this target, if there is one now. One to a target that is gone needs none.
    pub fn reserve(&self, target: &str) -> Option<Reserved> {
        match self.lines().get(target) {
            Some(line) => line.reserve().map(|slot| Reserved(Some(slot))),
            None => Some(Reserved(None)),
        }
    }

    /// Tells a target; whatever it says beside its status does not matter.
    ///
    /// # Errors
    /// It could not be called, or did not take the message.
    pub async fn tell(&self, message: &Message, Reserved(slot): Reserved) -> Result<(), CallError> {
        let end = self.line(message)?.tell(message, slot.ok_or(CallError::NoTarget)?).await;
        self.count(&message.target, &end);
        end
    }

    /// The targets that no delivery would reach now.
    pub fn unavailable(&self) -> Vec<String> {
        let lines = self.lines();
        let unavailable = lines.iter().filter(|(_, line)| line.check().is_err() || line.reserve().is_none());
        unavailable.map(|(name, _)| name.clone()).collect()
    }

    fn line(&self, message: &Message) -> Result<Arc<Line>, CallError> {
        self.lines().get(&message.target).cloned().ok_or(CallError::NoTarget)
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhooks")
    }
}

/// A delivery's place among the calls to its target.
#[derive(Debug)]
pub struct Reserved(Option<Slot>);
