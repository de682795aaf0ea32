//! One attempt on its way: permitted, confirmed, run and recorded.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::{
    Attempt, Catalog, Commands, Report, Verdict, authorize,
    catalog::Entry,
    confirmation::{ActionResult, Decision},
    run::offer,
    steps::{ChangeError, Preparation, Prepared, Said},
    text::Subjects,
};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::{
        self,
        execution::{self, Outcome, Step, Steps},
        idempotency::Scope,
    },
    store::Settled,
    users::{self, Caller, User},
};

/// One attempt, with the definitions that were in force when it came.
pub struct Run {
    commands: Commands,
    attempt: Attempt,
    scope: Option<Scope>,
    catalog: Arc<Catalog>,
    started_at: DateTime<Utc>,
}

/// What a step said, under its name in the definition.
type Told = (&'static str, Said);

/// How a command ended, when it was run at all.
type Ended = Settled<records::Entry, Result<Report, Error>>;

impl Run {
    /// # Errors
    /// There is no such command.
    pub fn new(commands: Commands, attempt: Attempt, scope: Option<Scope>) -> Result<Self, Error> {
        let catalog = commands.catalog();
        if catalog.find(&attempt.command_name).is_none() {
            return Err(Error::NoSuchCommand(attempt.command_name));
        }
        // Microseconds are what every database keeps.
        Ok(Self { commands, attempt, scope, catalog, started_at: Utc::now().trunc_subsecs(6) })
    }

    fn entry(&self) -> &Entry {
        match self.catalog.find(&self.attempt.command_name) {
            Some(entry) => entry,
            None => unreachable!("the command was found when the attempt began"),
        }
    }

    /// Does what the answer says.
    ///
    /// # Errors
    /// The caller may not, it cannot run on this user now, or the database does not answer.
    pub async fn go(self, user: &User) -> Result<Report, Error> {
        let answer = self.attempt.answer;
        if let Err(error) = self.permit(self.commands.store.reader(), &self.attempt.caller, user).await? {
            self.keep(self.refusal(&error)).await?;
            return Err(error);
        }
        match self.entry().definition.confirm.judge(answer) {
            Decision::Ask => {
                let question = offer(self.entry(), &self.attempt.caller, user)?.question;
                self.close(Outcome::Asked, question, ActionResult::Implicit).await
            }
            Decision::Decline => {
                let message = MultiLanguage::own("The command was not run.", "Kommandoen ble ikke kjørt.");
                self.close(Outcome::Declined, message, answer).await
            }
            Decision::Run => self.execute(user).await,
        }
    }

    async fn permit(
        &self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        user: &User,
    ) -> Result<Result<(), Error>, DbErr> {
        let definition = &self.entry().definition;
        // Looking for others is a statement of its own: only a definition that asks for it pays.
        let is_last = definition.asks_for_administrators() && users::is_last_administrator(db, user).await?;
        let command = || definition.name.as_str().to_owned();
        Ok(match authorize(caller, definition, user, is_last) {
            Verdict::Permitted => Ok(()),
            Verdict::Denied(reason) => Err(Error::CommandDenied { command: command(), reason }),
            Verdict::Unavailable => Err(Error::CommandUnavailable { command: command() }),
        })
    }

    async fn execute(self, user: &User) -> Result<Report, Error> {
        let preparation = Preparation {
            subjects: Subjects::new(user, &self.attempt.caller),
            passwords: &self.commands.passwords,
            dry_run: self.attempt.dry_run,
        };
        let mut steps = Vec::new();
        for step in &self.entry().definition.steps {
            steps.push((step.name(), step.step().prepare(&preparation).await?));
        }
        if steps.iter().all(|(_, step)| matches!(step, Prepared::Said(_))) {
            // Nothing changes, so there is nothing to check again and nothing to take back.
            let told: Vec<_> = steps.into_iter().filter_map(|(name, step)| Some((name, step.said()?))).collect();
            self.keep(self.record(Outcome::Succeeded, &told)).await?;
            return Ok(self.report(Outcome::Succeeded, &told));
        }
        let writer = self.commands.writer.clone();
        writer.write(move |transaction| Box::pin(async move { self.change(transaction, &steps).await })).await?
    }

    async fn change(
        &self,
        transaction: &DatabaseTransaction,
        steps: &[(&'static str, Prepared)],
    ) -> Result<Ended, DbErr> {
        let user = match self.check_again(transaction).await? {
            Ok(user) => user,
            Err(error) => return Ok(Settled { undo: true, record: self.refusal(&error), answer: Err(error) }),
        };
        let mut told = Vec::new();
        let outcome = match apply(steps, transaction, &user, &mut told).await {
            Ok(()) => Outcome::Succeeded,
            Err(ChangeError::Refused(_)) => Outcome::Failed,
            Err(ChangeError::Database(error)) => return Err(error),
        };
        Ok(Settled {
            undo: outcome == Outcome::Failed || self.attempt.dry_run,
            record: self.record(outcome, &told),
            answer: Ok(self.report(outcome, &told)),
        })
    }

    // Between the first look and the write lock, somebody else may have changed the user or the caller.
    async fn check_again(&self, transaction: &DatabaseTransaction) -> Result<Result<User, Error>, DbErr> {
        let caller = users::find(transaction, self.attempt.caller.user_id).await?;
        let Some(caller) = caller.as_ref().and_then(Caller::of) else { return Ok(Err(Error::Unauthenticated)) };
        if !caller.may_read(self.attempt.user_id) {
            return Ok(Err(Error::MayNotReadUser));
        }
        let Some(user) = users::find(transaction, self.attempt.user_id).await? else {
            return Ok(Err(Error::NoSuchUser));
        };
        Ok(self.permit(transaction, &caller, &user).await?.map(|()| user))
    }

    async fn close(&self, outcome: Outcome, message: MultiLanguage, result: ActionResult) -> Result<Report, Error> {
        self.keep(self.entry_of(outcome, &message, Steps::default())).await?;
        Ok(Report { outcome, message, result, replayed: false })
    }

    async fn keep(&self, record: Option<records::Entry>) -> Result<(), Error> {
        match record {
            Some(record) => Ok(self.commands.writer.record(record).await?),
            None => Ok(()),
        }
    }

    fn report(&self, outcome: Outcome, told: &[Told]) -> Report {
        let message = message(told.iter().filter_map(|(_, said)| said.shown.clone()).collect());
        Report { outcome, message, result: self.attempt.answer, replayed: false }
    }

    fn record(&self, outcome: Outcome, told: &[Told]) -> Option<records::Entry> {
        let stored = |said: &Said| said.stored.clone();
        let steps = told.iter().map(|(name, said)| Step {
            name: (*name).to_owned(),
            result: stored(said).map(|text| text.raw()).unwrap_or_default(),
        });
        let message = message(told.iter().filter_map(|(_, said)| stored(said)).collect());
        self.entry_of(outcome, &message, Steps(steps.collect()))
    }

    /// A refusal for want of permission is recorded; others are mistakes of the request.
    fn refusal(&self, error: &Error) -> Option<records::Entry> {
        let Error::CommandDenied { reason, .. } = error else { return None };
        self.entry_of(Outcome::Denied, &MultiLanguage::Plain((*reason).to_owned()), Steps::default())
    }

    /// The record of this attempt; none of a dry run.
    fn entry_of(&self, outcome: Outcome, message: &MultiLanguage, steps: Steps) -> Option<records::Entry> {
        if self.attempt.dry_run {
            return None;
        }
        let execution = execution::Model {
            id: Uuid::now_v7(),
            user_id: self.attempt.user_id,
            caller_id: self.attempt.caller.user_id,
            application_id: self.attempt.caller.application_id,
            command_name: self.attempt.command_name.clone(),
            definition_hash: self.entry().hash.clone(),
            action_result: self.attempt.answer.name().to_owned(),
            outcome,
            message: message.raw(),
            steps,
            request_id: self.attempt.request_id.clone(),
            started_at: self.started_at,
            finished_at: Utc::now().trunc_subsecs(6),
        };
        // What only asked or was refused leaves the key free: a `Yes` may follow under the same one.
        let is_final = matches!(outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Declined);
        let scope = self.scope.clone().filter(|_| is_final);
        let key = scope.map(|scope| scope.of(execution.id, self.attempt.answer.name()));
        Some(records::Entry { execution, key })
    }
}

async fn apply(
    steps: &[(&'static str, Prepared)],
    transaction: &DatabaseTransaction,
    user: &User,
    told: &mut Vec<Told>,
) -> Result<(), ChangeError> {
    for (name, step) in steps {
        let said = match step {
            Prepared::Said(said) => said.clone(),
            Prepared::Change(change) => match change.apply(transaction, user).await {
                Ok(said) => said,
                Err(error) => {
                    // What earlier steps said is no longer true.
                    told.clear();
                    if let ChangeError::Refused(reason) = &error {
                        told.push((name, Said::openly(reason.clone())));
                    }
                    return Err(error);
                }
            },
        };
        told.push((name, said));
    }
    Ok(())
}

fn message(texts: Vec<MultiLanguage>) -> MultiLanguage {
    if texts.is_empty() { MultiLanguage::own("Done.", "Utført.") } else { MultiLanguage::join(&texts) }
}
