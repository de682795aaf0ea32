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

use std::{collections::BTreeMap, sync::Arc};

pub use call::{CallError, Message, Reply};
pub use delivery::Deliveries;
pub use target::{Target, Targets, TargetsError, read};

use self::line::{Line, Slot};

/// The targets, ready to be called.
#[derive(Clone, Debug, Default)]
pub struct Webhooks {
    lines: Arc<BTreeMap<String, Line>>,
}

impl Webhooks {
    /// Makes a client of its own for each target.
    ///
    /// # Errors
    /// A target's certificates cannot be read, or the system's.
    pub fn new(targets: Targets) -> Result<Self, TargetsError> {
        // Fails only when somebody chose one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let lines = targets.into_iter().map(|(name, target)| Ok((name.clone(), Line::new(&name, target)?)));
        Ok(Self { lines: Arc::new(lines.collect::<Result<_, TargetsError>>()?) })
    }

    /// The names of the targets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(String::as_str)
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
        self.line(message)?.ask(message).await
    }

    /// A place for a delivery to this target, if there is one now. One to a target that is gone needs none.
    pub fn reserve(&self, target: &str) -> Option<Reserved> {
        match self.lines.get(target) {
            Some(line) => line.reserve().map(|slot| Reserved(Some(slot))),
            None => Some(Reserved(None)),
        }
    }

    /// Tells a target; whatever it says beside its status does not matter.
    ///
    /// # Errors
    /// It could not be called, or did not take the message.
    pub async fn tell(&self, message: &Message, Reserved(slot): Reserved) -> Result<(), CallError> {
        self.line(message)?.tell(message, slot.ok_or(CallError::NoTarget)?).await
    }

    /// The targets that no delivery would reach now.
    pub fn unavailable(&self) -> Vec<String> {
        let unavailable = self.lines.iter().filter(|(_, line)| line.check().is_err() || line.reserve().is_none());
        unavailable.map(|(name, _)| name.clone()).collect()
    }

    fn line(&self, message: &Message) -> Result<&Line, CallError> {
        self.lines.get(&message.target).ok_or(CallError::NoTarget)
    }
}

/// A delivery's place among the calls to its target.
#[derive(Debug)]
pub struct Reserved(Option<Slot>);
