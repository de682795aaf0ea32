//! Which database addresses are served, what to say of the others, and how the file is made.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use sea_orm::sqlx::sqlite::SqliteConnectOptions;

/// A database address that is not served.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error(
        "the database address must begin with sqlite:// or postgres://, for example sqlite://kommando.db?mode=rwc or \
         postgres://kommando@localhost/kommando"
    )]
    Scheme,
    #[error("the database address names no file; for example sqlite://kommando.db?mode=rwc")]
    NoFile,
    #[error("the database address cannot be read")]
    Unreadable(#[source] sea_orm::sqlx::Error),
    #[error("there is no database at {}; add ?mode=rwc to the address to have it made", .0.display())]
    Missing(PathBuf),
    #[error("the database cannot be made at {}", .0.display())]
    NotMade(PathBuf, #[source] io::Error),
}

/// It is the address of a PostgreSQL server.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// An address as it may be shown: without the password in it.
pub fn shown(url: &str) -> String {
    let without_user = || {
        let (scheme, rest) = url.split_once("://")?;
        let (user, place) = rest.rsplit_once('@')?;
        let (name, _) = user.split_once(':')?;
        Some(format!("{scheme}://{name}:***@{place}"))
    };
    let shown = without_user().unwrap_or_else(|| url.to_owned());
    match shown.split_once("password=") {
        Some((before, _)) => format!("{before}password=***"),
        None => shown,
    }
}

/// The file that an address names; none when it is that of a server.
///
/// # Errors
/// It is neither.
pub fn file(url: &str) -> Result<Option<PathBuf>, UrlError> {
    if is_postgres(url) { Ok(None) } else { sqlite_file(url).map(Some) }
}

/// The file that the address of one names.
///
/// # Errors
/// It is the address of something else.
pub fn sqlite_file(url: &str) -> Result<PathBuf, UrlError> {
    if !url.starts_with("sqlite:") {
        return Err(UrlError::Scheme);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(UrlError::Unreadable)?;
    let file = options.get_filename();
    // In memory, each connection would have a database of its own.
    let is_memory = file.as_os_str().is_empty() || file.to_string_lossy().contains(":memory:");
    if is_memory || url.contains("mode=memory") || file.to_string_lossy().starts_with("file:") {
        return Err(UrlError::NoFile);
    }
    Ok(file.to_owned())
}

/// Makes the file where it is missing and the address allows it, readable by its owner alone: it holds password hashes.
///
/// # Errors
/// It is missing and may not be made, or cannot be made.
pub fn prepare(url: &str) -> Result<(), UrlError> {
    let file = sqlite_file(url)?;
    if file.exists() {
        return Ok(());
    }
    check_may_be_made(url, &file)?;
    match make(&file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(UrlError::NotMade(file, error)),
        _ => Ok(()),
    }
}

/// Whether the address says that a missing file is to be made, and its folder is there.
///
/// # Errors
/// It is not to be made, or cannot be.
pub fn check_may_be_made(url: &str, file: &Path) -> Result<(), UrlError> {
    if !url.contains("mode=rwc") {
        return Err(UrlError::Missing(file.to_owned()));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(folder).map(drop).map_err(|error| UrlError::NotMade(file.to_owned(), error))
}

fn make(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_served_and_memory_is_not() {
        let named = file("sqlite://kommando.db?mode=rwc").expect("an address");
        assert_eq!(named.as_deref(), Some(Path::new("kommando.db")));
        let memory =
            ["sqlite::memory:", "sqlite://x?mode=memory&cache=shared", "sqlite://?mode=rwc", "sqlite://%3Amemory%3A"];
        for url in memory {
            assert!(matches!(file(url), Err(UrlError::NoFile)), "{url}");
        }
    }

    #[test]
    fn another_database_is_refused() {
        for url in ["mysql://localhost/kommando", "kommando.db", ""] {
            assert!(matches!(file(url), Err(UrlError::Scheme)), "{url}");
        }
        assert!(matches!(file("postgres://localhost/kommando"), Ok(None)));
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, expected) in [
            ("postgres://eva:s3cr@t@db:5432/kommando", "postgres://eva:***@db:5432/kommando"),
            ("postgres://eva@db/kommando", "postgres://eva@db/kommando"),
            ("postgres:///kommando?host=/run&password=s3cr3t&user=eva", "postgres:///kommando?host=/run&password=***"),
            ("sqlite://kommando.db?mode=rwc", "sqlite://kommando.db?mode=rwc"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn the_file_is_made_for_its_owner_alone_and_only_when_asked() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kommando.db");
        assert!(matches!(prepare(&format!("sqlite://{}", path.display())), Err(UrlError::Missing(_))));
        prepare(&format!("sqlite://{}?mode=rwc", path.display())).expect("a file");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }
}
