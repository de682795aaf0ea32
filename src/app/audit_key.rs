//! The key of the audit chain: from the settings, or from a file beside the database that is made at the first start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rand::Rng;
use secrecy::SecretString;

use crate::{
    config::{self, ConfigError},
    records::audit::AuditKey,
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
    #[error("there is no key of the audit chain at {}; set KOMMANDO_AUDIT_KEY", .0.display())]
    Missing(PathBuf),
    #[error(
        "with PostgreSQL, KOMMANDO_AUDIT_KEY or KOMMANDO_AUDIT_KEY_FILE must be set: the key of the audit chain, the same \
         for all who share the database; `openssl rand -hex 32` makes one"
    )]
    NotSet,
}

/// The key; where there is none yet, one is made.
///
/// # Errors
/// The settings are wrong, or the file cannot be read or made.
pub fn load_or_make(database_url: &str) -> Result<AuditKey, AuditKeyError> {
    match load(database_url) {
        Err(AuditKeyError::Missing(file)) => {
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
    match fs::read_to_string(&file) {
        Ok(key) => Ok(AuditKey::new(SecretString::from(key.trim_end()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(AuditKeyError::Missing(file)),
        Err(error) => Err(AuditKeyError::File(file, error)),
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
