//! The one way to run a command, and the list of those that can be run.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, TransactionTrait};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Catalog, Confirmation, Verdict, authorize,
    catalog::Entry,
    confirmation::{ActionResult, Decision},
    steps::{ChangeError, Preparation, Prepared, Said},
    text::Subjects,
};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::execution::{self, Outcome},
    store::Store,
    users::{self, Caller, User, password::Passwords},
};

/// The commands of an installation, and what they need to run.
#[derive(Clone, Debug)]
pub struct Commands {
    store: Store,
    passwords: Passwords,
    catalog: Arc<RwLock<Arc<Catalog>>>,
}

/// Somebody wants a command to run on a user.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub caller: Caller,
    pub user_id: i32,
    pub command_name: String,
    pub answer: ActionResult,
    /// Ties the record to the request in the log.
    pub request_id: String,
}

/// What came of an attempt that was not refused.
pub struct Report {
    pub outcome: Outcome,
    pub message: MultiLanguage,
    pub result: ActionResult,
}

/// A command that the caller can run on the user now.
#[derive(Debug)]
pub struct Offer {
    pub name: String,
    pub display_name: MultiLanguage,
    pub description: MultiLanguage,
    pub tooltip: MultiLanguage,
    pub confirm: Confirmation,
    pub question: MultiLanguage,
}

impl Commands {
    pub fn new(store: Store, passwords: Passwords, catalog: Catalog) -> Self {
        Self { store, passwords, catalog: Arc::new(RwLock::new(Arc::new(catalog))) }
    }

    /// Puts other definitions in force, all at once. What runs already goes on with the ones it began with.
    pub fn replace(&self, catalog: Catalog) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
    }

    /// The definitions that are in force now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The commands that the caller can run on the user now, by name.
    ///
    /// # Errors
    /// The caller may not read the user, there is no such user, or the database does not answer.
    pub async fn list(&self, caller: &Caller, user_id: i32) -> Result<Vec<Offer>, Error> {
        let user = self.readable_user(caller, user_id).await?;
        let catalog = self.catalog();
        let asks = catalog.entries().iter().any(|entry| entry.definition.asks_for_administrators());
        let others = other_administrators(self.store.reader(), user_id, asks).await?;
        let permitted = |entry: &&Entry| authorize(caller, &entry.definition, &user, others) == Verdict::Permitted;
        let mut offers = Vec::new();
        for entry in catalog.entries().iter().filter(permitted) {
            match offer(entry, caller, &user) {
                Ok(offer) => offers.push(offer),
                // One question that cannot be asked does not hide the other commands.
                Err(error) => {
                    tracing::error!(command = entry.definition.name.as_str(), cause = error.chain(), "left out")
                }
            }
        }
        Ok(offers)
    }

    /// Runs a command on a user, or asks for what is missing, and records the attempt.
    ///
    /// The effect and its record are stored together, before this returns, or neither is. The work goes on when the
    /// caller stops waiting.
    ///
    /// # Errors
    /// The caller may not, there is no such user or command, it cannot run on this user now, or the database does not
    /// answer.
    pub async fn run(&self, attempt: Attempt) -> Result<Report, Error> {
        let commands = self.clone();
        let work = async move { commands.attempt(attempt).await };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    async fn attempt(&self, attempt: Attempt) -> Result<Report, Error> {
        let started_at = Utc::now();
        let user = self.readable_user(&attempt.caller, attempt.user_id).await?;
        let catalog = self.catalog();
        let Some(entry) = catalog.find(&attempt.command_name) else {
            return Err(Error::NoSuchCommand(attempt.command_name));
        };
        let run = Run { commands: self, attempt: &attempt, entry, started_at };
        if let Err(error) = run.permit(self.store.reader(), &attempt.caller, &user).await {
            return Err(run.refuse(error).await);
        }
        match entry.definition.confirm.judge(attempt.answer) {
            Decision::Ask => {
                let question = offer(entry, &attempt.caller, &user)?.question;
                run.close(Outcome::Asked, question, ActionResult::Implicit).await
            }
            Decision::Decline => {
                let message = MultiLanguage::own("The command was not run.", "Kommandoen ble ikke kjørt.");
                run.close(Outcome::Declined, message, attempt.answer).await
            }
            Decision::Run => run.execute(&user).await,
        }
    }

    async fn readable_user(&self, caller: &Caller, user_id: i32) -> Result<User, Error> {
        if !caller.may_read(user_id) {
            return Err(Error::MayNotReadUser);
        }
        users::find(self.store.reader(), user_id).await?.ok_or(Error::NoSuchUser)
    }
}

fn offer(entry: &Entry, caller: &Caller, user: &User) -> Result<Offer, Error> {
    let definition = &entry.definition;
    let question = match &definition.question {
        Some(question) => question.render(&Subjects::new(user, caller))?,
        None => MultiLanguage::Plain(String::new()),
    };
    Ok(Offer {
        name: definition.name.as_str().to_owned(),
        display_name: definition.display_name.clone(),
        description: definition.description.clone(),
        tooltip: definition.tooltip.clone(),
        confirm: definition.confirm,
        question,
    })
}

// Counting is a statement of its own: only a definition that asks for it pays.
async fn other_administrators(db: &impl ConnectionTrait, user_id: i32, asks: bool) -> Result<u64, DbErr> {
    if asks { users::count_other_administrators(db, user_id).await } else { Ok(0) }
}

/// One attempt on its way: everything its record needs.
struct Run<'a> {
    commands: &'a Commands,
    attempt: &'a Attempt,
    entry: &'a Entry,
    started_at: DateTime<Utc>,
}

impl Run<'_> {
    async fn execute(&self, user: &User) -> Result<Report, Error> {
        let subjects = Subjects::new(user, &self.attempt.caller);
        let preparation = Preparation { subjects, passwords: &self.commands.passwords };
        let mut steps = Vec::new();
        for step in &self.entry.definition.steps {
            steps.push(step.step().prepare(&preparation).await?);
        }
        let said = |step: &Prepared| if let Prepared::Said(said) = step { Some(said.clone()) } else { None };
        match steps.iter().map(said).collect::<Option<Vec<_>>>() {
            // Nothing changes, so there is nothing to check again and nothing to hold together with the record.
            Some(said) => {
                let record = self.record(Outcome::Succeeded, &stored(&said));
                execution::insert(self.commands.store.writer(), record).await?;
                Ok(Report { outcome: Outcome::Succeeded, message: shown(&said), result: self.attempt.answer })
            }
            None => self.change(&steps).await,
        }
    }

    async fn change(&self, steps: &[Prepared]) -> Result<Report, Error> {
        let transaction = self.commands.store.begin_write().await?;
        let user = match self.check_again(&transaction).await {
            Ok(user) => user,
            Err(error) => {
                transaction.rollback().await?;
                return Err(self.refuse(error).await);
            }
        };
        let savepoint = transaction.begin().await?;
        let (outcome, said) = match apply(steps, &savepoint, &user).await {
            Ok(said) => {
                savepoint.commit().await?;
                (Outcome::Succeeded, said)
            }
            Err(ChangeError::Refused(reason)) => {
                savepoint.rollback().await?;
                (Outcome::Failed, vec![Said::openly(reason)])
            }
            Err(ChangeError::Database(error)) => return Err(error.into()),
        };
        execution::insert(&transaction, self.record(outcome, &stored(&said))).await?;
        transaction.commit().await?;
        Ok(Report { outcome, message: shown(&said), result: self.attempt.answer })
    }

    // Between the first look and the write lock, somebody else may have changed the user or the caller.
    async fn check_again(&self, transaction: &DatabaseTransaction) -> Result<User, Error> {
        let caller = users::find(transaction, self.attempt.caller.user_id).await?;
        let caller = caller.as_ref().and_then(Caller::of).ok_or(Error::Unauthenticated)?;
        if !caller.may_read(self.attempt.user_id) {
            return Err(Error::MayNotReadUser);
        }
        let user = users::find(transaction, self.attempt.user_id).await?.ok_or(Error::NoSuchUser)?;
        self.permit(transaction, &caller, &user).await?;
        Ok(user)
    }

    async fn permit(&self, db: &impl ConnectionTrait, caller: &Caller, user: &User) -> Result<(), Error> {
        let definition = &self.entry.definition;
        let others = other_administrators(db, user.user.id, definition.asks_for_administrators()).await?;
        let command = || definition.name.as_str().to_owned();
        match authorize(caller, definition, user, others) {
            Verdict::Permitted => Ok(()),
            Verdict::Denied(reason) => Err(Error::CommandDenied { command: command(), reason }),
            Verdict::Unavailable => Err(Error::CommandUnavailable { command: command() }),
        }
    }

    /// A refusal for want of permission is recorded; the caller gets it either way.
    async fn refuse(&self, error: Error) -> Error {
        if let Error::CommandDenied { reason, .. } = &error {
            let reason = MultiLanguage::Plain((*reason).to_owned());
            let record = self.record(Outcome::Denied, &reason);
            if let Err(error) = execution::insert(self.commands.store.writer(), record).await {
                return error.into();
            }
        }
        error
    }

    async fn close(&self, outcome: Outcome, message: MultiLanguage, result: ActionResult) -> Result<Report, Error> {
        let record = self.record(outcome, &message);
        execution::insert(self.commands.store.writer(), record).await?;
        Ok(Report { outcome, message, result })
    }

    fn record(&self, outcome: Outcome, message: &MultiLanguage) -> execution::Model {
        execution::Model {
            id: Uuid::now_v7(),
            user_id: self.attempt.user_id,
            caller_id: self.attempt.caller.user_id,
            command_name: self.attempt.command_name.clone(),
            definition_hash: self.entry.hash.clone(),
            action_result: self.attempt.answer.name().to_owned(),
            outcome,
            message: message.raw(),
            request_id: self.attempt.request_id.clone(),
            started_at: self.started_at,
            finished_at: Utc::now(),
        }
    }
}

async fn apply(steps: &[Prepared], transaction: &DatabaseTransaction, user: &User) -> Result<Vec<Said>, ChangeError> {
    let mut said = Vec::new();
    for step in steps {
        match step {
            Prepared::Said(text) => said.push(text.clone()),
            Prepared::Change(change) => said.push(change.apply(transaction, user).await?),
        }
    }
    Ok(said)
}

fn shown(said: &[Said]) -> MultiLanguage {
    message(said.iter().filter_map(|said| said.shown.clone()).collect())
}

fn stored(said: &[Said]) -> MultiLanguage {
    message(said.iter().filter_map(|said| said.stored.clone()).collect())
}

fn message(texts: Vec<MultiLanguage>) -> MultiLanguage {
    if texts.is_empty() { MultiLanguage::own("Done.", "Utført.") } else { MultiLanguage::join(&texts) }
}
