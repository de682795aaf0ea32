//! The key of the audit chain: from the settings, or from a file beside the database that is made at the first start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rand::Rng;
use sea_orm::{ConnectionTrait, DbErr};

use crate::{
    config::{self, ConfigError, ExposedFile},
    records::audit::{self, AuditKey, KeyStanding, SHORTEST_KEY},
    store::{self, UrlError},
};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("the key of the audit chain at {} cannot be read or made", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error(
        "there is no key of the audit chain at {}; put it back from where it is kept, or set KOMMANDO_AUDIT_KEY", .0.display()
    )]
    Missing(PathBuf),
    #[error(transparent)]
    Exposed(#[from] ExposedFile),
    #[error(
        "the file {} is to hold the key of the audit chain, and is empty; put the key back from where it is kept, or, where \
         no record was made with one, remove the file: the next start makes a key", .0.display()
    )]
    Empty(PathBuf),
    #[error(
        "the key of the audit chain has {0} bytes, and takes {SHORTEST_KEY} at least; `openssl rand -hex 32` makes one"
    )]
    Short(usize),
    #[error(
        "this is not the key that the audit chain of this database was begun with; check KOMMANDO_AUDIT_KEY, or the file \
         beside the database"
    )]
    Other,
    #[error("the database does not answer")]
    Database(#[from] DbErr),
    #[error(
        "with PostgreSQL, KOMMANDO_AUDIT_KEY or KOMMANDO_AUDIT_KEY_FILE must be set: the key of the audit chain, the same \
         for all who share the database; `openssl rand -hex 32` makes one"
    )]
    NotSet,
}

/// The key; where the chain was not begun and there is none yet, one is made.
///
/// # Errors
/// The settings are wrong, the file cannot be read or made, or the key of a chain that was begun is missing.
pub async fn load_or_make(database_url: &str, db: &impl ConnectionTrait) -> Result<AuditKey, AuditKeyError> {
    match load(database_url) {
        Err(AuditKeyError::Missing(file)) if !audit::is_begun(db).await? => {
            make(&file).map_err(|error| AuditKeyError::File(file, error))?;
            load(database_url)
        }
        loaded => loaded,
    }
}

/// The key, which must be there.
///
/// # Errors
/// The settings are wrong, or there is no key.
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

/// Checks the key against the chain of a database. A new chain takes a long one; a chain that was begun with a short one goes
/// on with it, since it can have no other.
///
/// # Errors
/// It is too short for a new chain, the chain was begun with another one, or the database does not answer.
pub async fn check(db: &impl ConnectionTrait, key: &AuditKey) -> Result<KeyStanding, AuditKeyError> {
    match audit::standing(db, key).await? {
        KeyStanding::Other => Err(AuditKeyError::Other),
        KeyStanding::First if key.is_short() => Err(AuditKeyError::Short(key.length())),
        standing => Ok(standing),
    }
}

/// The file that the key stands in; none when it comes from the settings.
///
/// # Errors
/// The settings are wrong.
pub fn place(database_url: &str) -> Result<Option<PathBuf>, AuditKeyError> {
    if config::audit_key()?.is_some() { Ok(None) } else { file_of(database_url) }
}

/// The file beside the database, where that is a file, too.
fn file_of(database_url: &str) -> Result<Option<PathBuf>, AuditKeyError> {
    let beside = |file: PathBuf| {
        let mut file = file.into_os_string();
        file.push(".audit-key");
        PathBuf::from(file)
    };
    Ok(store::file(database_url)?.map(beside))
}

/// Readable by its owner alone. When two start together, the one that comes second takes the first one's key.
fn make(file: &Path) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let key = hex::encode(random);
    // Written aside and put in place whole: nobody reads half a key.
    let aside = file.with_extension(format!("audit-key.{}", std::process::id()));
    let mut made = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    writeln!(made, "{key}")?;
    made.sync_all()?;
    let placed = fs::hard_link(&aside, file);
    fs::remove_file(&aside)?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
