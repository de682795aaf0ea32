//! The request to execute a command, and its output.

use super::{confirmation::ActionResult, inputs::GivenInputs};
use crate::{executions::execution::Outcome, localization::MultiLanguage, traces::TraceContext, users::Caller};

/// A request to execute a command on a user.
#[derive(Clone, Debug)]
pub struct ExecuteRequest {
    pub caller: Caller,
    pub user_id: i32,
    pub command_name: String,
    pub action_result: ActionResult,
    /// The inputs, unchecked.
    pub inputs: GivenInputs,
    /// The token of the question that `action_result` answers, as the client got it with the question.
    pub confirmation: Option<String>,
    /// The client's idempotency key.
    pub idempotency_key: Option<String>,
    /// Write neither effect nor record.
    pub dry_run: bool,
    /// The trace that the request belongs to.
    pub trace: Option<TraceContext>,
}

/// The result of a request that was not refused.
// No Debug: the message may be a secret.
#[derive(Clone)]
pub struct CommandOutput {
    pub outcome: Outcome,
    pub message: MultiLanguage,
    pub result: ActionResult,
    /// The request ran before with the same key; this is its stored output.
    pub replayed: bool,
    /// The token of the question; `None` if no question is asked.
    pub confirmation: Option<String>,
    /// The message contains a secret that is shown only this once.
    pub is_shown_once: bool,
}
