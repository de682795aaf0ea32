//! All settings, in one struct. Flags override `KOMMANDO_*` variables; variables override the settings file; the file
//! overrides defaults.

mod error;
mod file;
mod secrets;
mod values;
mod variables;

use std::{net::SocketAddr, path::PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use ipnet::IpNet;
use secrecy::ExposeSecret;

pub use self::{
    error::{ConfigError, ExposedFile},
    file::{SettingsFile, SettingsFileError},
    secrets::{SECRETS, read_key},
    values::{DatabaseUrl, LogFormat, Metrics, ProxyHeader},
    variables::{check_variables, unknown_variables},
};
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

/// The folder of definitions if none is configured.
pub const DEFAULT_COMMANDS: &str = "commands.d";

/// The variable with the URL of the database.
pub const DATABASE_URL: &str = "KOMMANDO_DATABASE_URL";

/// The settings of a process.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Settings")]
pub struct Config {
    /// Settings file (TOML), in which KOMMANDO_TICKET_HOURS is ticket_hours; flags and variables override it [default:
    /// none]
    #[arg(long, env = "KOMMANDO_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "KOMMANDO_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT",
        value_parser = values::address,
        global = true
    )]
    pub listen: SocketAddr,

    /// File with the certificate chain of the server (PEM), for TLS without a proxy; read again when it changes [default:
    /// none]
    #[arg(long, env = "KOMMANDO_TLS_CERT", value_name = "FILE", global = true)]
    pub tls_cert: Option<PathBuf>,

    /// File with the key of the certificate (PEM); others must not be able to read it [default: none]
    #[arg(long, env = "KOMMANDO_TLS_KEY", value_name = "FILE", global = true)]
    pub tls_key: Option<PathBuf>,

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

    /// File with the URL of the database, instead of KOMMANDO_DATABASE_URL; others must not be able to read it
    /// [default: none]
    #[arg(long, env = "KOMMANDO_DATABASE_URL_FILE", value_name = "FILE", global = true)]
    pub database_url_file: Option<PathBuf>,

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
        value_parser = values::connections(),
        global = true
    )]
    pub max_connections: usize,

    /// Maximum number of open connections from one IPv4 address or IPv6 /64 network; trusted proxies are exempt
    /// [default: a quarter of --max-connections, at least 16]
    #[arg(
        long,
        env = "KOMMANDO_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        value_parser = values::connections(),
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
        value_parser = values::network,
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

    /// File with the password of the first administrator, instead of KOMMANDO_ADMIN_PASSWORD; others must not be able to
    /// read it [default: none]
    #[arg(long, env = "KOMMANDO_ADMIN_PASSWORD_FILE", value_name = "FILE", global = true)]
    pub admin_password_file: Option<PathBuf>,

    /// File with the key of the audit chain, instead of KOMMANDO_AUDIT_KEY; others must not be able to read it
    /// [default: none]
    #[arg(long, env = "KOMMANDO_AUDIT_KEY_FILE", value_name = "FILE", global = true)]
    pub audit_key_file: Option<PathBuf>,
}

/// The files for TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, in PEM.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

impl TlsFiles {
    pub const CERTIFICATE: &'static str = "KOMMANDO_TLS_CERT";
    pub const KEY: &'static str = "KOMMANDO_TLS_KEY";
}

impl Config {
    /// The files for TLS, if the server has a certificate of its own.
    ///
    /// # Errors
    /// Only one of the settings is set.
    pub fn tls_files(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (self.tls_cert.clone(), self.tls_key.clone()) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (Some(_), None) => Err(ConfigError::TlsIncomplete { set: TlsFiles::CERTIFICATE, missing: TlsFiles::KEY }),
            (None, Some(_)) => Err(ConfigError::TlsIncomplete { set: TlsFiles::KEY, missing: TlsFiles::CERTIFICATE }),
        }
    }

    /// Maximum number of connections from one address: by default a part of all, so that other addresses can connect.
    pub fn connections_per_address(&self) -> usize {
        self.max_connections_per_address.unwrap_or_else(|| (self.max_connections / 4).max(16))
    }

    /// Takes the URL of the database from its file, if the settings name one.
    ///
    /// # Errors
    /// The file cannot be read or is empty, or others can read it.
    pub fn with_database_url_of_file(mut self) -> Result<Self, ConfigError> {
        let Some(file) = self.database_url_file.clone() else { return Ok(self) };
        let url = read_key(&file).map_err(|cause| ConfigError::Unreadable { name: DATABASE_URL, file, cause })??;
        self.database_url = match url.expose_secret() {
            "" => return Err(ConfigError::Empty(DATABASE_URL)),
            url => url.into(),
        };
        Ok(self)
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
