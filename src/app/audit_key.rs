//! Loads the key of the audit chain: from the settings, or from a file next to the database that the first start
//! creates.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rand::Rng;
use sea_orm::{ConnectionTrait, DbErr};

use crate::{
    config::{self, Config, ConfigError, ExposedFile},
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
    #[error("failed to read or create the key of the audit chain at {}{}", .0.display(), remedy(.1))]
    File(PathBuf, #[source] io::Error),
    #[error(
        "the key of the audit chain is missing at {}; restore it from its backup, or set KOMMANDO_AUDIT_KEY. If it is \
         lost, see `kommando help recovery`", .0.display()
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
    #[error("a new key of the audit chain must not begin or end with white space")]
    Space,
    #[error(
        "the key in {0} is not the key of the audit chain in this database; put the right key there. If it is lost, see \
         `kommando help recovery`"
    )]
    Other(KeyPlace),
    #[error("the database does not answer")]
    Database(#[from] DbErr),
    #[error(
        "with PostgreSQL, set KOMMANDO_AUDIT_KEY or KOMMANDO_AUDIT_KEY_FILE to the key of the audit chain, the same \
         for all servers of the database; `openssl rand -hex 32` makes one"
    )]
    NotSet,
}

/// Where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// `KOMMANDO_AUDIT_KEY`.
    Variable,
    /// The file of `KOMMANDO_AUDIT_KEY_FILE`.
    NamedFile(PathBuf),
    /// The file beside the SQLite database.
    DefaultFile(PathBuf),
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => f.write_str("KOMMANDO_AUDIT_KEY"),
            Self::NamedFile(file) => write!(f, "KOMMANDO_AUDIT_KEY_FILE ({})", file.display()),
            Self::DefaultFile(file) => write!(f, "{}", file.display()),
        }
    }
}

/// Loads the key. If there is none and the chain is new, creates one.
///
/// # Errors
/// The settings are wrong, the file cannot be read or created, or the key of an existing chain is missing.
pub async fn load_or_make(config: &Config, db: &impl ConnectionTrait) -> Result<AuditKey, AuditKeyError> {
    match load(config) {
        Err(AuditKeyError::Missing(file)) if !audit::is_begun(db).await? => {
            make(&file).map_err(|error| AuditKeyError::File(file, error))?;
            load(config)
        }
        loaded => loaded,
    }
}

/// Loads the key with which to begin a chain anew, or makes it where there is none.
///
/// # Errors
/// The settings are wrong, the file cannot be read or created, or the key is too short.
pub fn load_or_make_anew(config: &Config) -> Result<AuditKey, AuditKeyError> {
    let loaded = match load(config) {
        Err(AuditKeyError::Missing(file)) => {
            make(&file).map_err(|error| AuditKeyError::File(file, error))?;
            load(config)
        }
        loaded => loaded,
    };
    match loaded? {
        key if key.is_short() => Err(AuditKeyError::Short(key.length())),
        key => Ok(key),
    }
}

/// Loads an existing key.
///
/// # Errors
/// The settings are wrong, or the key is missing.
pub fn load(config: &Config) -> Result<AuditKey, AuditKeyError> {
    if let Some(key) = config.audit_key()? {
        return Ok(AuditKey::new(key));
    }
    let Some(file) = file_of(&config.database_url)? else { return Err(AuditKeyError::NotSet) };
    match config::read_key(&file) {
        Ok(key) => match AuditKey::new(key?) {
            key if key.length() == 0 => Err(AuditKeyError::Empty(file)),
            key => Ok(key),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(AuditKeyError::Missing(file)),
        Err(error) => Err(AuditKeyError::File(file, error)),
    }
}

/// Checks the key against the chain of a database. A new chain needs a long key; an existing chain may have a short one.
///
/// # Errors
/// The key is too short for a new chain, or is not the key of the chain.
pub async fn check(db: &impl ConnectionTrait, key: &AuditKey, config: &Config) -> Result<KeyCheck, AuditKeyError> {
    match audit::check_key(db, key).await? {
        KeyCheck::Other => Err(AuditKeyError::Other(place(config)?)),
        KeyCheck::First if key.is_short() => Err(AuditKeyError::Short(key.length())),
        check => Ok(check),
    }
}

/// Where the key is expected.
///
/// # Errors
/// The settings are wrong, or name no place for the key of a PostgreSQL database.
pub fn place(config: &Config) -> Result<KeyPlace, AuditKeyError> {
    match &config.audit_key_file {
        Some(file) => Ok(KeyPlace::NamedFile(file.clone())),
        None if config.audit_key()?.is_some() => Ok(KeyPlace::Variable),
        None => file_of(&config.database_url)?.map(KeyPlace::DefaultFile).ok_or(AuditKeyError::NotSet),
    }
}

/// What to do about a key file that cannot be used; empty where the error itself says it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; the server's user must own it (`chown`), and be able to write to its folder"
        }
        _ => "",
    }
}

/// Reads a key from a file.
///
/// # Errors
/// The file cannot be read, or others can read it.
pub fn read(file: &Path) -> Result<AuditKey, AuditKeyError> {
    let key = config::read_key(file).map_err(|error| AuditKeyError::File(file.to_owned(), error))?;
    Ok(AuditKey::new(key?))
}

/// Reads a new key from a file.
///
/// # Errors
/// As [`read`], or the key is too short or in white space.
pub fn read_new(file: &Path) -> Result<AuditKey, AuditKeyError> {
    let text = fs::read_to_string(file).map_err(|error| AuditKeyError::File(file.to_owned(), error))?;
    if text.trim_end_matches(['\r', '\n']) != text.trim() {
        return Err(AuditKeyError::Space);
    }
    match read(file)? {
        key if key.is_short() => Err(AuditKeyError::Short(key.length())),
        key => Ok(key),
    }
}

/// Replaces the key file beside an SQLite database. The former key stays beside it, under a name with the position of the
/// first entry with the new key. After a crash, either the former or the new key is in place.
///
/// # Errors
/// The files cannot be read or written.
pub fn replace_file(file: &Path, new: &Path, first: i64) -> io::Result<PathBuf> {
    let with_suffix = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let (former, temporary) = (with_suffix(&format!(".before-{first}")), with_suffix(".new"));
    match fs::hard_link(file, &former) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    write_file(&temporary, fs::read_to_string(new)?.trim_end(), file)?;
    fs::rename(&temporary, file)?;
    fs::File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(former)
}

/// The key file next to an SQLite database; `None` for PostgreSQL.
fn file_of(database_url: &str) -> Result<Option<PathBuf>, AuditKeyError> {
    let with_suffix = |file: PathBuf| {
        let mut file = file.into_os_string();
        file.push(".audit-key");
        PathBuf::from(file)
    };
    let file = store::sqlite_path(database_url)?.map(with_suffix);
    // Absolute, because messages name it.
    Ok(file.map(|file| std::path::absolute(&file).unwrap_or(file)))
}

/// Creates a key file that only its owner can read. If another process has just created it, keeps that file.
fn make(file: &Path) -> io::Result<()> {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let key = hex::encode(random);
    // Written to a temporary file and linked, so that no process reads a partial key.
    let temporary = file.with_extension(format!("audit-key.{}", std::process::id()));
    let database = file.with_extension("");
    write_file(&temporary, &key, &database)?;
    let linked = fs::hard_link(&temporary, file);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes a key into a file that only its owner can read. A file that root writes is given to the owner of `like`.
fn write_file(file: &Path, key: &str, like: &Path) -> io::Result<()> {
    // What an interrupted run left.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` follows no symbolic link.
    let mut created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    store::give_to_owner(&created, like);
    writeln!(created, "{key}")?;
    created.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbolic_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for (name, text) in [("key", "the former key"), ("new", "the new key"), ("other", "another file")] {
            fs::write(path(name), text).expect("a file");
        }
        std::os::unix::fs::symlink(path("other"), path("key.new")).expect("a link");
        let former = replace_file(&path("key"), &path("new"), 7).expect("a replacement");
        let read = |file: &Path| fs::read_to_string(file).expect("a text");
        assert_eq!(read(&path("key")), "the new key\n");
        assert_eq!(read(&former), "the former key");
        assert_eq!(read(&path("other")), "another file");
    }
}
