//! Classifies database errors: transient, a conflict, invalid input, a full disk, or a bug.

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, postgres::PgDatabaseError},
};

use super::Error;

/// The kind of a database error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbErrorKind {
    /// The disk is full.
    Full,
    /// The database is unreachable, locked or failing; a later attempt may succeed.
    Transient,
    /// Another request used the same idempotency key at the same time.
    Conflict,
    /// A text has a character that the database cannot store.
    Character,
    /// The statement is wrong: a bug in kommando.
    Bug,
}

impl From<&DbErr> for DbErrorKind {
    fn from(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) => Self::Transient,
            DbErr::RecordNotInserted => Self::Conflict,
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => Self::of_sqlx(cause),
            _ => Self::Bug,
        }
    }
}

impl DbErrorKind {
    /// The domain error of this kind, with the database error as its source.
    pub fn with(self, error: DbErr) -> Error {
        match self {
            Self::Full => Error::StorageFull(error),
            Self::Transient => Error::Unavailable(error),
            Self::Conflict => Error::KeyInFlight,
            Self::Character => Error::InvalidArgument("a text must not contain the character U+0000".to_owned()),
            Self::Bug => Error::internal(error),
        }
    }

    fn of_sqlx(cause: &sqlx::Error) -> Self {
        let Some(error) = cause.as_database_error() else { return Self::Transient };
        match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => Self::of_postgres(error.code()),
            None => error.code().and_then(|code| code.parse().ok()).map_or(Self::Bug, Self::of_sqlite),
        }
    }

    /// Classifies PostgreSQL's codes, mostly by their class: connection, transaction rollback, resources, operator
    /// intervention and system errors are transient, and so are a read-only standby and a lock that is not available.
    fn of_postgres(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            "22021" | "22P05" => Self::Character,
            "25006" | "55P03" => Self::Transient,
            _ if ["08", "40", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default()) => Self::Transient,
            _ => Self::Bug,
        }
    }

    /// Classifies the low byte of SQLite's codes. Busy, locked, out of memory, I/O and cannot open are transient.
    fn of_sqlite(code: i32) -> Self {
        match code & 0xff {
            13 => Self::Full,
            5 | 6 | 7 | 10 | 14 => Self::Transient,
            _ => Self::Bug,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        DbErrorKind::from(&error).with(error)
    }
}
