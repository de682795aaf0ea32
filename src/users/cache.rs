//! Caches the rows that most requests need: users with role, groups, person and credentials, and passwords, tickets and
//! applications. [`crate::store::Invalidations`] invalidates them.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::DbErr;
use secrecy::SecretString;

use super::{User, UserDetails, application, credential, ticket, token, user, user_details};
use crate::store::{
    CacheScope::{self, Access, Users},
    EntityCache, OwnerOf, Store,
};

/// Memory limit for users in bytes: about 8,192 users of usual size.
const USER_BYTES: u64 = 16 * 1024 * 1024;
/// Memory limit for users with groups and credentials, in bytes.
const USER_DETAILS_BYTES: u64 = 16 * 1024 * 1024;
/// Same as the capacity of the verified password cache.
const PASSWORDS: u64 = 10_000;
const TICKETS: u64 = 16_384;
const APPLICATIONS: u64 = 1024;
/// The owner of applications. A change of one invalidates all of them.
const NO_USER: i32 = 0;

/// The hash under which a secret is stored.
type SecretHash = String;

/// The cache. Clones share it.
#[derive(Clone, Debug)]
pub struct UserCache(Arc<Rows>);

#[derive(Debug)]
struct Rows {
    store: Store,
    users: EntityCache<i32, Arc<User>>,
    user_details: EntityCache<i32, Arc<UserDetails>>,
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
            user_details: EntityCache::weighed(
                &[Users, Access],
                versions(),
                USER_DETAILS_BYTES,
                |details: &Arc<UserDetails>| details.bytes(),
            ),
            passwords: EntityCache::new(ACCESS, versions(), PASSWORDS),
            tickets: EntityCache::new(ACCESS, versions(), TICKETS),
            applications: EntityCache::new(ACCESS, versions(), APPLICATIONS),
            applications_by_token: EntityCache::new(ACCESS, versions(), APPLICATIONS),
            store,
        }))
    }

    /// As [`user::find`].
    pub async fn user(&self, id: i32) -> Result<Option<Arc<User>>, DbErr> {
        let Rows { store, users, .. } = &*self.0;
        let load = || async { Ok(user::find(store.reader(), id).await?.map(Arc::new)) };
        users.get_or_load(id, OwnerOf::Key(|id| *id), load).await
    }

    /// As [`user_details::find`].
    pub async fn user_details(&self, id: i32) -> Result<Option<Arc<UserDetails>>, DbErr> {
        let Rows { store, users, user_details, .. } = &*self.0;
        let load = || async {
            let mut found = user_details::find(store.reader(), id).await?;
            // Share the cached user instead of keeping a second copy.
            if let (Some(details), Some(user)) = (&mut found, users.get_current(&id))
                && user == details.user
            {
                details.user = user;
            }
            Ok(found.map(Arc::new))
        };
        user_details.get_or_load(id, OwnerOf::Key(|id| *id), load).await
    }

    /// The cached user, if it is current. In a SQLite write transaction this is certain, because the transaction
    /// checked for changes of other processes when it began.
    pub(super) fn current_user(&self, id: i32) -> Option<Arc<User>> {
        self.0.users.get_current(&id)
    }

    /// The version of a user. Take it before reading the user.
    pub fn user_version(&self, id: i32) -> u64 {
        self.0.users.version(id)
    }

    /// Caches a committed user. `before` is the version from before the user was read.
    pub(super) fn store_written(&self, user: Arc<User>, before: u64) {
        let id = user.user.id;
        self.0.users.store_written(id, id, before, user);
    }

    /// As [`credential::find_password`].
    pub async fn password(&self, user_id: i32) -> Result<Option<credential::Model>, DbErr> {
        let Rows { store, passwords, .. } = &*self.0;
        let load = || credential::find_password(store.reader(), user_id);
        passwords.get_or_load(user_id, OwnerOf::Key(|id| *id), load).await
    }

    /// The row of a presented ticket or access token, if it has this kind and has not expired.
    pub async fn ticket(
        &self,
        kind: ticket::Kind,
        presented: &SecretString,
        longest_life: TimeDelta,
    ) -> Result<Option<ticket::Model>, DbErr> {
        let Rows { store, tickets, .. } = &*self.0;
        let hash = token::hash(presented);
        let load = || ticket::find(store.reader(), &hash);
        let found = tickets.get_or_load(hash.clone(), OwnerOf::Value(|ticket| ticket.user_id), load).await?;
        Ok(found.filter(|found| found.is_valid(kind, longest_life)))
    }

    /// As [`application::find`].
    pub async fn application(&self, id: i32) -> Result<Option<application::Model>, DbErr> {
        let Rows { store, applications, .. } = &*self.0;
        applications.get_or_load(id, OwnerOf::Value(|_| NO_USER), || application::find(store.reader(), id)).await
    }

    /// As [`application::find_by_token`].
    pub async fn application_by_token(&self, token: &SecretString) -> Result<Option<application::Model>, DbErr> {
        let Rows { store, applications_by_token, .. } = &*self.0;
        let load = || application::find_by_token(store.reader(), token);
        applications_by_token.get_or_load(token::hash(token), OwnerOf::Value(|_| NO_USER), load).await
    }
}
