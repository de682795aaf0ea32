//! A copy of an SQLite database in one file that tells what it is, and putting one back.
//!
//! A backup is a database that any SQLite opens, with a line behind it: the program and the schema it was made with, the
//! SHA-256 of everything before the line, and a MAC over these with the audit key, which tells who made it.

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
    schema_difference::{self, APPLIED, OBJECTS, SchemaObject},
    sqlite::{BUSY_TIMEOUT, RETRY},
    url,
};

/// How many pages are copied between two looks at the progress.
const STRIDE: std::ffi::c_int = 1000;
/// How much is read at once.
const CHUNK: usize = 256 * 1024;
/// A tag is shorter.
const LONGEST_TAG: u64 = 512;
const TAG: &str = "\nkommando backup 1; ";

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The version of the program that made it.
    pub program: String,
    /// The newest migration of its schema.
    pub schema: String,
    /// SHA-256 of the database, in hexadecimal.
    pub sha256: String,
    /// MAC over all of this with the audit key, in hexadecimal; a backup of an older version has none.
    pub mac: Option<String>,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("there is a file {} already; --force puts another in its place", .0.display())]
    Exists(PathBuf),
    #[error("{} is no backup that kommando made, or its end is missing", .0.display())]
    NoBackup(PathBuf),
    #[error("{} is damaged ({}); take another backup", .0.display(), .1)]
    Damaged(PathBuf, String),
    #[error("{} was made by kommando {} with the schema {}; take that version or a newer one", .0.display(), .1.program, .1.schema)]
    Newer(PathBuf, Tag),
    #[error(
        "{} has no MAC, so nothing proves that kommando made it with this audit key; older versions made backups \
         without a MAC. --unverified restores it all the same", .0.display()
    )]
    Unsigned(PathBuf),
    #[error(
        "the MAC of {} does not hold: it was changed, or made with another audit key. Take the key that was in force when \
         it was made; --unverified restores it all the same", .0.display()
    )]
    Forged(PathBuf),
    #[error("{} holds what kommando did not make there, and is not restored: {}", .0.display(), .1)]
    Schema(PathBuf, String),
    #[error("the schema of {} cannot be compared", .0.display())]
    NotCompared(PathBuf, #[source] sea_orm::DbErr),
    #[error("a server or another program has {} open; stop it first", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    Lock(FileLockError),
    #[error("{} has no schema of kommando's, so there is nothing to back up", .0.display())]
    NoSchema(PathBuf),
    #[error("there is no folder {}", .0.display())]
    NoFolder(PathBuf),
    #[error("{} cannot be read or written", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("the database cannot be copied")]
    Database(#[from] rusqlite::Error),
}

/// Copies the database into a file of its own, as it is at one moment, while others read and write it. `progress` is told
/// how many bytes are copied, and of how many; `mac_of` makes the MAC of its tag, where there is a key.
///
/// # Errors
/// The file is there already, there is no database, or one of them cannot be read or written; then nothing is left.
pub fn back_up(
    url: &str,
    to: &Path,
    force: bool,
    mac_of: impl FnOnce(&Tag) -> Option<String>,
    progress: impl FnMut(u64, u64),
) -> Result<Tag, BackupError> {
    let from = url::sqlite_file(url)?;
    refuse_existing(to, force)?;
    let mut aside = beside(to)?;
    copy(&from, aside.path(), progress)?;
    let found = check(aside.path()).map_err(|problem| BackupError::Damaged(from.clone(), problem))?;
    let schema = found.applied.into_iter().next_back().ok_or(BackupError::NoSchema(from))?;
    let within = |error| BackupError::File(to.to_owned(), error);
    let size = aside.as_file().metadata().map_err(within)?.len();
    let sha256 = digest(File::open(aside.path()).map_err(within)?, size, |_| Ok(())).map_err(within)?;
    let mut tag = Tag { program: env!("CARGO_PKG_VERSION").to_owned(), schema, sha256, mac: None };
    tag.mac = mac_of(&tag);
    // The first handle on the file: SQLite wrote through one of its own.
    aside.as_file_mut().seek(SeekFrom::End(0)).map_err(within)?;
    aside.as_file_mut().write_all(tag.written().as_bytes()).map_err(within)?;
    put(aside, to, force)?;
    Ok(tag)
}

/// Puts a backup in the place of the database. `progress` is told how many bytes are copied, and of how many. `mac_of` makes
/// the MAC that its tag must have; without it, the backup is believed.
///
/// # Errors
/// It is none, is damaged, has another MAC, holds what the migrations did not make, or its schema is newer than this
/// program; there is a database already, or it is in use. Then the database is as it was.
pub async fn restore(
    url: &str,
    from: &Path,
    force: bool,
    mac_of: Option<&dyn Fn(&Tag) -> String>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Tag, BackupError> {
    let to = url::sqlite_file(url)?;
    let within = |error| BackupError::File(from.to_owned(), error);
    let file = File::open(from).map_err(within)?;
    let (tag, size) = Tag::find(&file, from)?;
    if let Some(mac_of) = mac_of {
        match &tag.mac {
            None => return Err(BackupError::Unsigned(from.to_owned())),
            Some(mac) if *mac == mac_of(&tag) => {}
            Some(_) => return Err(BackupError::Forged(from.to_owned())),
        }
    }
    refuse_existing(&to, force)?;
    let _lock = lock(&to).await?;
    let mut aside = beside(&to)?;
    let mut done = 0;
    let sha256 = digest(file, size, |chunk| {
        done += chunk.len() as u64;
        progress(done, size);
        aside.write_all(chunk)
    });
    let damaged = |problem| BackupError::Damaged(from.to_owned(), problem);
    if sha256.map_err(within)? != tag.sha256 {
        return Err(damaged("its content is not what its tag says".to_owned()));
    }
    let found = check(aside.path()).map_err(damaged)?;
    let (known, applied) = (Migrator::migrations(), found.applied.iter().map(String::as_str));
    let is_known = known.iter().map(|migration| migration.name()).take(found.applied.len()).eq(applied);
    if !is_known || found.applied.last() != Some(&tag.schema) {
        return Err(damaged("its migrations are not those of the schema that its tag says".to_owned()));
    }
    let expected = schema_difference::expected(&found.applied);
    let expected = expected.await.map_err(|error| BackupError::NotCompared(from.to_owned(), error))?;
    let differences = schema_difference::differences(expected, found.objects);
    if !differences.is_empty() {
        let told: Vec<_> = differences.iter().map(ToString::to_string).collect();
        return Err(BackupError::Schema(from.to_owned(), told.join("; ")));
    }
    vacate(&to)?;
    put(aside, &to, force)?;
    Ok(tag)
}

/// The lock on a database that is about to be replaced; a folder that is missing is told when the file is made.
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

impl Tag {
    /// Reads the tag of a backup.
    ///
    /// # Errors
    /// The file cannot be read, is no backup, or its schema is newer than this program.
    pub fn of(backup: &Path) -> Result<Self, BackupError> {
        let file = File::open(backup).map_err(|error| BackupError::File(backup.to_owned(), error))?;
        Self::find(&file, backup).map(|(tag, _)| tag)
    }

    /// What its MAC is made of.
    pub fn signed(&self) -> [&str; 3] {
        [&self.program, &self.schema, &self.sha256]
    }

    fn find(file: &File, path: &Path) -> Result<(Self, u64), BackupError> {
        let found = Self::read(file).map_err(|error| BackupError::File(path.to_owned(), error))?;
        let (tag, size) = found.ok_or_else(|| BackupError::NoBackup(path.to_owned()))?;
        match Migrator::migrations().iter().any(|migration| migration.name() == tag.schema) {
            true => Ok((tag, size)),
            false => Err(BackupError::Newer(path.to_owned(), tag)),
        }
    }

    fn written(&self) -> String {
        let mac = self.mac.as_ref().map(|mac| format!("; mac {mac}")).unwrap_or_default();
        format!("{TAG}program {}; schema {}; sha256 {}{mac}\n", self.program, self.schema, self.sha256)
    }

    /// The tag at the end of a file, and how long the database before it is.
    fn read(mut file: &File) -> io::Result<Option<(Self, u64)>> {
        let size = file.metadata()?.len();
        let tail = size.saturating_sub(LONGEST_TAG);
        file.seek(SeekFrom::Start(tail))?;
        let mut bytes = Vec::new();
        file.take(LONGEST_TAG).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(0))?;
        let begin = bytes.windows(TAG.len()).rposition(|window| window == TAG.as_bytes());
        let tag = begin.and_then(|begin| {
            let text = std::str::from_utf8(&bytes[begin + TAG.len()..]).ok()?.strip_suffix('\n')?;
            let mut parts = text.split("; ");
            let mut part = |name| parts.next().map(|part| part.strip_prefix(name).map(str::to_owned));
            let (program, schema, sha256) = (part("program ")??, part("schema ")??, part("sha256 ")??);
            let mac = match part("mac ") {
                None => None,
                Some(mac) => Some(mac?),
            };
            Some((Self { program, schema, sha256, mac }, tail + begin as u64))
        });
        Ok(tag)
    }
}

fn refuse_existing(file: &Path, force: bool) -> Result<(), BackupError> {
    if file.exists() && !force { Err(BackupError::Exists(file.to_owned())) } else { Ok(()) }
}

/// A new file in the same folder, for its owner alone, which is gone unless it is put in place.
fn beside(file: &Path) -> Result<NamedTempFile, BackupError> {
    let made = tempfile::Builder::new().prefix(".kommando-").suffix(".partial").tempfile_in(folder_of(file));
    made.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::NoFolder(folder_of(file).to_owned()),
        _ => BackupError::File(file.to_owned(), error),
    })
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts a whole file in its place, so that it is there after a power cut, too.
fn put(aside: NamedTempFile, to: &Path, force: bool) -> Result<(), BackupError> {
    let within = |error| BackupError::File(to.to_owned(), error);
    aside.as_file().sync_all().map_err(within)?;
    let placed = if force { aside.persist(to) } else { aside.persist_noclobber(to) };
    placed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => within(error.error),
    })?;
    File::open(folder_of(to)).and_then(|folder| folder.sync_all()).map_err(within)
}

/// SQLite's own online backup, within one reading transaction: it sees the database as it was at its beginning, however
/// much is written meanwhile.
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
            match copying.step(STRIDE)? {
                StepResult::Done => break,
                StepResult::More => {
                    let told = copying.progress();
                    let bytes = |pages: std::ffi::c_int| u64::from(pages.unsigned_abs()) * page_size;
                    progress(bytes(told.pagecount - told.remaining), bytes(told.pagecount));
                }
                _ => sleep(RETRY),
            }
        }
    }
    // One file, without a log beside it.
    to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(to.close().map_err(|(_, error)| error)?)
}

/// What a database holds.
struct Content {
    /// Its migrations, oldest first.
    applied: Vec<String>,
    objects: Vec<SchemaObject>,
}

/// Holds a copy against SQLite's own checks.
fn check(file: &Path) -> Result<Content, String> {
    let look = || -> rusqlite::Result<(String, i64, Content)> {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let told = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        let strays = db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
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
        Ok((told, strays, Content { applied, objects }))
    };
    match look().map_err(|error| error.to_string())? {
        (told, 0, content) if told == "ok" => Ok(content),
        (told, 0, _) => Err(told),
        (_, strays, _) => Err(format!("{strays} rows refer to what is not there")),
    }
}

/// Hashes the first `size` bytes of a file, and gives each chunk on.
fn digest(file: File, size: u64, mut chunk: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut rest = file.take(size);
    let mut buffer = vec![0; CHUNK];
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

/// Sees to it that nobody has the database open, and that nothing of its log is left that another one would take for its
/// own.
fn vacate(database: &Path) -> Result<(), BackupError> {
    if database.exists() {
        let leave_log = || -> rusqlite::Result<()> {
            let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            db.busy_timeout(RETRY)?;
            // Only who is alone can do this.
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
    fn a_tag_is_found_at_the_end_and_nowhere_else() {
        let (program, schema, sha256) = ("1.2.3".into(), "m0001_users".into(), "ab".repeat(32));
        let tag = Tag { program, schema, sha256, mac: Some("cd".repeat(32)) };
        let folder = tempfile::tempdir().expect("a folder");
        let read = |bytes: &[u8]| {
            let path = folder.path().join("file");
            fs::write(&path, bytes).expect("a file");
            Tag::read(&File::open(path).expect("a file")).expect("an answer")
        };
        let whole = [&[7; 4096][..], tag.written().as_bytes()].concat();
        assert_eq!(read(&whole), Some((tag.clone(), 4096)));
        assert_eq!(read(&whole[..whole.len() - 1]), None, "cut off");
        assert_eq!(read(&[whole.as_slice(), &[0; 600]].concat()), None, "not at the end");
        assert_eq!(read(b""), None);
        let unsigned = Tag { mac: None, ..tag };
        assert_eq!(read(unsigned.written().as_bytes()), Some((unsigned.clone(), 0)), "of an older version");
        assert_eq!(read(unsigned.written().replace('\n', "").as_bytes()), None);
        assert_eq!(read(format!("{}; key x\n", unsigned.written().trim_end()).as_bytes()), None, "an unknown part");
    }
}
