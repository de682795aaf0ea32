//! Parses database URLs and creates missing SQLite files.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use sea_orm::sqlx::{
    postgres::{PgConnectOptions, PgSslMode},
    sqlite::SqliteConnectOptions,
};

use super::files::{folder_of, give_to_owner};

/// A database URL that is not supported.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error(
        "the database address must begin with sqlite:// or postgres://, for example sqlite://kommando.db?mode=rwc or \
         postgres://kommando@localhost/kommando"
    )]
    Scheme,
    #[error("the database address must name a file, for example sqlite://kommando.db?mode=rwc")]
    NoFile,
    #[error("the database address is not valid")]
    Unreadable(#[source] sea_orm::sqlx::Error),
    #[error("there is no database at {}; add ?mode=rwc to the address to create it", .0.display())]
    Missing(PathBuf),
    #[error("failed to create the database at {}", .0.display())]
    NotMade(PathBuf, #[source] io::Error),
}

/// Whether a URL is that of a PostgreSQL server.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// A warning if connections to a PostgreSQL server on another machine may be without TLS.
pub fn warning_without_tls(url: &str) -> Option<String> {
    let options: PgConnectOptions = Some(url).filter(|url| is_postgres(url))?.parse().ok()?;
    let host = options.get_host();
    let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_local = options.get_socket().is_some() || host.starts_with('/') || is_loopback;
    let may_be_plain = matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer);
    (!is_local && may_be_plain).then(|| {
        format!(
            "connections to PostgreSQL at {host} may be without TLS; add sslmode=verify-full to the URL of the database, \
             or sslmode=require where its certificate cannot be verified"
        )
    })
}

/// Replaces the password in a URL with `***`, for logs and messages.
pub fn redact_password(url: &str) -> String {
    let without_user = || {
        let (scheme, rest) = url.split_once("://")?;
        let (user, host) = rest.rsplit_once('@')?;
        let (name, _) = user.split_once(':')?;
        Some(format!("{scheme}://{name}:***@{host}"))
    };
    let shown = without_user().unwrap_or_else(|| url.to_owned());
    match shown.split_once("password=") {
        Some((before, _)) => format!("{before}password=***"),
        None => shown,
    }
}

/// The file of an SQLite URL; `None` for PostgreSQL.
///
/// # Errors
/// The URL is not supported.
pub fn sqlite_path(url: &str) -> Result<Option<PathBuf>, UrlError> {
    if is_postgres(url) { Ok(None) } else { sqlite_file(url).map(Some) }
}

/// The file of an SQLite URL.
///
/// # Errors
/// The URL does not name an SQLite file.
pub fn sqlite_file(url: &str) -> Result<PathBuf, UrlError> {
    if !url.starts_with("sqlite:") {
        return Err(UrlError::Scheme);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(UrlError::Unreadable)?;
    let file = options.get_filename();
    // In-memory databases are not supported: each connection would have its own.
    let is_memory = file.as_os_str().is_empty() || file.to_string_lossy().contains(":memory:");
    if is_memory || url.contains("mode=memory") || file.to_string_lossy().starts_with("file:") {
        return Err(UrlError::NoFile);
    }
    Ok(file.to_owned())
}

/// Creates a missing file if the URL allows it. Only its owner can read it, because it will contain password hashes. A file
/// that root creates is given to the owner of the folder.
///
/// # Errors
/// The file is missing and may not be created, or creating it failed.
pub fn create_if_missing(url: &str) -> Result<(), UrlError> {
    let file = sqlite_file(url)?;
    if file.exists() {
        return Ok(());
    }
    check_may_create(url, &file)?;
    match create(&file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(UrlError::NotMade(file, error)),
        _ => Ok(()),
    }
}

/// Checks that the URL allows creating a missing file and that its folder exists.
///
/// # Errors
/// The file may not be created, or its folder is missing.
pub fn check_may_create(url: &str, file: &Path) -> Result<(), UrlError> {
    if !url.contains("mode=rwc") {
        return Err(UrlError::Missing(file.to_owned()));
    }
    fs::metadata(folder_of(file)).map(drop).map_err(|error| UrlError::NotMade(file.to_owned(), error))
}

fn create(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    give_to_owner(&created, folder_of(file));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_supported_and_memory_is_not() {
        let named = sqlite_path("sqlite://kommando.db?mode=rwc").expect("an address");
        assert_eq!(named.as_deref(), Some(Path::new("kommando.db")));
        let memory =
            ["sqlite::memory:", "sqlite://x?mode=memory&cache=shared", "sqlite://?mode=rwc", "sqlite://%3Amemory%3A"];
        for url in memory {
            assert!(matches!(sqlite_path(url), Err(UrlError::NoFile)), "{url}");
        }
    }

    #[test]
    fn other_databases_are_rejected() {
        for url in ["mysql://localhost/kommando", "kommando.db", ""] {
            assert!(matches!(sqlite_path(url), Err(UrlError::Scheme)), "{url}");
        }
        assert!(matches!(sqlite_path("postgres://localhost/kommando"), Ok(None)));
    }

    #[test]
    fn postgresql_on_another_machine_should_have_tls() {
        for url in ["postgres://db.example.com/kommando", "postgres://192.0.2.7/kommando?sslmode=prefer"] {
            assert!(warning_without_tls(url).is_some(), "{url}");
        }
        for url in [
            "postgres://db.example.com/kommando?sslmode=verify-full",
            "postgres://db.example.com/kommando?sslmode=require",
            "postgres://localhost/kommando",
            "postgres://127.0.0.1/kommando",
            "postgres://kommando@%2Frun%2Fpostgresql/kommando",
            "sqlite://kommando.db",
        ] {
            assert_eq!(warning_without_tls(url), None, "{url}");
        }
    }

    #[test]
    fn the_password_is_redacted() {
        for (url, expected) in [
            ("postgres://eva:s3cr@t@db:5432/kommando", "postgres://eva:***@db:5432/kommando"),
            ("postgres://eva@db/kommando", "postgres://eva@db/kommando"),
            ("postgres:///kommando?host=/run&password=s3cr3t&user=eva", "postgres:///kommando?host=/run&password=***"),
            ("sqlite://kommando.db?mode=rwc", "sqlite://kommando.db?mode=rwc"),
        ] {
            assert_eq!(redact_password(url), expected);
        }
    }

    #[test]
    fn the_file_is_created_only_on_request_and_only_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kommando.db");
        assert!(matches!(create_if_missing(&format!("sqlite://{}", path.display())), Err(UrlError::Missing(_))));
        create_if_missing(&format!("sqlite://{}?mode=rwc", path.display())).expect("a file");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }
}
