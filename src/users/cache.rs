//! What every request asks for, held in memory: passwords, tickets, applications, and users with role, groups, person and
//! credentials. [`crate::store::Invalidations`] tells how long a row counts.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::DbErr;
use secrecy::SecretString;

use super::{Account, User, account, application, credential, secret, ticket, user};
use crate::store::{
    CacheScope::{self, Access, Users},
    EntityCache, OwnerOf, Store,
};

/// How much memory the users take at most, in bytes: 8,192 of the usual size, each with what is known of the person.
const USER_BYTES: u64 = 16 * 1024 * 1024;
/// The same for users with their groups and credentials.
const ACCOUNT_BYTES: u64 = 16 * 1024 * 1024;
/// As many as are held as verified.
const PASSWORDS: u64 = 10_000;
const TICKETS: u64 = 16_384;
const APPLICATIONS: u64 = 1024;
/// Applications belong to no user, and are dropped all together.
const NO_USER: i32 = 0;

/// The hash under which a secret is stored.
type SecretHash = String;

/// Rows that are read again and again.
#[derive(Clone, Debug)]
pub struct UserCache(Arc<Rows>);

#[derive(Debug)]
struct Rows {
    store: Store,
    users: EntityCache<i32, Arc<User>>,
    accounts: EntityCache<i32, Arc<Account>>,
    passwords: EntityCache<i32, credential::Model>,
    tickets: EntityCache<SecretHash, ticket::Model>,
    applications: EntityCache<i32, application::Model>,
    applications_by_token: EntityCache<SecretHash, application::Model>,
}

impl UserCache {
    pub fn new(store: Store) -> Self {
        const ACCESS: &[CacheScope] = &[Access];
        let versions = || store.invalidations().clone();
        Self(Arc::new(Rows {
            users: EntityCache::weighed(&[Users], versions(), USER_BYTES, |user: &Arc<User>| user.bytes()),
            accounts: EntityCache::weighed(&[Users, Access], versions(), ACCOUNT_BYTES, |account: &Arc<Account>| {
                account.bytes()
            }),
            passwords: EntityCache::new(ACCESS, versions(), PASSWORDS),
            tickets: EntityCache::new(ACCESS, versions(), TICKETS),
            applications: EntityCache::new(ACCESS, versions(), APPLICATIONS),
            applications_by_token: EntityCache::new(ACCESS, versions(), APPLICATIONS),
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
        users.get_or_load(id, OwnerOf::Key(|id| *id), load).await
    }

    /// As [`account::find`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn account(&self, id: i32) -> Result<Option<Arc<Account>>, DbErr> {
        let Rows { store, users, accounts, .. } = &*self.0;
        let load = || async {
            let mut found = account::find(store.reader(), id).await?;
            // The same user is held once.
            if let (Some(account), Some(user)) = (&mut found, users.get_current(&id))
                && user == account.user
            {
                account.user = user;
            }
            Ok(found.map(Arc::new))
        };
        accounts.get_or_load(id, OwnerOf::Key(|id| *id), load).await
    }

    /// The user with this id, if the database has the same. On SQLite that is certain in a transaction that writes, which
    /// looked for changes of other processes when it began.
    pub(super) fn current_user(&self, id: i32) -> Option<Arc<User>> {
        self.0.users.get_current(&id)
    }

    /// The version of a user, to be taken before the user is read.
    pub fn user_version(&self, id: i32) -> u64 {
        self.0.users.version(id)
    }

    /// Holds a user who was written and committed; `before` is the version from before the user was read.
    pub(super) fn store_written(&self, user: Arc<User>, before: u64) {
        let id = user.user.id;
        self.0.users.store_written(id, id, before, user);
    }

    /// As [`credential::find_password`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn password(&self, user_id: i32) -> Result<Option<credential::Model>, DbErr> {
        let Rows { store, passwords, .. } = &*self.0;
        let load = || credential::find_password(store.reader(), user_id);
        passwords.get_or_load(user_id, OwnerOf::Key(|id| *id), load).await
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
        let found = tickets.get_or_load(hash.clone(), OwnerOf::Value(|ticket| ticket.user_id), load).await?;
        Ok(found.filter(|found| found.is_valid(kind, longest_life)))
    }

    /// As [`application::find`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn application(&self, id: i32) -> Result<Option<application::Model>, DbErr> {
        let Rows { store, applications, .. } = &*self.0;
        applications.get_or_load(id, OwnerOf::Value(|_| NO_USER), || application::find(store.reader(), id)).await
    }

    /// As [`application::find_by_token`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn application_by_token(&self, token: &SecretString) -> Result<Option<application::Model>, DbErr> {
        let Rows { store, applications_by_token, .. } = &*self.0;
        let load = || application::find_by_token(store.reader(), token);
        applications_by_token.get_or_load(secret::hash(token), OwnerOf::Value(|_| NO_USER), load).await
    }
}
