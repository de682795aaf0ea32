//! What a database's error means: whether it may pass, and whose mistake it is.

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, postgres::PgDatabaseError},
};

use super::Error;

/// What kind of trouble the database is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room left.
    Full,
    /// It is gone, locked or broken; it may come back.
    Passing,
    /// Somebody else used the same key a moment before.
    Taken,
    /// A text has a character that it does not store.
    Character,
    /// It did its work: the mistake is ours.
    Ours,
}

impl From<&DbErr> for Trouble {
    fn from(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) => Self::Passing,
            DbErr::RecordNotInserted => Self::Taken,
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => Self::told_by(cause),
            _ => Self::Ours,
        }
    }
}

impl Trouble {
    /// What happened, as this error tells it.
    pub fn with(self, error: DbErr) -> Error {
        match self {
            Self::Full => Error::StorageFull(error),
            Self::Passing => Error::Unavailable(error),
            Self::Taken => Error::KeyInFlight,
            Self::Character => Error::InvalidArgument("the character U+0000 cannot stand in a text".to_owned()),
            Self::Ours => Error::internal(error),
        }
    }

    fn told_by(cause: &sqlx::Error) -> Self {
        let Some(told) = cause.as_database_error() else { return Self::Passing };
        match told.try_downcast_ref::<PgDatabaseError>() {
            Some(told) => Self::of_postgres(told.code()),
            None => told.code().and_then(|code| code.parse().ok()).map_or(Self::Ours, Self::of_sqlite),
        }
    }

    /// PostgreSQL's codes, mostly by their class: connections, resources, its operator, its own system, whatever another
    /// transaction brought about, and a standby that cannot be written to yet.
    fn of_postgres(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            "22021" | "22P05" => Self::Character,
            "25006" | "55P03" => Self::Passing,
            _ if ["08", "40", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default()) => Self::Passing,
            _ => Self::Ours,
        }
    }

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
        Trouble::from(&error).with(error)
    }
}
