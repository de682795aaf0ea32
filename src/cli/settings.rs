//! The settings on the command line: which of them the help of a subcommand shows, and where their values come from.
//! Every subcommand takes all of them; only `serve` lists them all.

use std::fmt;

use clap::{Arg, ArgMatches, Args, Command, parser::ValueSource};
use kommando::config::{self, Config, ConfigError, SECRETS, SettingsFile};

/// The subcommands and the settings that their help shows: those that change what the subcommand does.
const SHOWN: [(&str, &[&str]); 13] = [
    ("app", &["database_url"]),
    ("audit", &["database_url"]),
    ("backup", &["database_url"]),
    ("commands", &["commands", "database_url", "targets"]),
    ("executions", &["database_url"]),
    ("group", &["database_url"]),
    ("healthcheck", &["listen", "tls_cert"]),
    ("import", &["database_url"]),
    ("migrate", &["database_url"]),
    ("restore", &["database_url"]),
    ("role", &["database_url"]),
    ("ticket", &["database_url"]),
    ("user", &["database_url", "password_min_length"]),
];

/// The subcommand that shows all of them.
const SERVE: &str = "serve";
/// The setting with the URL of the database, which may have a password.
const DATABASE_URL: &str = "database_url";
const DATABASE_URL_FILE: &str = "database_url_file";
/// The setting that names the settings file; it is not in the file.
const CONFIG: &str = "config";

/// All settings, with the values of the settings file as their defaults.
fn settings(file: Option<&SettingsFile>) -> Vec<Arg> {
    let command = Config::augment_args(Command::new("settings"));
    let settings = command.get_arguments().cloned();
    settings.map(|setting| file.map_or(setting.clone(), |file| file.set_default(setting))).collect()
}

/// Takes the values of the settings file as defaults, and hides the settings from the help of subcommands that do not
/// need them. Their flags and variables stay.
pub fn prepare(command: Command, file: Option<&SettingsFile>) -> Command {
    let settings = settings(file);
    let shown = |ids: Option<&[&str]>| {
        let is_shown = |setting: &&Arg| ids.is_none_or(|ids| ids.contains(&setting.get_id().as_str()));
        settings.iter().filter(is_shown).cloned().collect::<Vec<_>>()
    };
    let setting = |argument: &Arg| settings.iter().find(|setting| setting.get_id() == argument.get_id());
    let command = command.mut_args(|argument| match setting(&argument) {
        Some(setting) => setting.clone().hide(true),
        None => argument,
    });
    // A visible setting is added to the subcommand itself; there it takes the place of the hidden global setting.
    let command = command.mut_subcommand(SERVE, |serve| serve.args(shown(None)).after_help(secrets()));
    SHOWN.into_iter().fold(command, |command, (name, ids)| {
        command.mut_subcommand(name, |subcommand| subcommand.args(shown(Some(ids))))
    })
}

fn secrets() -> String {
    let secrets = SECRETS.map(|(name, meaning)| format!("  {name}\n      {meaning}\n"));
    format!("Secrets, only as variables or in files:\n{}", secrets.concat())
}

/// The URL of the database and the file with it are two ways to set the same: a flag overrides a variable, and a variable
/// the settings file.
///
/// # Errors
/// Both are set in the same way.
pub fn choose_database_url(
    mut config: Config,
    matches: &ArgMatches,
    file: Option<&SettingsFile>,
) -> Result<Config, ConfigError> {
    let settings = settings(None);
    let rank = |id| {
        let setting = settings.iter().find(|setting| setting.get_id() == id);
        setting.map_or(Source::None, |setting| Source::of(setting, matches, file)).rank()
    };
    let (url, url_file) = (rank(DATABASE_URL), rank(DATABASE_URL_FILE));
    if url > url_file {
        config.database_url_file = None;
    } else if url == url_file {
        return Err(ConfigError::Twice(config::DATABASE_URL));
    }
    Ok(config)
}

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Flag(String),
    Variable(String),
    File(String),
    Default,
    /// The setting has no value.
    None,
}

impl Source {
    /// The higher one overrides the lower one.
    fn rank(&self) -> u8 {
        match self {
            Self::Flag(_) => 4,
            Self::Variable(_) => 3,
            Self::File(_) => 2,
            Self::Default => 1,
            Self::None => 0,
        }
    }

    fn of(setting: &Arg, matches: &ArgMatches, file: Option<&SettingsFile>) -> Self {
        let file = file.filter(|file| file.has(setting));
        match (matches.value_source(setting.get_id().as_str()), file) {
            (Some(ValueSource::CommandLine), _) => Self::Flag(format!("--{}", setting.get_long().unwrap_or_default())),
            (Some(ValueSource::EnvVariable), _) => {
                Self::Variable(setting.get_env().unwrap_or_default().to_string_lossy().into_owned())
            }
            (Some(_), Some(file)) => Self::File(file.path().display().to_string()),
            (Some(_), None) => Self::Default,
            (None, _) => Self::None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) | Self::File(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
            Self::None => f.write_str("not set"),
        }
    }
}

/// All settings as lines of a settings file, each with where its value comes from. What cannot be in the file is a comment:
/// settings without a value, and secrets, of which only the place is shown.
pub fn show(config: &Config, matches: &ArgMatches, file: Option<&SettingsFile>) -> Vec<String> {
    let settings = settings(None);
    let line = |setting: &Arg| {
        let (id, source) = (setting.get_id().as_str(), Source::of(setting, matches, file));
        let shown = match (id, &config.database_url_file) {
            (DATABASE_URL, Some(file)) => return format!("# {id}: in the file {}", file.display()),
            (DATABASE_URL_FILE, None) => None,
            (DATABASE_URL, None) => Some(config.database_url.to_string()),
            _ => value(setting, matches),
        };
        let Some(shown) = shown else { return format!("# {id}: not set") };
        let is_comment = id == CONFIG || (id == DATABASE_URL && *shown != *config.database_url);
        let comment = if is_comment { "# " } else { "" };
        format!("{:<60} # {source}", format!("{comment}{id} = {value}", value = quoted(setting, &shown)))
    };
    let secret = |(name, _): &(&str, &str)| {
        let setting = format!("{}_FILE", name);
        let file = settings.iter().find(|one| one.get_env().is_some_and(|variable| variable == setting.as_str()));
        let file = file.and_then(|setting| value(setting, matches));
        match (std::env::var_os(name), file) {
            (Some(_), _) => format!("# {name}: set"),
            (None, Some(file)) => format!("# {name}: in the file {file}"),
            (None, None) => format!("# {name}: not set"),
        }
    };
    settings.iter().map(line).chain(SECRETS.iter().map(secret)).collect()
}

/// The value as on the command line.
fn value(setting: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = setting.get_id().as_str();
    if !setting.get_action().takes_values() {
        return Some(matches.get_flag(id).to_string());
    }
    let values: Vec<_> = matches.get_raw(id)?.map(|value| value.to_string_lossy()).collect();
    Some(values.join(","))
}

/// The value in TOML. A JSON string is one of TOML, too.
fn quoted(setting: &Arg, value: &str) -> String {
    match setting.get_action().takes_values() {
        true => serde_json::Value::from(value).to_string(),
        false => value.to_owned(),
    }
}
