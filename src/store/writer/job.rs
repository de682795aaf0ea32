//! A piece of work on its way through a transaction, with the caller who waits for it.

use futures_util::future::BoxFuture;
use sea_orm::DbErr;
use tokio::sync::oneshot;
use tracing::Span;

use super::{Ledger, Reach, Settled, Undone};
use crate::store::WriteTransaction;

/// A piece of work whose caller waits for the end of the transaction.
pub trait Job<R>: Send {
    /// Does the work, and all of it again when it is asked again; false takes its changes back.
    fn run<'a>(&'a mut self, transaction: &'a WriteTransaction) -> BoxFuture<'a, Result<bool, DbErr>>;
    /// What it leaves behind; given away, so that it can be asked for once each time that the work is done.
    fn record(&mut self) -> Option<R>;
    /// How far its effect reaches, if it may have one.
    fn reach(&self) -> Option<Reach>;
    /// What it leaves behind may stand in another one's way.
    fn can_conflict(&self, ledger: &dyn Ledger<Record = R>) -> bool;
    /// Its caller waits no longer, and takes it for not done.
    fn is_given_up(&self) -> bool;
    /// What it belongs to in the log.
    fn span(&self) -> Span;
    /// Tells the caller how it ended.
    fn reply(self: Box<Self>, end: Result<(), Undone>);
}

impl<R> dyn Job<R> {
    /// The user whom it reaches, and the caller.
    pub fn whom(&self) -> Option<(i32, i32)> {
        match self.reach() {
            Some(Reach::User { user_id, caller_id }) => Some((user_id, caller_id)),
            _ => None,
        }
    }
}

pub struct Effect<R, T, F> {
    pub reach: Reach,
    pub work: F,
    pub answer: Option<Settled<R, T>>,
    pub sender: oneshot::Sender<Result<T, Undone>>,
    pub span: Span,
}

impl<R, T, F> Job<R> for Effect<R, T, F>
where
    R: Send,
    T: Send,
    F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Clone + Send,
{
    fn run<'a>(&'a mut self, transaction: &'a WriteTransaction) -> BoxFuture<'a, Result<bool, DbErr>> {
        Box::pin(async move {
            self.answer = None; // what an answer holds is free again
            let settled = self.answer.insert((self.work.clone())(transaction).await?);
            Ok(!settled.undo)
        })
    }

    fn record(&mut self) -> Option<R> {
        self.answer.as_mut().and_then(|settled| settled.record.take())
    }

    fn reach(&self) -> Option<Reach> {
        Some(self.reach)
    }

    fn can_conflict(&self, _: &dyn Ledger<Record = R>) -> bool {
        false // not known before it is done
    }

    fn is_given_up(&self) -> bool {
        self.sender.is_closed()
    }

    fn span(&self) -> Span {
        self.span.clone()
    }

    fn reply(self: Box<Self>, end: Result<(), Undone>) {
        let Self { answer, sender, .. } = *self;
        let answer = end.and_then(|()| answer.map(|settled| settled.answer).ok_or_else(Undone::stopped));
        drop(sender.send(answer)); // whoever stopped waiting needs no answer
    }
}

pub struct Record<R> {
    pub record: Option<R>,
    pub sender: oneshot::Sender<Result<(), Undone>>,
}

impl<R: Send + 'static> Job<R> for Record<R> {
    fn run<'a>(&'a mut self, _: &'a WriteTransaction) -> BoxFuture<'a, Result<bool, DbErr>> {
        Box::pin(async { Ok(true) })
    }

    fn record(&mut self) -> Option<R> {
        self.record.take()
    }

    fn reach(&self) -> Option<Reach> {
        None
    }

    fn can_conflict(&self, ledger: &dyn Ledger<Record = R>) -> bool {
        self.record.as_ref().is_some_and(|record| ledger.can_conflict(record))
    }

    fn is_given_up(&self) -> bool {
        self.sender.is_closed()
    }

    fn span(&self) -> Span {
        Span::current()
    }

    fn reply(self: Box<Self>, end: Result<(), Undone>) {
        drop(self.sender.send(end));
    }
}
