//! Confirmation of commands: which answer lets a command run. Upstream leaves the check to the client; this server
//! enforces it.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What must be confirmed before a command runs: upstream's `Actions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// No confirmation: the command runs at once.
    #[default]
    None,
    /// A message with an OK button.
    Ok,
    /// A question with the buttons OK and Cancel.
    OkCancel,
    /// A question with the buttons Yes and No.
    YesNo,
}

/// Whether an answer must come with the token of the question that it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmBinding {
    /// It may: a client that sends the token wants it checked.
    #[default]
    Optional,
    /// It must.
    Required,
}

/// The answer to the confirmation question: upstream's `CommandActionResult`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActionResult {
    /// No question was asked yet.
    #[default]
    Implicit,
    Yes,
    Ok,
    No,
    Cancel,
}

impl ActionResult {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Implicit => "Implicit",
            Self::Yes => "Yes",
            Self::Ok => "Ok",
            Self::No => "No",
            Self::Cancel => "Cancel",
        }
    }
}

impl FromStr for ActionResult {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Implicit, Self::Yes, Self::Ok, Self::No, Self::Cancel];
        let found = all.into_iter().find(|answer| answer.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("must be one of {}", all.map(Self::name).join(", ")))
    }
}

/// The token of a question. A client that sends it back with the answer is sure that it answers this question.
#[derive(Clone, Debug)]
pub struct ConfirmationToken(pub String);

impl ConfirmationToken {
    /// Whether a client sent this token. Compares hashes, so that the time does not tell how much of it is right.
    pub fn matches(&self, given: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(given)
    }
}

/// What the server does after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    Run,
    Decline,
    Ask,
}

impl Confirmation {
    /// The name in a definition.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ok => "ok",
            Self::OkCancel => "ok_cancel",
            Self::YesNo => "yes_no",
        }
    }

    /// Decides what an answer means. An answer to another kind of question is not a consent: the server asks again.
    pub fn decide(self, answer: ActionResult) -> Confirm {
        use ActionResult::{Cancel, Implicit, No, Ok, Yes};
        match (self, answer) {
            (_, No | Cancel) => Confirm::Decline,
            (Self::None, _) | (Self::Ok, Ok | Yes) | (Self::OkCancel, Ok) | (Self::YesNo, Yes) => Confirm::Run,
            (Self::Ok | Self::OkCancel | Self::YesNo, Implicit) | (Self::OkCancel, Yes) | (Self::YesNo, Ok) => {
                Confirm::Ask
            }
        }
    }
}
