//! What a run leaves behind in the records, and what its caller is told.

use chrono::SubsecRound;

use super::{Report, account::Account, execute::Run};
use crate::{
    clock,
    error::Error,
    localization::MultiLanguage,
    records::{
        self,
        delivery::{self, State},
        execution::{self, Outcome, Steps},
    },
    webhooks::Message,
};

impl Run {
    pub(super) fn report(&self, outcome: Outcome, account: &Account) -> Report {
        let is_shown_once = account.has_secret();
        Report { outcome, message: account.shown(), result: self.attempt.answer, replayed: false, is_shown_once }
    }

    /// Stores a record that has no effect beside it.
    pub(super) async fn keep(&self, record: Option<records::Entry>) -> Result<(), Error> {
        match record {
            Some(record) => Ok(self.commands.writer.record(record).await?),
            None => Ok(()),
        }
    }

    /// The record of a run that was permitted and confirmed.
    pub(super) fn record(
        &self,
        outcome: Outcome,
        account: &Account,
        deliveries: Vec<delivery::Model>,
    ) -> Option<records::Entry> {
        if self.has_begun {
            let execution = self.ended(outcome, account);
            return Some(records::Entry::Ended { execution, freed_key: None, deliveries });
        }
        self.whole(outcome, &account.stored(), account.steps(), deliveries)
    }

    /// A refusal for want of permission is recorded; others are mistakes of the request.
    pub(super) fn refusal(&self, error: &Error) -> Option<records::Entry> {
        let Error::CommandDenied { reason, .. } = error else { return None };
        self.whole(Outcome::Denied, &MultiLanguage::Plain((*reason).to_owned()), Steps::default(), Vec::new())
    }

    /// The record of an attempt that leaves one only; none of a dry run.
    pub(super) fn whole(
        &self,
        outcome: Outcome,
        message: &MultiLanguage,
        steps: Steps,
        deliveries: Vec<delivery::Model>,
    ) -> Option<records::Entry> {
        if self.attempt.dry_run {
            return None;
        }
        // What only asked or was refused leaves the key free: a `Yes` may follow under the same one.
        let is_final = matches!(outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Declined);
        let scope = self.scope.clone().filter(|_| is_final);
        let key = scope.map(|scope| scope.of(self.id, self.attempt.answer.name()));
        Some(records::Entry::Whole { execution: self.execution(outcome, message.raw(), steps), key, deliveries })
    }

    /// How a run ended that had begun.
    pub(super) fn ended(&self, outcome: Outcome, account: &Account) -> execution::Model {
        self.execution(outcome, account.stored().raw(), account.steps())
    }

    pub(super) fn execution(&self, outcome: Outcome, message: String, steps: Steps) -> execution::Model {
        execution::Model {
            id: self.id,
            user_id: self.attempt.user_id,
            caller_id: self.attempt.caller.user_id,
            application_id: self.attempt.caller.application_id,
            command_name: self.attempt.command_name.clone(),
            definition_hash: self.entry().hash.clone(),
            action_result: self.attempt.answer.name().to_owned(),
            outcome,
            message,
            steps,
            request_id: self.attempt.request_id.clone(),
            started_at: self.started_at,
            finished_at: clock::now().trunc_subsecs(6),
        }
    }

    pub(super) fn delivery(&self, message: &Message) -> delivery::Model {
        let now = clock::now().trunc_subsecs(6);
        delivery::Model {
            id: message.id.clone(),
            execution_id: self.id,
            target: message.target.clone(),
            body: message.body.clone(),
            timeout_ms: i32::try_from(message.timeout.as_millis()).unwrap_or(i32::MAX),
            state: State::Pending,
            attempts: 0,
            due_at: now,
            claimed_until: None,
            last_error: None,
            created_at: now,
            updated_at: now,
            seal: None,
        }
    }
}
