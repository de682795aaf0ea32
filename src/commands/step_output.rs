//! Outputs of steps: the texts for the client, for a repeated answer, and for the record.

use crate::{
    executions::{
        audit::ChangedFields,
        execution::{StepRecord, Steps},
    },
    localization::MultiLanguage,
};

/// The output of a step.
// No Debug: `shown` may be a secret.
#[derive(Clone, Default)]
pub struct StepOutput {
    /// The text for the client, shown once.
    pub shown: Option<MultiLanguage>,
    /// The text without secrets, for the record and for a repeated answer.
    pub stored: Option<MultiLanguage>,
    /// A text only for the record.
    pub noted: Option<MultiLanguage>,
    /// The fields of the user that the step changed, before and after it.
    pub changed: (ChangedFields, ChangedFields),
}

impl StepOutput {
    /// A text without secrets, for the client and the record.
    pub fn public(text: MultiLanguage) -> Self {
        Self { shown: Some(text.clone()), stored: Some(text), ..Self::default() }
    }

    /// As [`Self::public`], for a text without languages.
    pub fn plain(text: &str) -> Self {
        Self::public(MultiLanguage::Plain(text.to_owned()))
    }

    /// A text only for the record.
    pub fn noted(text: MultiLanguage) -> Self {
        Self { noted: Some(text), ..Self::default() }
    }
}

/// The outputs of the steps in their order, each with the step's name in the definition.
#[derive(Clone, Default)]
pub struct StepOutputs(Vec<(&'static str, StepOutput)>);

impl StepOutputs {
    pub fn add(&mut self, step: &'static str, output: StepOutput) {
        self.0.push((step, output));
    }

    /// Adds an output and returns the outputs.
    #[must_use]
    pub fn with(mut self, step: &'static str, output: StepOutput) -> Self {
        self.add(step, output);
        self
    }

    /// The message for the client.
    pub fn shown(&self) -> MultiLanguage {
        message(self.0.iter().filter_map(|(_, output)| output.shown.clone()).collect())
    }

    /// The message without secrets, for the record and for a repeated answer.
    pub fn stored(&self) -> MultiLanguage {
        message(self.0.iter().filter_map(|(_, output)| output.stored.clone()).collect())
    }

    /// Whether the message for the client contains a secret.
    pub fn has_secret(&self) -> bool {
        self.0.iter().any(|(_, output)| output.shown != output.stored)
    }

    /// The results of the single steps, for the record.
    pub fn steps(&self) -> Steps {
        let result = |output: &StepOutput| output.noted.as_ref().or(output.stored.as_ref()).map(MultiLanguage::raw);
        let step = |(name, output): &(&'static str, StepOutput)| StepRecord {
            name: (*name).to_owned(),
            result: result(output).unwrap_or_default(),
            before: output.changed.0.clone(),
            after: output.changed.1.clone(),
        };
        Steps(self.0.iter().map(step).collect())
    }
}

fn message(texts: Vec<MultiLanguage>) -> MultiLanguage {
    if texts.is_empty() { MultiLanguage::resource("SR_COMMAND_DONE", &[]) } else { MultiLanguage::join(&texts) }
}
