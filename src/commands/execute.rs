//! One attempt on its way: permitted, confirmed, and then run, or answered without running.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::{
    Attempt, Catalog, Commands, Report, Verdict,
    account::Account,
    authorize,
    catalog::Entry,
    confirmation::{ActionResult, Decision},
    run::offer,
    steps::{Preparation, Prepared},
    text::Subjects,
};
use crate::{
    clock,
    error::Error,
    localization::MultiLanguage,
    records::{
        execution::{Outcome, Steps},
        idempotency::Scope,
    },
    users::{self, Caller, User},
};

/// One attempt, with the definitions that were in force when it came. It is boxed, since it goes through many hands.
#[derive(Clone)]
pub struct Run {
    pub(super) commands: Commands,
    pub(super) attempt: Attempt,
    pub(super) scope: Option<Scope>,
    catalog: Arc<Catalog>,
    pub(super) id: Uuid,
    pub(super) started_at: DateTime<Utc>,
    /// A webhook was called, and the record says that the run waits for it.
    pub(super) has_begun: bool,
}

/// A step that is ready, under its name in the definition.
pub type ReadyStep = (&'static str, Prepared);

impl Run {
    /// # Errors
    /// There is no such command.
    pub fn new(commands: Commands, attempt: Attempt, scope: Option<Scope>) -> Result<Box<Self>, Error> {
        let catalog = commands.catalog();
        if catalog.find(&attempt.command_name).is_none() {
            return Err(Error::NoSuchCommand(attempt.command_name));
        }
        // Microseconds are what every database keeps.
        let started_at = clock::now().trunc_subsecs(6);
        Ok(Box::new(Self {
            commands,
            attempt,
            scope,
            catalog,
            id: clock::new_id(started_at),
            started_at,
            has_begun: false,
        }))
    }

    pub(super) fn entry(&self) -> &Entry {
        match self.catalog.find(&self.attempt.command_name) {
            Some(entry) => entry,
            None => unreachable!("the command was found when the attempt began"),
        }
    }

    /// Does what the answer says.
    ///
    /// # Errors
    /// The caller may not, it cannot run on this user now, or the database does not answer.
    pub async fn go(self: Box<Self>, user: &User) -> Result<Report, Error> {
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
                let message = MultiLanguage::resource("SR_COMMAND_NOT_RUN", &[]);
                self.close(Outcome::Declined, message, answer).await
            }
            Decision::Run => self.execute(user).await,
        }
    }

    pub(super) async fn permit(
        &self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        user: &User,
    ) -> Result<Result<(), Error>, DbErr> {
        let definition = &self.entry().definition;
        // Looking for others is a statement of its own: only a definition that asks for it pays.
        let provider = self.commands.provider;
        let is_last =
            definition.asks_for_administrators() && Box::pin(users::is_last_administrator(db, provider, user)).await?;
        let command = || definition.name.as_str().to_owned();
        Ok(match authorize(caller, definition, user, is_last) {
            Verdict::Permitted => Ok(()),
            Verdict::Denied(reason) => Err(Error::CommandDenied { command: command(), reason }),
            Verdict::Unavailable(unmet) => {
                Err(Error::CommandUnavailable { command: command(), reason: unmet.to_string() })
            }
        })
    }

    async fn execute(self: Box<Self>, user: &User) -> Result<Report, Error> {
        let mut steps = self.prepare(user).await?;
        match steps.first() {
            Some((_, Prepared::Call(_))) => {
                let (name, call) = steps.remove(0);
                let Prepared::Call(message) = call else { unreachable!("it was a call a moment ago") };
                // Few commands call, and what they need is large.
                Box::pin(self.call(name, &message, steps)).await
            }
            _ => self.store(steps, Account::default()).await,
        }
    }

    async fn prepare(&self, user: &User) -> Result<Vec<ReadyStep>, Error> {
        let definition = &self.entry().definition;
        let preparation = Preparation {
            subjects: &Subjects::new(user, &self.attempt.caller),
            passwords: &self.commands.passwords,
            caller_id: self.attempt.caller.user_id,
            dry_run: self.attempt.dry_run,
            execution_id: self.id,
            command: &self.attempt.command_name,
            action_result: self.attempt.answer,
            started_at: self.started_at,
            timeout: definition.timeout.0,
            trace: self.attempt.trace,
            number: 0,
        };
        let mut ready = Vec::new();
        for (index, step) in definition.steps.iter().enumerate() {
            let number = index + 1;
            ready.push((step.name(), step.step().prepare(&Preparation { number, ..preparation }).await?));
        }
        Ok(ready)
    }

    async fn close(&self, outcome: Outcome, message: MultiLanguage, result: ActionResult) -> Result<Report, Error> {
        self.keep(self.whole(outcome, &message, Steps::default(), Vec::new())).await?;
        Ok(Report { outcome, message, result, replayed: false, is_shown_once: false })
    }
}
