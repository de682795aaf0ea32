//! A lock on an SQLite database for what needs the file alone: serving it, changing its schema, replacing it.
//!
//! It is an advisory lock (`flock`) on a file beside the database, `kommando.db.lock`. The system releases it when the
//! process ends, however it ends. The file stays: two processes could lock two files of this name if it were removed.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{UrlError, url};

/// How long to wait for a process that holds the lock for a moment, such as one that migrates.
const PATIENCE: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(20);

/// The lock of a database, held until this is dropped.
#[derive(Debug)]
pub struct FileLock(#[expect(dead_code, reason = "it is held, not used")] Option<File>);

/// Why the lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum FileLockError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(
        "a server has {} open, or another process changes its schema or restores it. An SQLite file is served by one \
         process, and nothing else may do this meanwhile: stop the other process, or name another file with \
         --database-url. For several servers on one database, use PostgreSQL", .0.display()
    )]
    Taken(PathBuf),
    #[error("{} cannot be written; the process must be able to write in its database", .0.display())]
    NotWritable(PathBuf, #[source] io::Error),
    #[error("{} cannot be opened and locked; the process must be able to write in the folder of its database", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error(
        "the file {} has {} names (hard links), and SQLite can be used under one name only; remove the other names, or \
         copy the file", .0.display(), .1
    )]
    Linked(PathBuf, u64),
}

impl FileLock {
    /// Locks the database of an address, which is made where it is missing and may be made. A server locks by itself:
    /// there is nothing to hold for PostgreSQL.
    ///
    /// # Errors
    /// Another process holds the lock, the file is missing, or it has several names.
    pub async fn of_url(url: &str) -> Result<Option<Self>, FileLockError> {
        if url::is_postgres(url) {
            return Ok(None);
        }
        url::prepare(url)?;
        let database = url::sqlite_file(url)?;
        if let Ok(metadata) = fs::metadata(&database)
            && metadata.nlink() > 1
        {
            return Err(FileLockError::Linked(database, metadata.nlink()));
        }
        Self::of_file(&database).await.map(Some)
    }

    /// Looks at the lock of a database without waiting for it: whether another process holds it.
    ///
    /// # Errors
    /// A server could not lock the database, or not write in it or beside it.
    pub fn examine(url: &str) -> Result<bool, FileLockError> {
        let Some(database) = url::file(url)? else { return Ok(false) };
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
        match File::open(&path) {
            // A server that tries just now tries again.
            Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(within(error)),
        }
    }

    /// Locks the database at this path, which may be missing.
    ///
    /// # Errors
    /// Another process holds the lock, or it cannot be had.
    pub async fn of_file(database: &Path) -> Result<Self, FileLockError> {
        Self::within(database, PATIENCE).await
    }

    async fn within(database: &Path, patience: Duration) -> Result<Self, FileLockError> {
        let path = path_of(database).map_err(|error| FileLockError::File(database.to_owned(), error))?;
        let within = |error| FileLockError::File(path.clone(), error);
        let file = open(&path, fs::metadata(database).ok().as_ref()).map_err(within)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(RETRY).await,
                Err(TryLockError::WouldBlock) => return Err(FileLockError::Taken(database.to_owned())),
                // SQLite needs locks, too, and may have other ways to them here.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    tracing::warn!(%error, "this file system has no locks, so a second server would not be refused");
                    return Ok(Self(None));
                }
                Err(TryLockError::Error(error)) => return Err(within(error)),
            }
        }
    }
}

/// The lock file of a database: one, whatever path or symbolic link leads to the database.
fn path_of(database: &Path) -> io::Result<PathBuf> {
    let real = match database.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            folder.canonicalize()?.join(database.file_name().unwrap_or_default())
        }
        Err(error) => return Err(error),
    };
    let mut path = real.into_os_string();
    path.push(".lock");
    Ok(path.into())
}

/// Opens the lock file for its owner alone: a user who can open it can keep servers out. Made by root, it gets the owner of
/// the database, as SQLite does with its log.
fn open(path: &Path, database: Option<&Metadata>) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if let Some(database) = database
        && file.metadata()?.uid() != database.uid()
    {
        // Only root may do this.
        let _ = fchown(&file, Some(database.uid()), Some(database.gid()));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_database_has_one_lock_under_all_its_paths() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("k.db");
        fs::write(&database, "").expect("a file");
        std::os::unix::fs::symlink(&database, folder.path().join("link.db")).expect("a link");
        fs::create_dir(folder.path().join("sub")).expect("a folder");
        let lock = FileLock::of_file(&database).await.expect("a lock");
        for path in ["k.db", "link.db", "sub/../k.db"] {
            let taken = FileLock::within(&folder.path().join(path), Duration::ZERO).await;
            assert!(matches!(taken, Err(FileLockError::Taken(_))), "{path}: {taken:?}");
        }
        FileLock::of_file(&folder.path().join("other.db")).await.expect("the lock of another one");
        drop(lock);
        FileLock::of_file(&database).await.expect("a lock that is free again");
    }

    #[tokio::test]
    async fn a_database_with_two_names_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("k.db");
        fs::write(&database, "").expect("a file");
        fs::hard_link(&database, folder.path().join("other.db")).expect("a link");
        let refused = FileLock::of_url(&format!("sqlite://{}", database.display())).await.expect_err("a refusal");
        assert!(refused.to_string().contains("has 2 names (hard links)"), "{refused}");
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_is_told_by_name() {
        let refused = FileLock::of_file(Path::new("/missing/k.db")).await.expect_err("a refusal");
        assert!(refused.to_string().contains("/missing/k.db cannot be opened and locked"), "{refused}");
    }
}
