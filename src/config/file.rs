//! The settings file: TOML, with the settings by name. `KOMMANDO_TICKET_HOURS` is `ticket_hours` there.
//!
//! Its values become the defaults of the command line, so that variables and flags override them.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::{Arg, Args, Command};
use toml::de::{DeTable, DeValue};

use super::{Config, error::ExposedFile, secrets};
use crate::nearest;

/// The longest file that is read, in bytes.
const MAX_LENGTH: u64 = 1024 * 1024;
/// The setting that names the file; it is not in the file.
const OWN_NAME: &str = "config";
/// The file mode bit that lets all users write.
const WRITABLE_BY_ALL: u32 = 0o002;

/// A settings file, with all of its values checked.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    /// The values by the id of the setting, as on the command line.
    values: BTreeMap<String, String>,
}

/// Why the settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFileError {
    #[error("the settings file {} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("the settings file {} is longer than {MAX_LENGTH} bytes", .0.display())]
    TooLong(PathBuf),
    #[error("all users can change the settings file {file}: `chmod o-w {file}`", file = .0.display())]
    WritableByAll(PathBuf),
    #[error(transparent)]
    Exposed(#[from] ExposedFile),
    /// All errors, one line each.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
}

impl SettingsFile {
    /// Reads a settings file.
    ///
    /// # Errors
    /// The file cannot be read or is not TOML, a setting is unknown or has an invalid value, all users can change the
    /// file, or others can read the password of the database in it.
    pub fn read(path: &Path) -> Result<Self, SettingsFileError> {
        let unreadable = |error| SettingsFileError::Unreadable(path.to_owned(), error);
        let file = fs::File::open(path).map_err(unreadable)?;
        let mode = secrets::check_mode(path, &file).map_err(unreadable)?;
        if mode.as_ref().is_err_and(|exposed| exposed.mode & WRITABLE_BY_ALL != 0) {
            return Err(SettingsFileError::WritableByAll(path.to_owned()));
        }
        let mut text = String::new();
        file.take(MAX_LENGTH + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_LENGTH {
            return Err(SettingsFileError::TooLong(path.to_owned()));
        }
        let values = parse(&text).map_err(|errors| {
            let place = |(line, error)| format!("{}:{line}: {error}", path.display());
            SettingsFileError::Invalid(errors.into_iter().map(place).collect())
        })?;
        let has_password = values.values().any(|value| crate::store::redact_password(value) != *value);
        if has_password {
            mode?;
        }
        Ok(Self { path: path.to_owned(), values })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file has a value for this setting.
    pub fn has(&self, setting: &Arg) -> bool {
        self.values.contains_key(setting.get_id().as_str())
    }

    /// The setting with the value of this file as its default.
    pub fn set_default(&self, setting: Arg) -> Arg {
        match self.values.get(setting.get_id().as_str()) {
            Some(value) => setting.default_value(value.clone()),
            None => setting,
        }
    }
}

/// The values by the id of the setting.
///
/// # Errors
/// All errors with their lines.
fn parse(text: &str) -> Result<BTreeMap<String, String>, Vec<(usize, String)>> {
    let line_of = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        vec![(line, error.message().to_owned())]
    })?;
    let settings: Vec<Arg> = Config::augment_args(Command::new(OWN_NAME)).get_arguments().cloned().collect();
    let settings: BTreeMap<_, _> = settings.iter().map(|setting| (setting.get_id().as_str(), setting)).collect();
    let (mut values, mut errors) = (BTreeMap::new(), Vec::new());
    for (name, value) in table.get_ref() {
        let line = line_of(name.span().start);
        let name = name.get_ref().as_ref();
        let read = match settings.get(name) {
            _ if name == OWN_NAME => Err("the file cannot name another settings file".to_owned()),
            Some(setting) => read_value(setting, value.get_ref()).map_err(|error| format!("{name}: {error}")),
            None => {
                let known = settings.keys().copied().filter(|known| *known != OWN_NAME);
                Err(format!("there is no setting {name}{}", nearest::suggestion(name, known)))
            }
        };
        match read {
            Ok(Some(value)) => drop(values.insert(name.to_owned(), value)),
            Ok(None) => {}
            Err(error) => errors.push((line, error)),
        }
    }
    errors.sort();
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// The value as on the command line; `None` for an empty list.
///
/// # Errors
/// The value has another type than the setting, or the setting does not accept it.
fn read_value(setting: &Arg, value: &DeValue<'_>) -> Result<Option<String>, String> {
    let is_list = setting.get_value_delimiter().is_some();
    let text = match value {
        DeValue::Boolean(value) if !setting.get_action().takes_values() => return Ok(Some(value.to_string())),
        _ if !setting.get_action().takes_values() => return Err("it takes true or false".to_owned()),
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', ""),
        DeValue::Array(items) if is_list && items.is_empty() => match setting.get_default_values() {
            [] => return Ok(None),
            _ => return Err("the list is empty".to_owned()),
        },
        DeValue::Array(items) if is_list => {
            let items = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) if !text.contains(',') => Ok(text.as_ref()),
                _ => Err("each value of the list is a text without a comma"),
            });
            items.collect::<Result<Vec<_>, _>>()?.join(",")
        }
        other => {
            let expected = if is_list { "a text or a list of texts" } else { "a text or a whole number" };
            return Err(format!("it takes {expected}, not a TOML {}", other.type_str()));
        }
    };
    check(setting, &text)?;
    Ok(Some(text))
}

/// Checks a value as the command line does.
fn check(setting: &Arg, text: &str) -> Result<(), String> {
    let flag = format!("--{}={text}", setting.get_long().unwrap_or_default());
    let command = Command::new(OWN_NAME).no_binary_name(true).arg(setting.clone());
    let parsed = command.try_get_matches_from([flag]);
    parsed.map(drop).map_err(|error| {
        let text = error.to_string();
        let lines = text.lines().take_while(|line| !line.starts_with("For more information"));
        let lines: Vec<_> = lines.map(|line| line.trim().trim_start_matches("error: ")).collect();
        lines.join(" ").trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let errors = parse(text).expect_err("an error");
        errors.into_iter().map(|(line, error)| format!("{line}: {error}")).collect()
    }

    #[test]
    fn values_are_those_of_the_command_line() {
        let text = "listen = \"127.0.0.1:80\"\nticket_hours = 1_000\nmigrate = true\nhosts = [\"a\", \"b:1\"]\n\
                    trusted_proxies = \"10.0.0.0/8\"\n";
        let values = parse(text).expect("values");
        let expected = [
            ("hosts", "a,b:1"),
            ("listen", "127.0.0.1:80"),
            ("migrate", "true"),
            ("ticket_hours", "1000"),
            ("trusted_proxies", "10.0.0.0/8"),
        ];
        assert!(parse("hosts = []\n").expect("values").is_empty());
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn every_error_is_reported_with_its_line() {
        let found = errors("\nlistn = \"x\"\nticket_hours = 0\nmigrate = \"yes\"\ntenant = 1.5\nconfig = \"x\"\n");
        let expected = [
            "2: there is no setting listn; did you mean `listen`?",
            "3: ticket_hours: invalid value '0' for '--ticket-hours <HOURS>': 0 is not in 1..=87600",
            "4: migrate: it takes true or false",
            "5: tenant: it takes a text or a whole number, not a TOML float",
            "6: the file cannot name another settings file",
        ];
        assert_eq!(found, expected);
        assert_eq!(errors("oidc_algorithms = []\n"), ["1: oidc_algorithms: the list is empty"]);
        assert!(errors("listen = ").iter().all(|error| error.starts_with("1: ")));
        assert!(errors("[server]\nlisten = \"x\"\n")[0].contains("there is no setting server"));
        assert!(errors("admin_password = \"x\"\n")[0].contains("did you mean `admin_password_file`?"));
    }
}
