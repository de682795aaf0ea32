//! What is done by one at a time. SQLite has one who writes, and needs nothing of this; on PostgreSQL several write, in
//! several processes, and lock what they must not do together.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sha2::{Digest, Sha256};

/// Something that one does at a time, until the end of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock<'a> {
    /// Changing the schema.
    Schema,
    /// Making what every installation needs.
    Bootstrap,
    /// Changing who can call, and what somebody may do.
    RoleChanges,
    /// Changing the audit chain.
    AuditChain,
    /// What is done under a key of a client's.
    IdempotencyKey(&'a str),
}

impl Lock<'_> {
    /// The number under which the database knows it: the beginning of a digest, since it knows numbers only. The names never
    /// change: servers of other versions take the same locks.
    fn number(self) -> i64 {
        let name = match self {
            Self::Schema => "Schema".to_owned(),
            Self::Bootstrap => "Bootstrap".to_owned(),
            Self::RoleChanges => "Standing".to_owned(),
            Self::AuditChain => "Chain".to_owned(),
            Self::IdempotencyKey(key) => format!("Key({key:?})"),
        };
        let digest = Sha256::digest(format!("kommando {name}"));
        let mut number = [0; 8];
        number.copy_from_slice(&digest[..8]);
        i64::from_le_bytes(number)
    }
}

/// Whether other processes may write at the same time.
pub fn is_shared(db: &impl ConnectionTrait) -> bool {
    db.get_database_backend() == DbBackend::Postgres
}

/// Waits until nobody else does this, and does it alone to the end of the transaction.
///
/// # Errors
/// The database does not answer, or somebody else takes too long.
pub async fn take(transaction: &impl ConnectionTrait, lock: Lock<'_>) -> Result<(), DbErr> {
    if is_shared(transaction) {
        // Waiters get the lock in order, and a waiter that gives up and tries again is the last. So where statements have a
        // timeout, this one has no lock_timeout besides; the statements after it have it as before.
        let take = "SELECT set_config('lock_timeout', \
                    CASE current_setting('statement_timeout') WHEN '0' THEN before.patience ELSE '0' END, true), pg_advisory_xact_lock($1), \
                    set_config('lock_timeout', before.patience, true) \
                    FROM (SELECT current_setting('lock_timeout') AS patience OFFSET 0) AS before";
        transaction
            .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, take, [lock.number().into()]))
            .await?;
    }
    Ok(())
}

/// Does this alone to the end of the transaction, unless somebody else does it now: then false.
///
/// # Errors
/// The database does not answer.
pub async fn try_take(transaction: &impl ConnectionTrait, lock: Lock<'_>) -> Result<bool, DbErr> {
    if !is_shared(transaction) {
        return Ok(true);
    }
    let take = "SELECT pg_try_advisory_xact_lock($1) AS taken";
    let take = Statement::from_sql_and_values(DbBackend::Postgres, take, [lock.number().into()]);
    transaction.query_one_raw(take).await?.map_or(Ok(false), |row| row.try_get("", "taken"))
}
