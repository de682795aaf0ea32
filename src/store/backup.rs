//! Creates and restores backups of an SQLite database.
//!
//! A backup is an SQLite database with one more line at its end, the manifest: the versions of the program and the
//! schema, the SHA-256 of the database, and a MAC over these with the audit key.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread::sleep,
};

use migrations::{Migrator, MigratorTrait};
use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    backup::{Backup, StepResult},
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    FileLock, FileLockError, UrlError,
    files::{folder_of, give_to_owner},
    schema_difference::{self, APPLIED, OBJECTS, SchemaObject},
    sqlite::{BUSY_TIMEOUT, RETRY},
    url,
};

/// Pages to copy between two progress reports.
const PAGES_PER_STEP: std::ffi::c_int = 1000;
const READ_BUFFER_BYTES: usize = 256 * 1024;
const MAX_MANIFEST_BYTES: u64 = 512;
const MANIFEST_PREFIX: &str = "\nkommando backup 1; ";

/// The manifest at the end of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupManifest {
    /// The version of the program that made the backup.
    pub program: String,
    /// The newest applied migration.
    pub schema: String,
    /// SHA-256 of the database, in hexadecimal.
    pub sha256: String,
    /// MAC over the other fields with the audit key, in hexadecimal. Backups of older versions have none.
    pub mac: Option<String>,
}

/// Why a backup or a restore failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("{} already exists; --force replaces it", .0.display())]
    Exists(PathBuf),
    #[error("{} is not a kommando backup, or its end is missing", .0.display())]
    NoBackup(PathBuf),
    #[error("{} is damaged ({}); use another backup", .0.display(), .1)]
    Damaged(PathBuf, String),
    #[error("{} was made by kommando {} with the schema {}; use that version or a newer one", .0.display(), .1.program, .1.schema)]
    Newer(PathBuf, BackupManifest),
    #[error(
        "{} has no MAC, so it cannot be verified with the audit key; older versions made backups without a MAC. \
         --unverified restores it anyway", .0.display()
    )]
    Unsigned(PathBuf),
    #[error(
        "the MAC of {} is wrong: the file was changed, or made with another audit key. Use the audit key with which it \
         was made; --unverified restores it anyway", .0.display()
    )]
    Forged(PathBuf),
    #[error("the schema of {} is not kommando's, so it is not restored: {}", .0.display(), .1)]
    Schema(PathBuf, String),
    #[error("failed to compare the schema of {}", .0.display())]
    NotCompared(PathBuf, #[source] sea_orm::DbErr),
    #[error("a server or another program has {} open; stop it first", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    Lock(FileLockError),
    #[error("{} has no kommando schema, so there is nothing to back up", .0.display())]
    NoSchema(PathBuf),
    #[error("the folder {} does not exist", .0.display())]
    NoFolder(PathBuf),
    #[error("failed to read or write {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("failed to copy the database")]
    Database(#[from] rusqlite::Error),
}

/// Copies a consistent snapshot of the database into a new file; other processes may use the database meanwhile.
/// `progress` gets the copied and the total bytes. `mac_of` makes the MAC of the manifest, if there is an audit key.
///
/// # Errors
/// The file exists already, there is no database, or reading or writing failed. No partial file remains.
pub fn back_up(
    url: &str,
    to: &Path,
    force: bool,
    mac_of: impl FnOnce(&BackupManifest) -> Option<String>,
    progress: impl FnMut(u64, u64),
) -> Result<BackupManifest, BackupError> {
    let from = url::sqlite_file(url)?;
    refuse_existing(to, force)?;
    let mut temp_file = temp_file_next_to(to)?;
    copy(&from, temp_file.path(), progress)?;
    let found = check(temp_file.path()).map_err(|problem| BackupError::Damaged(from.clone(), problem))?;
    let schema = found.applied.into_iter().next_back().ok_or(BackupError::NoSchema(from))?;
    let file_error = |error| BackupError::File(to.to_owned(), error);
    let size = temp_file.as_file().metadata().map_err(file_error)?.len();
    let sha256 = digest(File::open(temp_file.path()).map_err(file_error)?, size, |_| Ok(())).map_err(file_error)?;
    let mut manifest = BackupManifest { program: env!("CARGO_PKG_VERSION").to_owned(), schema, sha256, mac: None };
    manifest.mac = mac_of(&manifest);
    // SQLite wrote through its own handle, so this one is still at the start.
    temp_file.as_file_mut().seek(SeekFrom::End(0)).map_err(file_error)?;
    temp_file.as_file_mut().write_all(manifest.to_line().as_bytes()).map_err(file_error)?;
    persist(temp_file, to, force)?;
    Ok(manifest)
}

/// Replaces the database with a backup. `progress` gets the copied and the total bytes. `mac_of` computes the expected
/// MAC; without it, the MAC is not verified.
///
/// # Errors
/// The file is not a backup, is damaged, has a wrong MAC or an unexpected or newer schema; or a database exists already
/// or is in use. The database stays unchanged.
pub async fn restore(
    url: &str,
    from: &Path,
    force: bool,
    mac_of: Option<&dyn Fn(&BackupManifest) -> String>,
    mut progress: impl FnMut(u64, u64),
) -> Result<BackupManifest, BackupError> {
    let to = url::sqlite_file(url)?;
    let file_error = |error| BackupError::File(from.to_owned(), error);
    let file = File::open(from).map_err(file_error)?;
    let (manifest, size) = BackupManifest::find(&file, from)?;
    if let Some(mac_of) = mac_of {
        match &manifest.mac {
            None => return Err(BackupError::Unsigned(from.to_owned())),
            Some(mac) if *mac == mac_of(&manifest) => {}
            Some(_) => return Err(BackupError::Forged(from.to_owned())),
        }
    }
    refuse_existing(&to, force)?;
    let _lock = lock(&to).await?;
    let mut temp_file = temp_file_next_to(&to)?;
    let mut done = 0;
    let sha256 = digest(file, size, |chunk| {
        done += chunk.len() as u64;
        progress(done, size);
        temp_file.write_all(chunk)
    });
    let damaged = |problem| BackupError::Damaged(from.to_owned(), problem);
    if sha256.map_err(file_error)? != manifest.sha256 {
        return Err(damaged("its content does not match its manifest".to_owned()));
    }
    let found = check(temp_file.path()).map_err(damaged)?;
    let (known, applied) = (Migrator::migrations(), found.applied.iter().map(String::as_str));
    let is_known = known.iter().map(|migration| migration.name()).take(found.applied.len()).eq(applied);
    if !is_known || found.applied.last() != Some(&manifest.schema) {
        return Err(damaged("its migrations do not match the schema in its manifest".to_owned()));
    }
    let expected = schema_difference::expected(&found.applied);
    let expected = expected.await.map_err(|error| BackupError::NotCompared(from.to_owned(), error))?;
    let differences = schema_difference::differences(expected, found.objects);
    if !differences.is_empty() {
        let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
        return Err(BackupError::Schema(from.to_owned(), differences.join("; ")));
    }
    remove_wal_files(&to)?;
    give_to_owner(temp_file.as_file(), &to);
    persist(temp_file, &to, force)?;
    Ok(manifest)
}

/// Locks a database that is about to be replaced.
async fn lock(database: &Path) -> Result<Option<FileLock>, BackupError> {
    if !folder_of(database).exists() {
        return Err(BackupError::NoFolder(folder_of(database).to_owned()));
    }
    match FileLock::of_file(database).await {
        Ok(lock) => Ok(Some(lock)),
        Err(FileLockError::Taken(database)) => Err(BackupError::InUse(database)),
        Err(error) => Err(BackupError::Lock(error)),
    }
}

impl BackupManifest {
    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// The file cannot be read, is not a backup, or has a newer schema than this program.
    pub fn of(backup: &Path) -> Result<Self, BackupError> {
        let file = File::open(backup).map_err(|error| BackupError::File(backup.to_owned(), error))?;
        Self::find(&file, backup).map(|(manifest, _)| manifest)
    }

    /// The fields that the MAC covers.
    pub fn signed(&self) -> [&str; 3] {
        [&self.program, &self.schema, &self.sha256]
    }

    fn find(file: &File, path: &Path) -> Result<(Self, u64), BackupError> {
        let found = Self::read(file).map_err(|error| BackupError::File(path.to_owned(), error))?;
        let (manifest, size) = found.ok_or_else(|| BackupError::NoBackup(path.to_owned()))?;
        match Migrator::migrations().iter().any(|migration| migration.name() == manifest.schema) {
            true => Ok((manifest, size)),
            false => Err(BackupError::Newer(path.to_owned(), manifest)),
        }
    }

    fn to_line(&self) -> String {
        let mac = self.mac.as_ref().map(|mac| format!("; mac {mac}")).unwrap_or_default();
        format!("{MANIFEST_PREFIX}program {}; schema {}; sha256 {}{mac}\n", self.program, self.schema, self.sha256)
    }

    /// The manifest at the end of a file, and the size of the database before it in bytes.
    fn read(mut file: &File) -> io::Result<Option<(Self, u64)>> {
        let size = file.metadata()?.len();
        let tail = size.saturating_sub(MAX_MANIFEST_BYTES);
        file.seek(SeekFrom::Start(tail))?;
        let mut bytes = Vec::new();
        file.take(MAX_MANIFEST_BYTES).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(0))?;
        let begin = bytes.windows(MANIFEST_PREFIX.len()).rposition(|window| window == MANIFEST_PREFIX.as_bytes());
        let manifest = begin.and_then(|begin| {
            let text = std::str::from_utf8(&bytes[begin + MANIFEST_PREFIX.len()..]).ok()?.strip_suffix('\n')?;
            let mut parts = text.split("; ");
            let mut part = |name| parts.next().map(|part| part.strip_prefix(name).map(str::to_owned));
            let (program, schema, sha256) = (part("program ")??, part("schema ")??, part("sha256 ")??);
            let mac = match part("mac ") {
                None => None,
                Some(mac) => Some(mac?),
            };
            Some((Self { program, schema, sha256, mac }, tail + begin as u64))
        });
        Ok(manifest)
    }
}

fn refuse_existing(file: &Path, force: bool) -> Result<(), BackupError> {
    if file.exists() && !force { Err(BackupError::Exists(file.to_owned())) } else { Ok(()) }
}

/// Creates a temporary file in the same folder, readable only by its owner. It is deleted unless it is persisted.
fn temp_file_next_to(file: &Path) -> Result<NamedTempFile, BackupError> {
    let created = tempfile::Builder::new().prefix(".kommando-").suffix(".partial").tempfile_in(folder_of(file));
    created.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::NoFolder(folder_of(file).to_owned()),
        _ => BackupError::File(file.to_owned(), error),
    })
}

/// Moves a complete file to its final path and syncs file and folder, so that it survives a power loss.
fn persist(temp_file: NamedTempFile, to: &Path, force: bool) -> Result<(), BackupError> {
    let file_error = |error| BackupError::File(to.to_owned(), error);
    temp_file.as_file().sync_all().map_err(file_error)?;
    let placed = if force { temp_file.persist(to) } else { temp_file.persist_noclobber(to) };
    placed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => file_error(error.error),
    })?;
    File::open(folder_of(to)).and_then(|folder| folder.sync_all()).map_err(file_error)
}

/// SQLite's online backup in one read transaction: it copies a snapshot, even if other connections write meanwhile.
fn copy(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<(), BackupError> {
    let from = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    from.busy_timeout(BUSY_TIMEOUT)?;
    from.execute_batch("BEGIN")?;
    let page_size: u64 = from.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    from.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mut to = Connection::open(to)?;
    {
        let copying = Backup::new(&from, &mut to)?;
        loop {
            match copying.step(PAGES_PER_STEP)? {
                StepResult::Done => break,
                StepResult::More => {
                    let status = copying.progress();
                    let bytes = |pages: std::ffi::c_int| u64::from(pages.unsigned_abs()) * page_size;
                    progress(bytes(status.pagecount - status.remaining), bytes(status.pagecount));
                }
                _ => sleep(RETRY),
            }
        }
    }
    // A single file without a write-ahead log.
    to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(to.close().map_err(|(_, error)| error)?)
}

/// The migrations and schema objects of a database.
struct Content {
    /// The applied migrations, oldest first.
    applied: Vec<String>,
    objects: Vec<SchemaObject>,
}

/// Runs SQLite's integrity and foreign key checks on a copy.
fn check(file: &Path) -> Result<Content, String> {
    let inspect = || -> rusqlite::Result<(String, i64, Content)> {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let integrity = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        let orphans = db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
        let has_schema: bool =
            db.query_row("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'seaql_migrations'", [], |row| {
                row.get(0)
            })?;
        let applied = || db.prepare(APPLIED)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>();
        let applied = if has_schema { applied()? } else { Vec::new() };
        let object = |row: &rusqlite::Row<'_>| {
            Ok(SchemaObject { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
        };
        let objects = db.prepare(OBJECTS)?.query_map([], object)?.collect::<rusqlite::Result<_>>()?;
        Ok((integrity, orphans, Content { applied, objects }))
    };
    match inspect().map_err(|error| error.to_string())? {
        (integrity, 0, content) if integrity == "ok" => Ok(content),
        (integrity, 0, _) => Err(integrity),
        (_, orphans, _) => Err(format!("{orphans} rows refer to missing rows")),
    }
}

/// Hashes the first `size` bytes of a file and passes each chunk to `chunk`.
fn digest(file: File, size: u64, mut chunk: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut rest = file.take(size);
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => {
                hash.update(&buffer[..read]);
                chunk(&buffer[..read])?;
            }
        }
    }
}

/// Checks that no process has the database open, and removes its log files: SQLite would apply them to the restored
/// database.
fn remove_wal_files(database: &Path) -> Result<(), BackupError> {
    if database.exists() {
        let leave_log = || -> rusqlite::Result<()> {
            let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            db.busy_timeout(RETRY)?;
            // Fails while another connection is open.
            db.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        };
        if let Err(error) = leave_log()
            && matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
        {
            return Err(BackupError::InUse(database.to_owned()));
        }
    }
    for end in ["-wal", "-shm", "-journal"] {
        let mut log = database.as_os_str().to_owned();
        log.push(end);
        match fs::remove_file(&log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BackupError::File(log.into(), error)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_found_only_at_the_end() {
        let (program, schema, sha256) = ("1.2.3".into(), "m0001_users".into(), "ab".repeat(32));
        let manifest = BackupManifest { program, schema, sha256, mac: Some("cd".repeat(32)) };
        let folder = tempfile::tempdir().expect("a folder");
        let read = |bytes: &[u8]| {
            let path = folder.path().join("file");
            fs::write(&path, bytes).expect("a file");
            BackupManifest::read(&File::open(path).expect("a file")).expect("an answer")
        };
        let whole = [&[7; 4096][..], manifest.to_line().as_bytes()].concat();
        assert_eq!(read(&whole), Some((manifest.clone(), 4096)));
        assert_eq!(read(&whole[..whole.len() - 1]), None, "cut off");
        assert_eq!(read(&[whole.as_slice(), &[0; 600]].concat()), None, "not at the end");
        assert_eq!(read(b""), None);
        let unsigned = BackupManifest { mac: None, ..manifest };
        assert_eq!(read(unsigned.to_line().as_bytes()), Some((unsigned.clone(), 0)), "of an older version");
        assert_eq!(read(unsigned.to_line().replace('\n', "").as_bytes()), None);
        assert_eq!(read(format!("{}; key x\n", unsigned.to_line().trim_end()).as_bytes()), None, "an unknown part");
    }
}
