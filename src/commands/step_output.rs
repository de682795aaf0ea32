//! What the steps of a run have to say: to the client now, to the client again, and to the record.

use crate::{
    localization::MultiLanguage,
    records::execution::{Step, Steps},
};

/// What a step has to say.
// No Debug: what is shown may be a secret.
#[derive(Clone, Default)]
pub struct StepOutput {
    /// For the client, now.
    pub shown: Option<MultiLanguage>,
    /// The same without any secret: for the record, and for the client when the answer is repeated.
    pub stored: Option<MultiLanguage>,
    /// For the record alone.
    pub noted: Option<MultiLanguage>,
}

impl StepOutput {
    /// Something that is no secret.
    pub fn public(text: MultiLanguage) -> Self {
        Self { shown: Some(text.clone()), stored: Some(text), noted: None }
    }

    /// The same of a text that is in no language.
    pub fn plain(text: &str) -> Self {
        Self::public(MultiLanguage::Plain(text.to_owned()))
    }

    /// Something for the record alone.
    pub fn noted(text: MultiLanguage) -> Self {
        Self { noted: Some(text), ..Self::default() }
    }
}

/// What the steps have to say, in their order, each under its name in the definition.
#[derive(Clone, Default)]
pub struct StepOutputs(Vec<(&'static str, StepOutput)>);

impl StepOutputs {
    pub fn add(&mut self, step: &'static str, output: StepOutput) {
        self.0.push((step, output));
    }

    /// The same, with one more.
    #[must_use]
    pub fn with(mut self, step: &'static str, output: StepOutput) -> Self {
        self.add(step, output);
        self
    }

    /// For the client, now.
    pub fn shown(&self) -> MultiLanguage {
        message(self.0.iter().filter_map(|(_, output)| output.shown.clone()).collect())
    }

    /// For the record, and for the client when the answer is repeated: without secrets.
    pub fn stored(&self) -> MultiLanguage {
        message(self.0.iter().filter_map(|(_, output)| output.stored.clone()).collect())
    }

    /// Something of what is shown is a secret, and stored nowhere.
    pub fn has_secret(&self) -> bool {
        self.0.iter().any(|(_, output)| output.shown != output.stored)
    }

    /// For the record, step by step.
    pub fn steps(&self) -> Steps {
        let result = |output: &StepOutput| output.noted.as_ref().or(output.stored.as_ref()).map(MultiLanguage::raw);
        let step = |(name, output): &(&'static str, StepOutput)| Step {
            name: (*name).to_owned(),
            result: result(output).unwrap_or_default(),
        };
        Steps(self.0.iter().map(step).collect())
    }
}

fn message(texts: Vec<MultiLanguage>) -> MultiLanguage {
    if texts.is_empty() { MultiLanguage::resource("SR_COMMAND_DONE", &[]) } else { MultiLanguage::join(&texts) }
}
