//! Locks on what one transaction does at a time. SQLite has one transaction that writes, and needs none; on PostgreSQL
//! several write, in several processes.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sha2::{Digest, Sha256};

/// What one transaction does at a time.
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
    /// Running a request with this idempotency key.
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

/// Waits for the lock, and holds it until the transaction ends.
///
/// # Errors
/// The database does not answer, or another transaction holds the lock for too long.
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

/// Takes the lock if it is free, and holds it until the transaction ends; else false.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_other_versions_take_the_same_locks() {
        let numbers = [
            (Lock::Schema, -5_134_732_411_908_501_087),
            (Lock::Bootstrap, 3_013_584_078_065_039_018),
            (Lock::RoleChanges, -2_161_133_631_369_340_525),
            (Lock::AuditChain, 3_873_173_500_881_216_596),
            (Lock::IdempotencyKey("abc"), 6_245_938_192_041_580_496),
        ];
        for (lock, number) in numbers {
            assert_eq!(lock.number(), number, "{lock:?}");
        }
    }
}
