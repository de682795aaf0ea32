//! What a run has to say: to its caller now, to its caller again, and to the record.

use super::steps::Said;
use crate::{
    localization::MultiLanguage,
    records::execution::{Step, Steps},
};

/// What the steps said, in their order, each under its name in the definition.
#[derive(Clone, Default)]
pub struct Account(Vec<(&'static str, Said)>);

impl Account {
    pub fn add(&mut self, step: &'static str, said: Said) {
        self.0.push((step, said));
    }

    /// How many steps spoke.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what was said after the first so many steps.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// For the caller, now.
    pub fn shown(&self) -> MultiLanguage {
        message(self.0.iter().filter_map(|(_, said)| said.shown.clone()).collect())
    }

    /// For the caller, when the answer is repeated, and for the record: without secrets.
    pub fn stored(&self) -> MultiLanguage {
        message(self.0.iter().filter_map(|(_, said)| said.stored.clone()).collect())
    }

    /// Something of what is shown is a secret, and stored nowhere.
    pub fn has_secret(&self) -> bool {
        self.0.iter().any(|(_, said)| said.shown != said.stored)
    }

    /// For the record, step by step.
    pub fn steps(&self) -> Steps {
        let result = |said: &Said| said.noted.as_ref().or(said.stored.as_ref()).map(MultiLanguage::raw);
        let steps = self
            .0
            .iter()
            .map(|(name, said)| Step { name: (*name).to_owned(), result: result(said).unwrap_or_default() });
        Steps(steps.collect())
    }
}

fn message(texts: Vec<MultiLanguage>) -> MultiLanguage {
    if texts.is_empty() { MultiLanguage::resource("SR_COMMAND_DONE", &[]) } else { MultiLanguage::join(&texts) }
}
