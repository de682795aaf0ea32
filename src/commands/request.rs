//! What a client asks for, and what it is told.

use super::confirmation::ActionResult;
use crate::{localization::MultiLanguage, records::execution::Outcome, users::Caller, watch::Trace};

/// A caller wants a command to run on a user.
#[derive(Clone, Debug)]
pub struct ExecuteRequest {
    pub caller: Caller,
    pub user_id: i32,
    pub command_name: String,
    pub action_result: ActionResult,
    /// The client's key that makes it run once, however often it is sent.
    pub idempotency_key: Option<String>,
    /// Nothing is kept: neither effect nor record.
    pub dry_run: bool,
    /// Ties the record to the request in the log.
    pub request_id: String,
    /// The trace that the request belongs to.
    pub trace: Option<Trace>,
}

/// What came of a request that was not refused.
// No Debug: the message may be a secret.
#[derive(Clone)]
pub struct CommandOutput {
    pub outcome: Outcome,
    pub message: MultiLanguage,
    pub result: ActionResult,
    /// It ran before under the same key; this is what was stored then.
    pub replayed: bool,
    /// The message has a secret that is told this once.
    pub is_shown_once: bool,
}
