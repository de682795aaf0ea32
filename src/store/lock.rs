//! Advisory locks for work that only one transaction may do at a time. Only PostgreSQL needs them: SQLite has one write
//! transaction at a time.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sha2::{Digest, Sha256};

/// The work that a lock serializes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock<'a> {
    /// Changing the schema.
    Schema,
    /// Creating the rows that every installation needs.
    Bootstrap,
    /// Changing which users are active, and their rights.
    RoleChanges,
    /// Changing the audit chain.
    AuditChain,
    /// Changing the key of the audit chain. Writers with the key share this lock.
    AuditKey,
    /// Running a request with this idempotency key.
    IdempotencyKey(&'a str),
}

impl Lock<'_> {
    /// The number of the advisory lock, taken from a digest of the name. The names must never change, because servers
    /// of other versions use the same locks.
    pub fn number(self) -> i64 {
        let name = match self {
            Self::Schema => "Schema".to_owned(),
            Self::Bootstrap => "Bootstrap".to_owned(),
            Self::RoleChanges => "Standing".to_owned(),
            Self::AuditChain => "Chain".to_owned(),
            Self::AuditKey => "AuditKey".to_owned(),
            Self::IdempotencyKey(key) => format!("Key({key:?})"),
        };
        let digest = Sha256::digest(format!("kommando {name}"));
        let mut number = [0; 8];
        number.copy_from_slice(&digest[..8]);
        i64::from_le_bytes(number)
    }
}

/// Whether other processes may write at the same time.
pub fn has_multiple_writers(db: &impl ConnectionTrait) -> bool {
    db.get_database_backend() == DbBackend::Postgres
}

/// Waits for the lock and holds it until the transaction ends.
///
/// # Errors
/// Another transaction holds the lock for too long.
pub async fn take(transaction: &impl ConnectionTrait, lock: Lock<'_>) -> Result<(), DbErr> {
    if has_multiple_writers(transaction) {
        // A waiter that retries goes to the end of PostgreSQL's queue. So this statement has no lock_timeout when there
        // is a statement_timeout; later statements have their lock_timeout again.
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

/// Takes the lock if it is free and holds it until the transaction ends; returns false if it is not free.
pub async fn try_take(transaction: &impl ConnectionTrait, lock: Lock<'_>) -> Result<bool, DbErr> {
    if !has_multiple_writers(transaction) {
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
            (Lock::AuditKey, 7_893_575_730_750_671_763),
            (Lock::IdempotencyKey("abc"), 6_245_938_192_041_580_496),
        ];
        for (lock, number) in numbers {
            assert_eq!(lock.number(), number, "{lock:?}");
        }
    }
}
