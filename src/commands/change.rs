//! The transaction of a run: everything is looked at again, changed, and stored with its record.

use std::sync::Arc;

use sea_orm::DbErr;

use super::{
    Attempt, Report,
    account::Account,
    execute::{ReadyStep, Run},
    steps::{ChangeError, Prepared, Said},
};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::{
        self, delivery,
        execution::{self, Outcome},
    },
    store::{Lock, Reach, Settled, WriteTransaction, lock},
    users::{self, Caller, User},
    webhooks::Deliveries,
};

/// How a command ended, when it was run at all.
pub type Settlement = Settled<records::Entry, Result<Report, Error>>;

impl Run {
    /// Makes the changes, and stores them with the record of the run.
    ///
    /// # Errors
    /// It became impossible meanwhile, or the database does not answer.
    pub async fn store(self: Box<Self>, steps: Vec<ReadyStep>, mut account: Account) -> Result<Report, Error> {
        let is_only_said = steps.iter().all(|(_, step)| matches!(step, Prepared::Said(_)));
        if is_only_said && !self.has_begun {
            // Nothing changes, so there is nothing to check again and nothing to take back.
            for (name, said) in steps.into_iter().filter_map(|(name, step)| Some((name, step.said()?))) {
                account.add(name, said);
            }
            self.keep(self.record(Outcome::Succeeded, &account, Vec::new())).await?;
            return Ok(self.report(Outcome::Succeeded, &account));
        }
        let has_begun = self.has_begun;
        let news = steps.iter().any(|(_, step)| matches!(step, Prepared::Delivery(_)));
        let news = news.then(|| self.commands.deliveries.clone());
        let writer = self.commands.writer.clone();
        let (reach, run, steps) = (self.reach(), Arc::new(self), Arc::new(steps));
        let stored = writer
            .write(reach, move |transaction| Box::pin(async move { run.change(transaction, &steps, account).await }));
        let report = stored.await.unwrap_or_else(|undone| {
            let error = Error::from(undone);
            Err(if has_begun { error.after_call() } else { error })
        });
        news.inspect(Deliveries::wake);
        report
    }

    /// What changes a standing looks at others, too.
    pub(super) fn reach(&self) -> Reach {
        let Attempt { caller, user_id, dry_run, .. } = &self.attempt;
        match self.locks_standing() {
            _ if *dry_run => Reach::Nothing,
            true => Reach::Anything,
            false => Reach::User { user_id: *user_id, caller_id: caller.user_id },
        }
    }

    fn locks_standing(&self) -> bool {
        let definition = &self.entry().definition;
        definition.asks_for_administrators() || definition.changes_standing()
    }

    async fn change(
        &self,
        transaction: &WriteTransaction,
        steps: &[ReadyStep],
        mut account: Account,
    ) -> Result<Settlement, DbErr> {
        if self.has_begun && execution::find_running(transaction, self.id).await?.is_none() {
            return Ok(Self::given_up());
        }
        let (caller, user) = match self.check_again(transaction).await? {
            Ok(found) => found,
            Err(_) if self.has_begun => return Ok(self.half_done(account)),
            Err(error) => return Ok(Settled { undo: true, record: self.refusal(&error), answer: Err(error) }),
        };
        let mut deliveries = Vec::new();
        let outcome = match self.apply(steps, transaction, (&caller, &user), &mut account, &mut deliveries).await {
            Ok(()) => Outcome::Succeeded,
            Err(ChangeError::Refused(_)) => Outcome::Failed,
            Err(ChangeError::Database(error)) => return Err(error),
        };
        Ok(Settled {
            undo: outcome == Outcome::Failed || self.attempt.dry_run,
            answer: Ok(self.report(outcome, &account)),
            record: self.record(outcome, &account, deliveries),
        })
    }

    async fn apply(
        &self,
        steps: &[ReadyStep],
        transaction: &WriteTransaction,
        (caller, user): (&Caller, &Arc<User>),
        account: &mut Account,
        deliveries: &mut Vec<delivery::Model>,
    ) -> Result<(), ChangeError> {
        let before = account.len();
        for (name, step) in steps {
            let said = match step {
                Prepared::Said(said) => Ok(said.clone()),
                Prepared::Change(change) => change.apply(transaction, user).await,
                Prepared::Access(change, said) => {
                    let applied = change.apply(transaction, caller, self.commands.provider, user.user.id).await;
                    applied.map(|()| said.clone())
                }
                Prepared::Delivery(message) => {
                    deliveries.push(self.delivery(message));
                    Ok(Said::noted(MultiLanguage::Plain(message.id.clone())))
                }
                Prepared::Call(_) => unreachable!("a call is the first step, and was made before"),
            };
            match said {
                Ok(said) => account.add(name, said),
                Err(error) => {
                    // What earlier steps said is no longer true, and nobody is told of it.
                    account.truncate(before);
                    deliveries.clear();
                    if let ChangeError::Refused(reason) = &error {
                        account.add(name, Said::openly(reason.clone()));
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    // Between the first look and the write lock, somebody else may have changed the user or the caller, or come first
    // with the same key.
    pub async fn check_again(
        &self,
        transaction: &WriteTransaction,
    ) -> Result<Result<(Caller, Arc<User>), Error>, DbErr> {
        // What has begun holds its key already.
        let key = self.scope.as_ref().filter(|_| !self.has_begun);
        if let Some(key) = key
            && !lock::try_take(transaction, key.lock()).await?
        {
            return Ok(Err(Error::KeyInFlight));
        }
        let ids = [self.attempt.caller.user_id, self.attempt.user_id];
        // Before users are locked, as everywhere.
        if self.locks_standing() {
            lock::take(transaction, Lock::Standing).await?;
        }
        users::lock(transaction, self.attempt.user_id).await?;
        let [caller, user] = self.commands.memory.users_within(transaction, ids).await?;
        let Some(caller) = caller.as_deref().and_then(Caller::of) else { return Ok(Err(Error::Unauthenticated)) };
        if !caller.may_read(self.attempt.user_id) {
            return Ok(Err(Error::MayNotReadUser));
        }
        let Some(user) = user else {
            return Ok(Err(Error::NoSuchUser));
        };
        Ok(self.permit(transaction, &caller, &user).await?.map(|()| (caller, user)))
    }

    /// The record was closed meanwhile by somebody who took this run for dead.
    pub fn given_up() -> Settlement {
        let text = "The target took so long that the run was given up. Look there whether it did its work before you run the \
                    command again.";
        let error = Error::OutcomeUnknown { text: text.to_owned(), replayed: false };
        Settled { undo: true, record: None, answer: Err(error) }
    }

    /// The other system did its work, and while it did, the command became impossible here.
    fn half_done(&self, mut account: Account) -> Settlement {
        account.add("check", Said::openly(MultiLanguage::resource("SR_HALF_DONE", &[])));
        let record = self.record(Outcome::Failed, &account, Vec::new());
        Settled { undo: true, record, answer: Ok(self.report(Outcome::Failed, &account)) }
    }
}
