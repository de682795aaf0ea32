//! Collects the rows of users that a transaction writes. For each column the last value wins, and each kind of row is
//! written with few statements.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbErr, Value, prelude::DateTimeUtc};

use super::{UserColumn, credential, password::PasswordHash, person, ticket, user};
use crate::store::{ColumnValues, Touched, update_all};

/// Pending changes of users.
#[derive(Clone, Default)]
pub struct UserWrites {
    users: BTreeMap<i32, ColumnValues>,
    /// Whether persons are retired.
    persons: BTreeMap<i32, bool>,
    /// New passwords and when they expire.
    passwords: BTreeMap<i32, (PasswordHash, Option<DateTimeUtc>)>,
    /// Users who lose their tickets and access tokens.
    revoked: BTreeSet<i32>,
}

impl UserWrites {
    pub(super) fn update(&mut self, id: i32, values: &[(UserColumn, Value)], time: DateTimeUtc) {
        self.users.entry(id).or_default().extend(user::with_derived_columns(values.to_vec(), time));
    }

    pub(super) fn set_person_retired(&mut self, id: i32, is_retired: bool) {
        self.persons.insert(id, is_retired);
    }

    /// Also deletes the user's tickets.
    pub(super) fn set_password(&mut self, id: i32, hash: PasswordHash, expires_at: Option<DateTimeUtc>) {
        self.passwords.insert(id, (hash, expires_at));
        self.revoke_tickets(id);
    }

    pub(super) fn revoke_tickets(&mut self, id: i32) {
        self.revoked.insert(id);
    }

    /// Adds later changes.
    pub fn extend(&mut self, later: Self) {
        for (id, values) in later.users {
            self.users.entry(id).or_default().extend(values);
        }
        self.persons.extend(later.persons);
        self.passwords.extend(later.passwords);
        self.revoked.extend(later.revoked);
    }

    /// The cached rows that these changes touch.
    pub fn touched(&self) -> Touched {
        let access = self.passwords.keys().chain(&self.revoked);
        Touched::users(self.users.keys().copied()).and(Touched::access(access.copied()))
    }

    /// Writes all changes, with one statement for each kind of row and set of columns.
    ///
    /// # Errors
    /// A user no longer exists.
    pub async fn execute(self, db: &impl ConnectionTrait, time: DateTimeUtc) -> Result<(), DbErr> {
        let expected = self.users.len() as u64;
        if expected > 0 && update_all::<user::Entity>(db, self.users).await? != expected {
            return Err(DbErr::RecordNotUpdated);
        }
        person::set_retired(db, self.persons).await?;
        credential::set_passwords(db, self.passwords, time).await?;
        ticket::revoke_all(db, &self.revoked.into_iter().collect::<Vec<_>>()).await
    }
}
