//! What a database's error means: whether it may pass, and whose mistake it is.

use sea_orm::{DbErr, RuntimeErr};

use super::Error;

/// What kind of trouble the database is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room left.
    Full,
    /// It is gone, locked or broken; it may come back.
    Passing,
    /// It did its work: the mistake is ours.
    Ours,
}

impl From<&DbErr> for Trouble {
    fn from(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) => Self::Passing,
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => match cause.as_database_error().map(|told| told.code()) {
                None => Self::Passing,
                Some(code) => code.and_then(|code| code.parse().ok()).map_or(Self::Ours, Self::of_sqlite),
            },
            _ => Self::Ours,
        }
    }
}

impl Trouble {
    /// The low byte of SQLite's codes: busy, locked, out of memory, I/O, cannot open; and full.
    fn of_sqlite(code: i32) -> Self {
        match code & 0xff {
            13 => Self::Full,
            5 | 6 | 7 | 10 | 14 => Self::Passing,
            _ => Self::Ours,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match Trouble::from(&error) {
            Trouble::Full => Self::StorageFull(error),
            Trouble::Passing => Self::Unavailable(error),
            Trouble::Ours => Self::internal(error),
        }
    }
}
