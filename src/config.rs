//! All settings, in one struct. Flags override `KOMMANDO_*` variables; variables override defaults.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    env,
    ffi::OsString,
    fmt, fs,
    io::{self, Read},
    net::{IpAddr, SocketAddr},
    ops::Deref,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use chrono::{DateTime, Utc};
use clap::{Args, Command, ValueEnum, builder::RangedU64ValueParser};
use ipnet::IpNet;
use secrecy::SecretString;

use crate::{
    auth::{Algorithm, GuessLimits, HostName, Installation, JwksUrl, Origin, ProviderSettings, Tenant},
    executions::{
        audit::VerificationInterval,
        retention::{ChangeRetention, Retention},
    },
    localization::Zone,
    store,
    users::{
        ProviderNames,
        password::{Argon2Cost, PasswordPolicy},
    },
};

/// The prefix of all our environment variables.
const PREFIX: &str = "KOMMANDO_";
/// The file mode bits that let the group write, or let others read, write or execute.
const OF_OTHERS: u32 = 0o027;
/// The suffix of the variable that names a file with the secret, such as `KOMMANDO_AUDIT_KEY_FILE`.
const FILE_SUFFIX: &str = "_FILE";

/// The secret settings: variable and meaning. They have no flags, because other users can see a process's arguments.
pub const SECRETS: [(&str, &str); 2] = [
    ("KOMMANDO_ADMIN_PASSWORD", "Password of the first administrator, used when the database is empty"),
    (
        "KOMMANDO_AUDIT_KEY",
        "Key of the audit chain, at least 32 bytes; required with PostgreSQL [default: a file beside the SQLite database, \
         created at the first start]",
    ),
];

/// Parses a number of connections.
fn connections() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1_000_000)
}

/// Parses a network or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or(address).map_err(|_| format!("`{text}` is neither a network, such as 10.0.0.0/8, nor an address"))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "it takes an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// The settings of a process.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Settings")]
pub struct Config {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "KOMMANDO_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT",
        value_parser = address,
        global = true
    )]
    pub listen: SocketAddr,

    /// Database: sqlite://FILE (?mode=rwc creates the file when it is missing) or postgres://USER:PASSWORD@HOST/NAME
    #[arg(
        long,
        env = "KOMMANDO_DATABASE_URL",
        default_value = "sqlite://kommando.db?mode=rwc",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub database_url: DatabaseUrl,

    /// PostgreSQL connections for requests (4 more serve background work)
    #[arg(
        long,
        env = "KOMMANDO_DATABASE_CONNECTIONS",
        default_value = "16",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(2..=1000),
        global = true
    )]
    pub database_connections: u32,

    /// Time that a request waits for PostgreSQL before it is answered with 503
    #[arg(
        long,
        env = "KOMMANDO_DATABASE_QUERY_TIMEOUT",
        default_value = "900ms",
        value_name = "LENGTH",
        global = true
    )]
    pub database_query_timeout: store::QueryTimeout,

    /// Apply pending migrations to PostgreSQL at the start instead of refusing to start; SQLite is always migrated
    #[arg(long, env = "KOMMANDO_MIGRATE", global = true)]
    pub migrate: bool,

    /// Kind of installation: onsite, or online, which refuses Basic and takes tickets only with SO-AppToken
    #[arg(long, env = "KOMMANDO_INSTALLATION", default_value = "onsite", value_name = "KIND", global = true)]
    pub installation: Installation,

    /// Failed logins allowed per minute: per account and address, per address, per account over unfamiliar addresses
    #[arg(long, env = "KOMMANDO_GUESS_LIMITS", default_value = "10,100,30", value_name = "LIMITS", global = true)]
    pub guess_limits: GuessLimits,

    /// Maximum lifetime of a ticket in hours, however often it is used
    #[arg(
        long,
        env = "KOMMANDO_TICKET_HOURS",
        default_value = "168",
        value_name = "HOURS",
        value_parser = clap::value_parser!(u32).range(1..=87_600),
        global = true
    )]
    pub ticket_hours: u32,

    /// Issuer (iss) of the identity provider; its JWTs are accepted as Bearer [default: none]
    #[arg(long, env = "KOMMANDO_OIDC_ISSUER", value_name = "ISSUER", global = true)]
    pub oidc_issuer: Option<String>,

    /// Accepted audiences (aud), separated by commas; a JWT must name one of them [default: none]
    #[arg(long, env = "KOMMANDO_OIDC_AUDIENCE", value_delimiter = ',', value_name = "AUDIENCES", global = true)]
    pub oidc_audience: Vec<String>,

    /// URL of the identity provider's keys (JWKS): https, or http on this machine [default: none]
    #[arg(long, env = "KOMMANDO_OIDC_JWKS_URL", value_name = "URL", global = true)]
    pub oidc_jwks_url: Option<JwksUrl>,

    /// Claim of a JWT that contains the Name or UserName of a user; email counts only with email_verified
    #[arg(
        long,
        env = "KOMMANDO_OIDC_CLAIM",
        default_value = "preferred_username",
        value_name = "CLAIM",
        global = true
    )]
    pub oidc_claim: String,

    /// Accepted signature algorithms of JWTs, separated by commas
    #[arg(
        long,
        env = "KOMMANDO_OIDC_ALGORITHMS",
        value_delimiter = ',',
        default_value = "RS256,ES256",
        value_name = "ALGORITHMS",
        global = true
    )]
    pub oidc_algorithms: Vec<Algorithm>,

    /// Folder of command definitions; subfolders are not searched [default: commands.d, or with --demo the embedded
    /// examples]
    #[arg(long, env = "KOMMANDO_COMMANDS", value_name = "FOLDER", global = true)]
    pub commands: Option<PathBuf>,

    /// File of webhook targets, with their URLs and signing secrets; reloaded with the definitions [default: none]
    #[arg(long, env = "KOMMANDO_TARGETS", value_name = "FILE", global = true)]
    pub targets: Option<PathBuf>,

    /// Log filter: a level (off, error, warn, info, debug, trace), or levels by module (kommando=debug,warn)
    #[arg(
        long,
        env = "KOMMANDO_LOG",
        default_value = "info,poem=warn,sqlx=warn,sea_orm_migration=warn",
        value_name = "FILTER",
        global = true
    )]
    pub log: String,

    /// Log format [default: text on a terminal, json otherwise]
    #[arg(long, env = "KOMMANDO_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,

    /// Where Prometheus reads /metrics: off, path (beside the API, without authentication), or an address and port
    #[arg(long, env = "KOMMANDO_METRICS", default_value = "off", value_name = "off|path|ADDRESS:PORT", global = true)]
    pub metrics: Metrics,

    /// Cost of argon2id for each password: memory in KiB, passes, lanes
    #[arg(long, env = "KOMMANDO_PASSWORD_COST", default_value = "m=19456,t=2,p=1", value_name = "COST", global = true)]
    pub password_cost: Argon2Cost,

    /// Minimum length of new passwords, 8 to 128 characters; stored passwords stay valid
    #[arg(
        long,
        env = "KOMMANDO_PASSWORD_MIN_LENGTH",
        default_value = "12",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(8..=128),
        global = true
    )]
    pub password_min_length: u16,

    /// Time that executions and changes are kept, with their audit entries, such as 365d, at least 2d [default: for
    /// ever]
    #[arg(long, env = "KOMMANDO_RETENTION", value_name = "LENGTH", global = true)]
    pub retention: Option<Retention>,

    /// Time that changes are kept, where it differs from executions: a length, or forever [default: as
    /// KOMMANDO_RETENTION]
    #[arg(long, env = "KOMMANDO_RETENTION_CHANGES", value_name = "LENGTH", global = true)]
    pub retention_changes: Option<ChangeRetention>,

    /// Interval in which the server verifies the audit chain, such as 24h [default: never]
    #[arg(long, env = "KOMMANDO_AUDIT_VERIFY", value_name = "LENGTH", global = true)]
    pub audit_verify: Option<VerificationInterval>,

    /// Webhook target that gets the head of the audit chain each hour, signed [default: none]
    #[arg(long, env = "KOMMANDO_AUDIT_HEAD_TARGET", value_name = "TARGET", global = true)]
    pub audit_head_target: Option<String>,

    /// Maximum number of open connections; at the limit, the connection that has been waiting for its client longest is
    /// closed; if none is waiting, the new one gets 503
    #[arg(
        long,
        env = "KOMMANDO_MAX_CONNECTIONS",
        default_value_t = 4096,
        value_name = "COUNT",
        value_parser = connections(),
        global = true
    )]
    pub max_connections: usize,

    /// Maximum number of open connections from one IPv4 address or IPv6 /64 network; trusted proxies are exempt
    /// [default: a quarter of --max-connections, at least 16]
    #[arg(
        long,
        env = "KOMMANDO_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        value_parser = connections(),
        global = true
    )]
    pub max_connections_per_address: Option<usize>,

    /// Networks of trusted proxies, such as 10.0.0.0/8,::1/128; their headers give the client's address and scheme
    /// [default: none]
    #[arg(
        long,
        env = "KOMMANDO_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORKS",
        value_parser = network,
        global = true
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// Header that trusted proxies set: x-forwarded-for (with X-Forwarded-Proto), or forwarded (RFC 7239); the other
    /// one is ignored [default: x-forwarded-for]
    #[arg(long, env = "KOMMANDO_PROXY_HEADER", value_name = "HEADER", global = true)]
    pub proxy_header: Option<ProxyHeader>,

    /// Accepted hosts of requests, such as kommando.example.com or 192.0.2.7:8443, separated by commas; a server on
    /// loopback also accepts the loopback hosts, and /health/… accepts any [default: loopback hosts when listening on
    /// loopback, else any]
    #[arg(long, env = "KOMMANDO_HOSTS", value_delimiter = ',', value_name = "HOST[:PORT]", global = true)]
    pub hosts: Vec<HostName>,

    /// Origins of web pages that may call with CORS, such as `https://app.example.com`, separated by commas; they send
    /// Authorization, never cookies [default: none]
    #[arg(long, env = "KOMMANDO_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGINS", global = true)]
    pub cors_origins: Vec<Origin>,

    /// Customer's id with which the paths of the API may begin, as in an online installation: Cust12345 serves
    /// /Cust12345/api/v1/User as /api/v1/User [default: none]
    #[arg(long, env = "KOMMANDO_TENANT", value_name = "TENANT", global = true)]
    pub tenant: Option<Tenant>,

    /// Fixed time for the clock of serve --demo, for tests, such as 2026-01-01T00:00:00Z [default: the system's clock]
    #[arg(long, env = "KOMMANDO_CLOCK", value_name = "TIME", global = true)]
    pub clock: Option<DateTime<Utc>>,

    /// Time zone of dates for clients that name none: a code such as NO or US-NY, or a name such as Europe/Oslo
    #[arg(long, env = "KOMMANDO_TIME_ZONE", default_value = "UTC", value_name = "ZONE", global = true)]
    pub time_zone: Zone,
}

/// The URL of the database, which may contain a password.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl Deref for DatabaseUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Leaves out the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&store::redact_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The header in which trusted proxies send the client's address and scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProxyHeader {
    Forwarded,
    #[default]
    XForwardedFor,
}

impl ProxyHeader {
    /// The value of the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
        }
    }
}

/// Where `/metrics` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metrics {
    /// Nowhere, and nothing is counted.
    Off,
    /// On the listener of the API.
    Path,
    /// On a separate listener.
    At(SocketAddr),
}

impl FromStr for Metrics {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "path" => Ok(Self::Path),
            address => address
                .parse()
                .map(Self::At)
                .map_err(|_| format!("`{text}` is not off, path, or an address and port such as 127.0.0.1:9090")),
        }
    }
}

/// The folder of definitions if none is configured.
pub const DEFAULT_COMMANDS: &str = "commands.d";

/// An error in a setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no setting {name}{}", nearest.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    Unknown { name: String, nearest: Option<String> },
    #[error("{0} and {0}_FILE are both set; keep one")]
    Twice(&'static str),
    #[error("the file of {name}_FILE cannot be read: {cause}")]
    File { name: &'static str, cause: String },
    #[error("{0} is not valid UTF-8")]
    NoText(&'static str),
    #[error("{0} is empty; give it a value or do not set it")]
    Empty(&'static str),
    #[error(transparent)]
    Exposed(#[from] ExposedFile),
    #[error(
        "an identity provider needs KOMMANDO_OIDC_ISSUER, KOMMANDO_OIDC_AUDIENCE and KOMMANDO_OIDC_JWKS_URL; also set \
         {0}, or set none of them"
    )]
    ProviderIncomplete(&'static str),
}

/// A file with a key that other users can read or change.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the file {file} holds a key, and others can read or change it (mode {mode:04o}): `chmod 600 {file}`, or 640 for a group \
     that may read it; where a container mounts it as a secret, set the mode of the mount to 0400 or 0440 (Kubernetes: \
     defaultMode)", file = .path.display()
)]
pub struct ExposedFile {
    path: PathBuf,
    mode: u32,
}

/// Reads a file with a key. Only its owner may change it, and only its owner and group may read it.
///
/// # Errors
/// The file cannot be read. The inner error: other users can read or change the file.
pub fn read_key(path: &Path) -> io::Result<Result<SecretString, ExposedFile>> {
    let mut file = fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & OF_OTHERS != 0 {
        return Ok(Err(ExposedFile { path: path.to_owned(), mode }));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Ok(SecretString::from(text.trim_end())))
}

impl Config {
    /// The variables of all settings, including the secrets.
    pub fn variables() -> BTreeSet<String> {
        let settings = Self::augment_args(Command::new("kommando"));
        let variables = settings.get_arguments().filter_map(|argument| argument.get_env());
        let mut names: BTreeSet<_> = variables.map(|name| name.to_string_lossy().into_owned()).collect();
        names.extend(SECRETS.iter().map(|(name, _)| (*name).to_owned()));
        names
    }
}

impl Config {
    /// Maximum number of connections from one address: by default a part of all, so that other addresses can connect.
    pub fn connections_per_address(&self) -> usize {
        self.max_connections_per_address.unwrap_or_else(|| (self.max_connections / 4).max(16))
    }

    /// The rule for new passwords.
    pub fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy::new(self.password_min_length)
    }

    /// The identity provider, if there is one.
    ///
    /// # Errors
    /// Only some of its required settings are set.
    pub fn identity_provider(&self) -> Result<Option<ProviderSettings>, ConfigError> {
        let issuer = self.oidc_issuer.clone().filter(|issuer| !issuer.is_empty());
        let audiences: Vec<_> = self.oidc_audience.iter().filter(|audience| !audience.is_empty()).cloned().collect();
        let missing = ConfigError::ProviderIncomplete;
        match (issuer, audiences.is_empty(), self.oidc_jwks_url.clone()) {
            (None, true, None) => Ok(None),
            (Some(issuer), false, Some(keys)) => Ok(Some(ProviderSettings {
                issuer,
                audiences,
                keys,
                claim: self.oidc_claim.clone(),
                algorithms: self.oidc_algorithms.clone(),
            })),
            (None, ..) => Err(missing("KOMMANDO_OIDC_ISSUER")),
            (_, true, _) => Err(missing("KOMMANDO_OIDC_AUDIENCE")),
            (.., None) => Err(missing("KOMMANDO_OIDC_JWKS_URL")),
        }
    }

    /// Which users the identity provider can name.
    ///
    /// # Errors
    /// As [`Self::identity_provider`].
    pub fn provider_names(&self) -> Result<ProviderNames, ConfigError> {
        let claim = self.identity_provider()?.map(|provider| provider.claim);
        Ok(ProviderNames::of_claim(claim.as_deref()))
    }
}

/// Rejects unknown `KOMMANDO_*` variables. Otherwise a misspelt setting would silently keep its default.
///
/// # Errors
/// There is an unknown variable.
pub fn check_variables(environment: impl Iterator<Item = OsString>) -> Result<(), ConfigError> {
    unknown_variables(environment).into_iter().next().map_or(Ok(()), Err)
}

/// An error for each unknown `KOMMANDO_*` variable.
pub fn unknown_variables(environment: impl Iterator<Item = OsString>) -> Vec<ConfigError> {
    let mut known = Config::variables();
    known.extend(SECRETS.iter().map(|(name, _)| format!("{name}{FILE_SUFFIX}")));
    let ours = environment.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(PREFIX));
    let unknown = ours.filter(|name| !known.contains(name)).map(|name| {
        let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, &name)).cloned();
        ConfigError::Unknown { name, nearest }
    });
    unknown.collect()
}

/// The first administrator's password, from its variable or its file.
///
/// # Errors
/// Both are set, the file cannot be read, or the password is empty.
pub fn admin_password() -> Result<Option<SecretString>, ConfigError> {
    secret(SECRETS[0].0)
}

/// The key of the audit chain, from its variable or its file.
///
/// # Errors
/// As [`admin_password`], or other users can read or change the file.
pub fn audit_key() -> Result<Option<SecretString>, ConfigError> {
    let name = SECRETS[1].0;
    if let Some(file) = audit_key_file() {
        // `secret` reports a file that cannot be read.
        if let Ok(exposed) = read_key(&file) {
            exposed?;
        }
    }
    secret(name)
}

/// The file of `KOMMANDO_AUDIT_KEY_FILE`.
pub fn audit_key_file() -> Option<PathBuf> {
    env::var_os(format!("{}{FILE_SUFFIX}", SECRETS[1].0)).map(PathBuf::from)
}

fn secret(name: &'static str) -> Result<Option<SecretString>, ConfigError> {
    let value = match (env::var_os(name), env::var_os(format!("{name}{FILE_SUFFIX}"))) {
        (Some(_), Some(_)) => return Err(ConfigError::Twice(name)),
        (Some(value), None) => value.into_string().map_err(|_| ConfigError::NoText(name))?,
        (None, Some(file)) => {
            let unreadable = |cause: std::io::Error| ConfigError::File { name, cause: cause.to_string() };
            fs::read_to_string(file).map_err(unreadable)?.trim_end_matches(['\r', '\n']).to_owned()
        }
        (None, None) => return Ok(None),
    };
    if value.is_empty() { Err(ConfigError::Empty(name)) } else { Ok(Some(SecretString::from(value))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str]) -> Result<(), ConfigError> {
        check_variables(names.iter().map(OsString::from))
    }

    #[test]
    fn a_misspelt_variable_is_refused_with_the_nearest_name() {
        let error = check(&["PATH", "KOMMANDO_LISTN"]).expect_err("an error");
        assert_eq!(error.to_string(), "there is no setting KOMMANDO_LISTN; did you mean KOMMANDO_LISTEN?");
    }

    #[test]
    fn every_setting_and_every_secrets_file_is_known() {
        assert_eq!(check(&["KOMMANDO_LISTEN", "KOMMANDO_ADMIN_PASSWORD", "KOMMANDO_ADMIN_PASSWORD_FILE"]), Ok(()));
        assert!(check(&["KOMMANDO_LISTEN_FILE"]).is_err());
    }
}
