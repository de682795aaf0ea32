//! An exclusive lock on an SQLite database, for processes that serve, migrate or replace it.
//!
//! It is an advisory lock (`flock`) on a file next to the database, `kommando.db.lock`. The operating system releases
//! it when the process ends. The file is never removed: otherwise two processes could lock two different files of this
//! name.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{fs::OFlags, io::Errno};
use tokio::time::sleep;

use super::{
    UrlError,
    files::{folder_of, give_to_owner},
    url,
};

/// Maximum wait for a process that holds the lock for a short time, for example to migrate.
const TIMEOUT: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(20);

/// The lock of a database, held until this is dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "dropping the file releases the lock")] Option<File>);

/// Why the lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum FileLockError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(
        "a server has {} open, or another process migrates or restores it. Only one process can use an SQLite file: \
         stop the other process, or name another file with --database-url. For several servers on one database, use \
         PostgreSQL", .0.display()
    )]
    Taken(PathBuf),
    #[error("failed to open {} for writing; the process needs write permission on its database", .0.display())]
    NotWritable(PathBuf, #[source] io::Error),
    #[error("failed to open and lock {}; the process needs write permission on the database's folder", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// Not followed: the owner of the folder could link to any file, and root would give it to them.
    #[error("the lock file {} is a symbolic link; remove it", .0.display())]
    SymbolicLink(PathBuf),
    #[error(
        "the file {} has {} names (hard links), but SQLite works with one name only; remove the other names, or copy \
         the file", .0.display(), .1
    )]
    Linked(PathBuf, u64),
}

impl FileLock {
    /// Locks the SQLite database of a URL; `None` for PostgreSQL, which needs no file lock. Creates a missing file if
    /// the URL allows it.
    ///
    /// # Errors
    /// Another process holds the lock, the file is missing, or it has several hard links.
    pub async fn of_url(url: &str) -> Result<Option<Self>, FileLockError> {
        if url::is_postgres(url) {
            return Ok(None);
        }
        url::create_if_missing(url)?;
        let database = url::sqlite_file(url)?;
        if let Ok(metadata) = fs::metadata(&database)
            && metadata.nlink() > 1
        {
            return Err(FileLockError::Linked(database, metadata.nlink()));
        }
        Self::of_file(&database).await.map(Some)
    }

    /// Whether another process holds the lock. Does not wait and does not change anything.
    ///
    /// # Errors
    /// This process could not lock the database, or lacks write permission on the file or its folder.
    pub fn examine(url: &str) -> Result<bool, FileLockError> {
        let Some(database) = url::sqlite_path(url)? else { return Ok(false) };
        let path = path_of(&database).map_err(|error| FileLockError::File(database.clone(), error))?;
        let within = |error: io::Error| FileLockError::File(path.clone(), error);
        let folder = path.parent().unwrap_or(Path::new("."));
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(|error| within(error.into()))?;
        if let Ok(metadata) = fs::metadata(&database) {
            if metadata.nlink() > 1 {
                return Err(FileLockError::Linked(database, metadata.nlink()));
            }
            let opened = OpenOptions::new().write(true).open(&database);
            opened.map_err(|error| FileLockError::NotWritable(database.clone(), error))?;
        }
        match options().open(&path) {
            // A server that starts at this moment retries, so the short shared lock does no harm.
            Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(not_opened(path, error)),
        }
    }

    /// Locks the database at this path, which may be missing.
    ///
    /// # Errors
    /// Another process holds the lock, or the lock file cannot be opened.
    pub async fn of_file(database: &Path) -> Result<Self, FileLockError> {
        Self::with_timeout(database, TIMEOUT).await
    }

    async fn with_timeout(database: &Path, timeout: Duration) -> Result<Self, FileLockError> {
        let path = path_of(database).map_err(|error| FileLockError::File(database.to_owned(), error))?;
        let file_error = |error| FileLockError::File(path.clone(), error);
        // Created for its owner only: a user who can open it can block servers.
        let opened = options().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(|error| not_opened(path.clone(), error))?;
        give_to_owner(&file, database);
        let deadline = Instant::now() + timeout;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(RETRY).await,
                Err(TryLockError::WouldBlock) => return Err(FileLockError::Taken(database.to_owned())),
                // SQLite may still be able to lock the database in another way.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    tracing::warn!(%error, "the file system has no locks; a second server would not be detected");
                    return Ok(Self(None));
                }
                Err(TryLockError::Error(error)) => return Err(file_error(error)),
            }
        }
    }
}

/// The path of the lock file. All paths and symbolic links to a database lead to the same lock file.
fn path_of(database: &Path) -> io::Result<PathBuf> {
    let real = match database.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            folder_of(database).canonicalize()?.join(database.file_name().unwrap_or_default())
        }
        Err(error) => return Err(error),
    };
    let mut path = real.into_os_string();
    path.push(".lock");
    Ok(path.into())
}

/// How the lock file is opened. Symbolic links are not followed.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn not_opened(path: PathBuf, error: io::Error) -> FileLockError {
    match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => FileLockError::SymbolicLink(path),
        _ => FileLockError::File(path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_paths_of_a_database_share_one_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("k.db");
        fs::write(&database, "").expect("a file");
        std::os::unix::fs::symlink(&database, folder.path().join("link.db")).expect("a link");
        fs::create_dir(folder.path().join("sub")).expect("a folder");
        let lock = FileLock::of_file(&database).await.expect("a lock");
        for path in ["k.db", "link.db", "sub/../k.db"] {
            let taken = FileLock::with_timeout(&folder.path().join(path), Duration::ZERO).await;
            assert!(matches!(taken, Err(FileLockError::Taken(_))), "{path}: {taken:?}");
        }
        FileLock::of_file(&folder.path().join("other.db")).await.expect("the lock of another database");
        drop(lock);
        FileLock::of_file(&database).await.expect("a lock that is free again");
    }

    #[tokio::test]
    async fn a_database_with_two_hard_links_is_rejected() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("k.db");
        fs::write(&database, "").expect("a file");
        fs::hard_link(&database, folder.path().join("other.db")).expect("a link");
        let refused = FileLock::of_url(&format!("sqlite://{}", database.display())).await.expect_err("a refusal");
        assert!(refused.to_string().contains("has 2 names (hard links)"), "{refused}");
    }

    #[tokio::test]
    async fn a_lock_file_that_is_a_symbolic_link_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("k.db");
        let other = folder.path().join("other");
        fs::write(&other, "").expect("a file");
        std::os::unix::fs::symlink(&other, folder.path().join("k.db.lock")).expect("a link");
        let url = format!("sqlite://{}?mode=rwc", database.display());
        for refused in [FileLock::of_url(&url).await.map(drop), FileLock::examine(&url).map(drop)] {
            assert!(matches!(refused, Err(FileLockError::SymbolicLink(_))), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn the_error_names_the_path_in_a_missing_folder() {
        let refused = FileLock::of_file(Path::new("/missing/k.db")).await.expect_err("a refusal");
        assert!(refused.to_string().contains("failed to open and lock /missing/k.db"), "{refused}");
    }
}
