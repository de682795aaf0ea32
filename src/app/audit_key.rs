//! Loads the key of the audit chain: from the settings, or from a file next to the database that the first start
//! creates.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rand::Rng;
use sea_orm::{ConnectionTrait, DbErr};

use crate::{
    config::{self, ConfigError, ExposedFile},
    executions::audit::{self, AuditKey, KeyCheck, MIN_KEY_LENGTH},
    store::{self, UrlError},
};

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("failed to read or create the key of the audit chain at {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error(
        "the key of the audit chain is missing at {}; restore it from its backup, or set KOMMANDO_AUDIT_KEY",
        .0.display()
    )]
    Missing(PathBuf),
    #[error(transparent)]
    Exposed(#[from] ExposedFile),
    #[error(
        "the file {} for the key of the audit chain is empty; restore the key from its backup, or, if the chain is \
         new, remove the file: the next start creates a key",
        .0.display()
    )]
    Empty(PathBuf),
    #[error(
        "the key of the audit chain has {0} bytes, but needs at least {MIN_KEY_LENGTH}; `openssl rand -hex 32` makes one"
    )]
    Short(usize),
    #[error(
        "this is not the key of the audit chain in this database; check KOMMANDO_AUDIT_KEY, or the key file next to \
         the database"
    )]
    Other,
    #[error("the database does not answer")]
    Database(#[from] DbErr),
    #[error(
        "with PostgreSQL, set KOMMANDO_AUDIT_KEY or KOMMANDO_AUDIT_KEY_FILE to the key of the audit chain, the same \
         for all servers of the database; `openssl rand -hex 32` makes one"
    )]
    NotSet,
}

/// Loads the key. If there is none and the chain is new, creates one.
///
/// # Errors
/// The settings are wrong, the file cannot be read or created, or the key of an existing chain is missing.
pub async fn load_or_make(database_url: &str, db: &impl ConnectionTrait) -> Result<AuditKey, AuditKeyError> {
    match load(database_url) {
        Err(AuditKeyError::Missing(file)) if !audit::is_begun(db).await? => {
            make(&file).map_err(|error| AuditKeyError::File(file, error))?;
            load(database_url)
        }
        loaded => loaded,
    }
}

/// Loads an existing key.
///
/// # Errors
/// The settings are wrong, or the key is missing.
pub fn load(database_url: &str) -> Result<AuditKey, AuditKeyError> {
    if let Some(key) = config::audit_key()? {
        return Ok(AuditKey::new(key));
    }
    let Some(file) = file_of(database_url)? else { return Err(AuditKeyError::NotSet) };
    match config::read_key(&file) {
        Ok(key) => match AuditKey::new(key?) {
            key if key.length() == 0 => Err(AuditKeyError::Empty(file)),
            key => Ok(key),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(AuditKeyError::Missing(file)),
        Err(error) => Err(AuditKeyError::File(file, error)),
    }
}

/// Checks the key against the chain of a database. A new chain needs a long key. An existing chain with a short key
/// keeps it, because the key of a chain cannot change.
///
/// # Errors
/// The key is too short for a new chain, or is not the key of the chain.
pub async fn check(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyCheck, AuditKeyError> {
    match audit::check_key(db, key).await? {
        KeyCheck::Other => Err(AuditKeyError::Other),
        KeyCheck::First if key.is_short() => Err(AuditKeyError::Short(key.length())),
        check => Ok(check),
    }
}

/// The key file; `None` if the key comes from the settings.
///
/// # Errors
/// The settings are wrong.
pub fn place(database_url: &str) -> Result<Option<PathBuf>, AuditKeyError> {
    if config::audit_key()?.is_some() { Ok(None) } else { file_of(database_url) }
}

/// The key file next to an SQLite database; `None` for PostgreSQL.
fn file_of(database_url: &str) -> Result<Option<PathBuf>, AuditKeyError> {
    let with_suffix = |file: PathBuf| {
        let mut file = file.into_os_string();
        file.push(".audit-key");
        PathBuf::from(file)
    };
    Ok(store::sqlite_path(database_url)?.map(with_suffix))
}

/// Creates a key file that only its owner can read. If another process has just created it, keeps that file.
fn make(file: &Path) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let key = hex::encode(random);
    // Written to a temporary file and linked, so that no process reads a partial key.
    let temporary = file.with_extension(format!("audit-key.{}", std::process::id()));
    let mut created = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    writeln!(created, "{key}")?;
    created.sync_all()?;
    let linked = fs::hard_link(&temporary, file);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
