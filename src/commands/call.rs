//! A run that asks another system first: recorded before the call, and ended by its answer.

use std::time::Duration;

use super::{
    Report,
    account::Account,
    execute::{ReadyStep, Run},
    steps::Said,
};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::{
        self,
        execution::{self, Outcome, Steps},
        idempotency::Scope,
    },
    store::{Reach, Settled},
    webhooks::{CallError, Message, Reply},
};

/// How long after the end of a call a run may still take to be stored, before it is given up.
const GRACE: Duration = Duration::from_secs(30);

impl Run {
    /// Asks another system, and goes on when it did its work.
    ///
    /// # Errors
    /// It may not be asked any more, it was not reached, or whether it did anything is not known.
    pub async fn call(
        self: Box<Self>,
        name: &'static str,
        message: &Message,
        steps: Vec<ReadyStep>,
    ) -> Result<Report, Error> {
        if let Err(cause) = self.commands.webhooks.check(message) {
            return Err(self.not_begun(name, message, &cause).await);
        }
        let _waiting = self.commands.live.enter(self.id);
        let mut run = self.begin(message.timeout).await?;
        fail_point!("call-recorded");
        let reply = run.commands.webhooks.ask(message).await;
        fail_point!("call-answered");
        run.has_begun = true;
        match reply {
            Err(cause) => Err(run.give_up(name, message, &cause).await),
            Ok(Reply { success, message }) => {
                let mut account = Account::default();
                account.add(name, message.map(|text| Said::openly(MultiLanguage::Plain(text))).unwrap_or_default());
                match success {
                    true => run.store(steps, account).await,
                    false => run.end(Outcome::Failed, account, None).await,
                }
            }
        }
    }

    /// Records that the run waits, before anybody else hears of it, and only if it still may.
    async fn begin(self: Box<Self>, timeout: Duration) -> Result<Box<Self>, Error> {
        let (writer, reach) = (self.commands.writer.clone(), self.reach());
        let begun = writer.write(reach, move |transaction| {
            Box::pin(async move {
                if let Err(error) = self.check_again(transaction).await? {
                    return Ok(Settled { undo: true, record: self.refusal(&error), answer: Err(error) });
                }
                let mut execution = self.execution(Outcome::Running, String::new(), Steps::default());
                execution.finished_at += timeout + GRACE;
                let key = self.scope.clone().map(|scope| scope.of(self.id, self.attempt.answer.name()));
                Ok(Settled { undo: false, record: Some(records::Entry::Begun { execution, key }), answer: Ok(self) })
            })
        });
        begun.await?
    }

    /// Records a call that would not even be tried.
    async fn not_begun(mut self: Box<Self>, name: &'static str, message: &Message, cause: &CallError) -> Error {
        self.log(message, cause);
        self.scope = None;
        let error = not_done(message, cause);
        let mut account = Account::default();
        account.add(name, Said::openly(MultiLanguage::Plain(error.to_string())));
        self.keep(self.record(Outcome::Failed, &account, Vec::new())).await.err().unwrap_or(error)
    }

    fn log(&self, message: &Message, cause: &CallError) {
        tracing::warn!(command = self.attempt.command_name, to = message.target, %cause, "a webhook failed");
    }

    /// Records a call that came to nothing, or to nothing that is known, and says which.
    async fn give_up(mut self: Box<Self>, name: &'static str, message: &Message, cause: &CallError) -> Error {
        self.log(message, cause);
        // Where the other system did nothing, the same key may try again.
        let (outcome, error, freed_key) = match cause.is_harmless() {
            true => (Outcome::Failed, not_done(message, cause), self.scope.take()),
            false => (Outcome::Unknown, not_known(message, cause), None),
        };
        let mut account = Account::default();
        account.add(name, Said::openly(MultiLanguage::Plain(error.to_string())));
        self.end(outcome, account, freed_key).await.err().unwrap_or(error)
    }

    /// Ends a run that had begun, with nothing changed here.
    async fn end(
        self: Box<Self>,
        outcome: Outcome,
        account: Account,
        freed_key: Option<Scope>,
    ) -> Result<Report, Error> {
        let (report, execution) = (self.report(outcome, &account), self.ended(outcome, &account));
        let record = records::Entry::Ended { execution, freed_key, deliveries: Vec::new() };
        let writer = self.commands.writer.clone();
        let end = writer.write(Reach::Anything, move |transaction| {
            Box::pin(async move {
                let running = execution::find_running(transaction, self.id).await?;
                let settled = Settled { undo: false, record: Some(record), answer: Ok(report) };
                Ok(running.map_or_else(Self::given_up, |_| settled))
            })
        });
        end.await.unwrap_or_else(|undone| Err(Error::from(undone).after_call()))
    }
}

/// What the caller and the record are told of a call that did nothing.
fn not_done(message: &Message, cause: &CallError) -> Error {
    let (target, cause) = (&message.target, cause.shown());
    Error::HandlerUnreachable(format!(
        "The target `{target}` did not take the call: {cause}. Nothing was done; run the command again when this is mended."
    ))
}

/// The same of a call after which it is not known what the target did.
fn not_known(message: &Message, cause: &CallError) -> Error {
    let (target, cause) = (&message.target, cause.shown());
    let text = format!(
        "The target `{target}` was called, and {cause}. Whether it did its work is not known: look there before you run the \
         command again."
    );
    Error::OutcomeUnknown { text, replayed: false }
}
