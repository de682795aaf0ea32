//! Secret settings: from a variable, or from a file that a setting names.

use std::{
    env, fs,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    Config,
    error::{ConfigError, ExposedFile},
};

/// The file mode bits that let the group write, or let others read, write or execute.
const FORBIDDEN: u32 = 0o027;

const ADMIN_PASSWORD: &str = "KOMMANDO_ADMIN_PASSWORD";
const AUDIT_KEY: &str = "KOMMANDO_AUDIT_KEY";

/// The secret settings: variable and meaning. They have no flags, because other users can see a process's arguments,
/// and are not in the settings file.
pub const SECRETS: [(&str, &str); 2] = [
    (ADMIN_PASSWORD, "Password of the first administrator, used when the database is empty"),
    (
        AUDIT_KEY,
        "Key of the audit chain, at least 32 bytes; required with PostgreSQL [default: a file beside the SQLite database, \
         created at the first start]",
    ),
];

impl Config {
    /// The first administrator's password, from its variable or its file.
    ///
    /// # Errors
    /// Both are set, the file cannot be read, others can read or change it, or the password is empty.
    pub fn admin_password(&self) -> Result<Option<SecretString>, ConfigError> {
        let of_file = |file: &Path| {
            let unreadable = |cause| ConfigError::Unreadable { name: ADMIN_PASSWORD, file: file.to_owned(), cause };
            let text = read_secret(file).map_err(unreadable)??;
            Ok(SecretString::from(text.expose_secret().trim_end_matches(['\r', '\n'])))
        };
        secret(ADMIN_PASSWORD, self.admin_password_file.as_deref(), of_file)
    }

    /// The key of the audit chain, from its variable or its file.
    ///
    /// # Errors
    /// As [`Self::admin_password`].
    pub fn audit_key(&self) -> Result<Option<SecretString>, ConfigError> {
        let of_file = |file: &Path| {
            let unreadable = |cause| ConfigError::Unreadable { name: AUDIT_KEY, file: file.to_owned(), cause };
            Ok(read_key(file).map_err(unreadable)??)
        };
        secret(AUDIT_KEY, self.audit_key_file.as_deref(), of_file)
    }
}

fn secret(
    name: &'static str,
    file: Option<&Path>,
    of_file: impl Fn(&Path) -> Result<SecretString, ConfigError>,
) -> Result<Option<SecretString>, ConfigError> {
    let value = match (env::var_os(name), file) {
        (Some(_), Some(_)) => return Err(ConfigError::Twice(name)),
        (Some(value), None) => value.into_string().map_err(|_| ConfigError::NotUtf8(name))?.into(),
        (None, Some(file)) => of_file(file)?,
        (None, None) => return Ok(None),
    };
    if value.expose_secret().is_empty() { Err(ConfigError::Empty(name)) } else { Ok(Some(value)) }
}

/// Reads a file with a key, without white space at its end.
///
/// # Errors
/// The file cannot be read. The inner error: other users can read or change the file.
pub fn read_key(path: &Path) -> io::Result<Result<SecretString, ExposedFile>> {
    let text = read_secret(path)?;
    Ok(text.map(|text| text.expose_secret().trim_end().into()))
}

/// Reads a file with a secret. Only its owner may change it, and only its owner and group may read it.
///
/// # Errors
/// The file cannot be read. The inner error: other users can read or change the file.
fn read_secret(path: &Path) -> io::Result<Result<SecretString, ExposedFile>> {
    let mut file = fs::File::open(path)?;
    if let Err(exposed) = check_mode(path, &file)? {
        return Ok(Err(exposed));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Ok(text.into()))
}

/// Checks that other users can neither read nor change a file.
pub(super) fn check_mode(path: &Path, file: &fs::File) -> io::Result<Result<(), ExposedFile>> {
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    let is_exposed = mode & FORBIDDEN != 0;
    Ok(if is_exposed { Err(ExposedFile { path: path.to_owned(), mode }) } else { Ok(()) })
}
