//! What every request asks for, answered from memory: passwords, tickets, applications, and users with role, group and
//! person.
//!
//! A row is remembered only as long as it is known to be what the database has: [`crate::store::Changes`] tells.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::DbErr;
use secrecy::SecretString;

use super::{User, application, credential, secret, ticket, together::Together, user};
use crate::store::{Cached, Store, Topic, Whom, WriteTransaction};

/// How much memory the users take at most, in bytes: 8,192 of the usual size, each with what is known of the person.
const USER_BYTES: u64 = 16 * 1024 * 1024;
/// As many as are remembered to have been verified.
const PASSWORDS: u64 = 10_000;
const TICKETS: u64 = 16_384;
const APPLICATIONS: u64 = 1024;
/// An application concerns nobody in particular.
const NOBODY: i32 = 0;

/// The hash under which a secret is stored.
type SecretHash = String;

/// Rows that are read again and again.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Rows>);

#[derive(Debug)]
struct Rows {
    store: Store,
    users: Cached<i32, Arc<User>>,
    passwords: Cached<i32, credential::Model>,
    tickets: Cached<SecretHash, ticket::Model>,
    applications: Cached<i32, application::Model>,
    applications_by_token: Cached<SecretHash, application::Model>,
}

impl Memory {
    pub fn new(store: Store) -> Self {
        let changes = || store.changes().clone();
        Self(Arc::new(Rows {
            users: Cached::weighed(Topic::Users, changes(), USER_BYTES, |user: &Arc<User>| user.bytes()),
            passwords: Cached::new(Topic::Access, changes(), PASSWORDS),
            tickets: Cached::new(Topic::Access, changes(), TICKETS),
            applications: Cached::new(Topic::Access, changes(), APPLICATIONS),
            applications_by_token: Cached::new(Topic::Access, changes(), APPLICATIONS),
            store,
        }))
    }

    /// As [`user::find`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn user(&self, id: i32) -> Result<Option<Arc<User>>, DbErr> {
        let Rows { store, users, .. } = &*self.0;
        let load = || async { Ok(user::find(store.reader(), id).await?.map(Arc::new)) };
        users.find(id, Whom::OfKey(|id| *id), load).await
    }

    /// A caller, and a user who may be the same and is about to be changed, as a transaction sees them in which nobody else
    /// changes that user.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn users_within(
        &self,
        transaction: &WriteTransaction,
        ids: [i32; 2],
    ) -> Result<[Option<Arc<User>>; 2], DbErr> {
        let together = Together::of(transaction);
        let found = match transaction.unread().await? {
            Some(unread) => ids.map(|id| {
                let is_changed = together.is_some_and(|together| together.changes(id));
                if is_changed { None } else { self.0.users.find_within(&id, &unread) }
            }),
            None => together.map(|together| together.take(ids)).unwrap_or_default(),
        };
        let missing: Vec<_> =
            ids.into_iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(id, _)| id).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let read: Vec<_> = user::list_some(transaction, missing).await?.into_iter().map(Arc::new).collect();
        let of = |id: i32| read.iter().find(|user| user.user.id == id).cloned();
        let [one, other] = found;
        Ok([one.or_else(|| of(ids[0])), other.or_else(|| of(ids[1]))])
    }

    /// The mark of what was told of a user.
    pub(super) fn mark(&self, id: i32) -> u64 {
        self.0.store.changes().mark(Topic::Users, id)
    }

    /// Remembers a user who was written. The mark is that of what is in force with it.
    pub(super) fn remember(&self, user: Arc<User>, mark: u64) {
        let id = user.user.id;
        self.0.users.remember(id, id, mark, user);
    }

    /// As [`credential::find_password`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn password(&self, user_id: i32) -> Result<Option<credential::Model>, DbErr> {
        let Rows { store, passwords, .. } = &*self.0;
        let load = || credential::find_password(store.reader(), user_id);
        passwords.find(user_id, Whom::OfKey(|id| *id), load).await
    }

    /// The ticket or token that was presented, if it is one of this kind and has not ended.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn ticket(
        &self,
        kind: ticket::Kind,
        presented: &SecretString,
        longest_life: TimeDelta,
    ) -> Result<Option<ticket::Model>, DbErr> {
        let Rows { store, tickets, .. } = &*self.0;
        let hash = secret::hash(presented);
        let load = || ticket::find(store.reader(), &hash);
        let found = tickets.find(hash.clone(), Whom::OfRow(|ticket| ticket.user_id), load).await?;
        Ok(found.filter(|found| found.is_valid(kind, longest_life)))
    }

    /// As [`application::find`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn application(&self, id: i32) -> Result<Option<application::Model>, DbErr> {
        let Rows { store, applications, .. } = &*self.0;
        applications.find(id, Whom::OfRow(|_| NOBODY), || application::find(store.reader(), id)).await
    }

    /// As [`application::find_by_token`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn application_by_token(&self, token: &SecretString) -> Result<Option<application::Model>, DbErr> {
        let Rows { store, applications_by_token, .. } = &*self.0;
        let load = || application::find_by_token(store.reader(), token);
        applications_by_token.find(secret::hash(token), Whom::OfRow(|_| NOBODY), load).await
    }
}
