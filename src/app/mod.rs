//! Builds the application from the settings and serves it. Of the library, only this module may import all others.

pub mod audit_key;
mod audit_verification;
mod command_reloader;
pub mod config_check;
mod housekeeping;
mod metrics_endpoint;
pub mod otlp;
mod server;
mod serving;
mod start_error;
pub mod systemd;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::TimeDelta;
use poem::{Endpoint, Response};
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::Signal;

use self::{
    audit_verification::AuditVerification,
    housekeeping::Housekeeping,
    metrics_endpoint::{MetricsEndpoint, WithMetrics},
    server::{Limits, connection_limit::ConnectionLimiter, tls::Tls, trusted_proxies::TrustedProxies},
};
pub use self::{server::listen, serving::listen_for_metrics, start_error::StartError};
pub use crate::users::demo::Access as DemoAccess;
use crate::{
    api::{self, AppState, ConcurrencyLimiter, Cors},
    auth::{Authenticator, Hosts, LoginMetrics, LoginRateLimiter, Provider, Tenant, VerifiedPasswordCache},
    commands::{Catalog, CommandService, CommandServiceDependencies, DefinitionErrors},
    config::{Config, DEFAULT_COMMANDS, Metrics},
    executions::audit::{self, Actor, AuditLog, CurrentKey, KeyCheck, Source, VerificationStatus},
    localization::Zone,
    metrics::{
        MetricsRegistry,
        definitions::{EVICTED, REFUSED},
    },
    store::{self, FileLock, Lock, Store, Touched},
    users::{
        self, UserCache, UserService, bootstrap, credential,
        demo::{self, Demo},
        password::{PasswordHash, PasswordHasher, Requester},
        role,
    },
    webhooks::{self, Webhooks},
};

/// All parts of a server, ready to serve.
#[derive(Clone, Debug)]
pub struct App {
    pub store: Store,
    pub passwords: PasswordHasher,
    pub commands: CommandService,
    authenticator: Authenticator,
    user_service: UserService,
    demo: Option<Demo>,
    housekeeping: Housekeeping,
    /// `None` without a schedule.
    verification: Option<AuditVerification>,
    verification_status: VerificationStatus,
    time_zone: Zone,
    limits: Limits,
    metrics_endpoint: MetricsEndpoint,
    metrics: Metrics,
    hosts: Hosts,
    tenant: Option<Tenant>,
    cors: Cors,
}

/// What a server needs in addition to the settings.
struct Server {
    lock: Option<FileLock>,
    demo: bool,
}

impl App {
    /// Opens the database, migrates its schema, and puts the definitions in force. Another process may serve the same
    /// database.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn build(config: &Config, catalog: Catalog) -> Result<Self, StartError> {
        Self::build_with(config, catalog, None).await
    }

    /// As [`Self::build`], for a server, which locks an SQLite file.
    ///
    /// # Errors
    /// The database cannot be opened or migrated, another process serves the file, or a check refuses the database.
    pub async fn build_server(config: &Config, catalog: Catalog, demo: bool) -> Result<Self, StartError> {
        if let Some(warning) = store::warning_without_tls(&config.database_url) {
            tracing::warn!("{warning}");
        }
        let lock = FileLock::of_url(&config.database_url).await?;
        Self::build_with(config, catalog, Some(Server { lock, demo })).await
    }

    async fn build_with(config: &Config, catalog: Catalog, server: Option<Server>) -> Result<Self, StartError> {
        let is_server = server.is_some();
        let (demo, lock) = server.map(|Server { lock, demo }| (demo, lock)).unzip();
        let targets = config.targets.as_deref().map(webhooks::read).transpose()?;
        let metrics = if config.metrics == Metrics::Off { MetricsRegistry::default() } else { MetricsRegistry::new() };
        let webhooks = Webhooks::new(targets.unwrap_or_default())?.counted(&metrics);
        catalog.check_targets(&webhooks.names())?;
        let provider = config.identity_provider()?.map(Provider::new).transpose()?;
        let tls = config.tls_files()?.filter(|_| is_server);
        let limits = store::RequestLimits {
            connections: config.database_connections,
            query_timeout: config.database_query_timeout,
        };
        let store = Store::open_for_requests(&config.database_url, limits).await?.holding(lock.flatten());
        if let Some(demo) = demo {
            let findings = config_check::database(store.background().reader(), config, demo).await?;
            config_check::FatalFindings::among(findings).map_or(Ok(()), |fatal| Err(StartError::Check(fatal)))?;
        }
        store.ensure_schema(config.migrate).await?;
        let audit_key = prepare_database(&store, config).await?;
        let stored = credential::any_hash(store.reader()).await?;
        let passwords = PasswordHasher::new(&config.password_cost, config.password_policy(), stored.as_ref());
        store.follow_changes().await?;
        let users = UserCache::new(store.clone());
        let provider_names = config.provider_names()?;
        let audit_log = AuditLog::new(audit_key.clone());
        let user_service = UserService {
            store: store.clone(),
            passwords: passwords.clone(),
            provider: provider_names,
            audit_log: audit_log.clone(),
        };
        let commands = CommandService::new(CommandServiceDependencies {
            store: store.clone(),
            users: users.clone(),
            passwords: passwords.clone(),
            webhooks,
            provider: provider_names,
            audit_key: audit_key.clone(),
            catalog,
            metrics: &metrics,
        });
        let verified_passwords = VerifiedPasswordCache::default();
        let login_limiter =
            LoginRateLimiter::new(config.guess_limits, audit_key.last_known().derive("login rate limiter"));
        login_limiter.restore(&store).await?;
        let authenticator = Authenticator {
            store: store.clone(),
            users,
            passwords: passwords.clone(),
            verified_passwords: verified_passwords.clone(),
            installation: config.installation,
            login_limiter,
            max_ticket_lifetime: TimeDelta::hours(config.ticket_hours.into()),
            logins: LoginMetrics::new(&metrics),
            provider,
            audit_log: audit_log.clone(),
        };
        let verification_status = VerificationStatus::default();
        let verification = config.audit_verify.map(|interval| AuditVerification {
            store: store.background(),
            audit_key: audit_key.clone(),
            interval,
            status: verification_status.clone(),
            metrics: metrics.clone(),
        });
        let housekeeping = Housekeeping {
            store: store.background(),
            audit_key,
            retention: config.retention,
            retention_changes: config.retention_changes,
            head_target: config.audit_head_target.clone(),
            webhooks: commands.webhooks().clone(),
        };
        let evicted = metrics.counter(&EVICTED, &[]);
        let connections = ConnectionLimiter::new(config.max_connections, config.connections_per_address(), evicted);
        let limits = Limits {
            connections: connections.clone(),
            refused: metrics.counter(&REFUSED, &["connections"]),
            proxies: TrustedProxies::new(config.trusted_proxies.clone(), config.proxy_header.unwrap_or_default()),
            tls: tls.map(Tls::start).transpose()?,
        };
        let metrics_endpoint = MetricsEndpoint {
            metrics,
            store: store.clone(),
            passwords: passwords.clone(),
            verified_passwords,
            commands: commands.clone(),
            concurrency_limiter: ConcurrencyLimiter::default(),
            connections,
            hosts: hosts_of_metrics(config),
        };
        let (time_zone, metrics) = (config.time_zone.clone(), config.metrics);
        Ok(Self {
            store,
            passwords,
            commands,
            authenticator,
            user_service,
            demo: None,
            housekeeping,
            verification,
            verification_status,
            time_zone,
            limits,
            metrics_endpoint,
            metrics,
            hosts: Hosts::new(config.listen, config.hosts.clone()),
            tenant: config.tenant.clone(),
            cors: Cors::new(config.cors_origins.clone()),
        })
    }

    /// Fills an empty database with the demo users, which all have this password. Returns false if they already exist.
    ///
    /// # Errors
    /// The database has other users.
    pub async fn fill_demo(&self, password: &SecretString) -> Result<bool, StartError> {
        // Checked first, because hashing is slow.
        if has_demo(self.store.reader()).await? {
            return Ok(false);
        }
        let hash = self.hash_admin_password(password).await?;
        let audit_log = self.user_service.audit_log.clone();
        // Checked again under the lock, because another process may have filled it meanwhile.
        let fill = self.store.write_alone(Lock::Bootstrap, move |transaction| {
            Box::pin(async move {
                let is_filled = has_demo(transaction).await?;
                if !is_filled {
                    demo::fill(transaction, &hash).await?;
                    audit_log.record(transaction, &Actor::of(Source::system()), vec![demo::filled()]).await?;
                }
                Ok((!is_filled, Touched::Everything))
            })
        });
        fill.await
    }

    /// Issues the access that a demo of an online installation shows instead of a password.
    ///
    /// # Errors
    /// The database is not filled with the demo.
    pub async fn issue_demo_access(&self) -> Result<DemoAccess, StartError> {
        let audit_log = self.user_service.audit_log.clone();
        let issue = self.store.write(move |transaction| {
            Box::pin(async move {
                let (access, changes) = demo::issue_access(transaction).await?;
                audit_log.record(transaction, &Actor::of(Source::system()), changes).await?;
                Ok((access, Touched::Everything))
            })
        });
        issue.await
    }

    /// Whether this is the password of the first administrator. False if that user does not exist.
    ///
    /// # Errors
    /// The database failed, or the process is shutting down.
    pub async fn is_admin_password(&self, password: &SecretString) -> Result<bool, StartError> {
        let db = self.store.reader();
        let Some(admin) = users::find_by_login(db, bootstrap::ADMIN).await? else { return Ok(false) };
        let stored = credential::find_password(db, admin.user.id).await?;
        Ok(self.passwords.verify(password, stored.as_ref().map(|stored| &stored.secret), Requester::Server).await?)
    }

    /// Enables the operations of the demo: resetting the data and injecting faults.
    pub async fn enable_demo_mode(&mut self) -> Result<(), StartError> {
        self.demo = Demo::of(&self.store, self.user_service.audit_log.clone()).await?;
        Ok(())
    }

    /// Creates the first administrator in an empty database. Returns false if there are users.
    pub async fn register_administrator(&self, password: &SecretString) -> Result<bool, StartError> {
        let hash = self.hash_admin_password(password).await?;
        let audit_log = self.user_service.audit_log.clone();
        let register = self.store.write_alone(Lock::Bootstrap, move |transaction| {
            Box::pin(async move {
                let is_empty = users::count(transaction).await? == 0;
                if is_empty {
                    let saved = bootstrap::register_administrator(transaction, hash).await?;
                    audit_log.record(transaction, &Actor::of(Source::system()), saved.changes).await?;
                }
                Ok((is_empty, Touched::Everything))
            })
        });
        register.await
    }

    /// Checks and hashes the first administrator's password.
    async fn hash_admin_password(&self, password: &SecretString) -> Result<PasswordHash, StartError> {
        let password = self.passwords.policy().accept(password.expose_secret())?;
        Ok(self.passwords.hash(&password, Requester::Server).await?)
    }

    /// Saves the state of the login rate limiter, so that it survives a restart.
    pub async fn save_login_limits(&self) -> Result<(), StartError> {
        Ok(self.authenticator.login_limiter.save(&self.store).await?)
    }

    /// Whether there are no users yet.
    pub async fn has_no_users(&self) -> Result<bool, StartError> {
        Ok(users::count(self.store.reader()).await? == 0)
    }

    /// Warns about roles and groups that definitions name and that do not exist.
    pub async fn check_names(&self) -> Result<(), StartError> {
        for error in config_check::names(self.store.reader(), &self.commands.catalog(), false).await? {
            tracing::warn!(%error, "a definition names a role or group that does not exist");
        }
        Ok(())
    }

    /// Logs objects in the database that kommando did not create and that can change what statements do, such as
    /// triggers.
    pub async fn check_schema(&self) -> Result<(), StartError> {
        for difference in store::schema_differences(self.store.reader()).await? {
            if difference.object().is_active() {
                tracing::error!(%difference, "the database contains an object that kommando did not create");
            }
        }
        Ok(())
    }

    /// Reloads the definitions in this folder and the targets in this file when they change, and on each signal.
    pub fn watch_commands(&self, folder: Option<PathBuf>, targets: Option<PathBuf>, hangup: Signal) {
        let sources = command_reloader::Sources { folder, targets };
        let reloader = command_reloader::CommandReloader {
            sources,
            commands: self.commands.clone(),
            store: self.store.background(),
            metrics: self.metrics_endpoint.metrics.clone(),
        };
        tokio::spawn(reloader.keep_reading(hangup));
    }

    /// The endpoint that serves all requests.
    pub fn endpoint(&self) -> impl Endpoint<Output = Response> + 'static + use<> {
        let api = api::endpoint(AppState {
            store: self.store.clone(),
            authenticator: Arc::new(self.authenticator.clone()),
            commands: self.commands.clone(),
            user_service: self.user_service.clone(),
            demo: self.demo.clone(),
            time_zone: self.time_zone.clone(),
            concurrency_limiter: self.metrics_endpoint.concurrency_limiter.clone(),
            hosts: self.hosts.clone(),
            tenant: self.tenant.clone(),
            cors: self.cors.clone(),
            verification_status: self.verification_status.clone(),
            metrics: self.metrics_endpoint.metrics.clone(),
        });
        WithMetrics { api, metrics: (self.metrics == Metrics::Path).then(|| self.metrics_endpoint.clone()) }
    }
}

/// Loads the key of the audit chain or makes it for a new chain, begins the chain or checks its key, and creates the
/// default roles. Returns the key.
///
/// # Errors
/// The key is missing, too short, or not the key of the chain.
pub async fn prepare_database(store: &Store, config: &Config) -> Result<CurrentKey, StartError> {
    let audit_key = audit_key::load_or_make(config, store.reader()).await?;
    let (key, settings) = (audit_key.clone(), config.clone());
    let prepare = store.write_alone(Lock::Bootstrap, move |transaction| {
        Box::pin(async move {
            let first = match audit_key::check(transaction, &audit_key, &settings).await? {
                KeyCheck::Known { first } => first,
                KeyCheck::First | KeyCheck::Other => 0,
            };
            audit::begin(transaction, &audit_key, first).await?;
            if audit_key.is_short() {
                tracing::warn!(
                    bytes = audit_key.length(),
                    "the key of the audit chain is short; it is accepted, because the chain already uses it"
                );
            }
            role::ensure_defaults(transaction).await?;
            Ok::<_, StartError>(((), Touched::Everything))
        })
    });
    prepare.await?;
    let config = config.clone();
    Ok(CurrentKey::new(key, move || audit_key::load(&config).map_err(|error| error.to_string())))
}

/// The hosts that the metrics accept. A separate public listener accepts any, because scrapers use its address as host.
fn hosts_of_metrics(config: &Config) -> Hosts {
    match config.metrics {
        Metrics::At(address) if !address.ip().to_canonical().is_loopback() => Hosts::Any,
        Metrics::At(address) => Hosts::new(address, config.hosts.clone()),
        Metrics::Off | Metrics::Path => Hosts::new(config.listen, config.hosts.clone()),
    }
}

/// Whether the demo users exist.
///
/// # Errors
/// There are other users.
async fn has_demo(db: &impl ConnectionTrait) -> Result<bool, StartError> {
    match users::count(db).await? {
        0 => Ok(false),
        _ if demo::is_filled(db).await? => Ok(true),
        _ => Err(StartError::NotADemo),
    }
}

/// The folder of definitions to put in force: the configured one, or the default one if it exists. In demo mode,
/// without a configured one, `None`: the embedded examples are used.
pub fn commands_folder(named: Option<&Path>, demo: bool) -> Option<PathBuf> {
    let default = Path::new(DEFAULT_COMMANDS);
    let unnamed = || (!demo && default.is_dir()).then(|| default.to_owned());
    named.map(Path::to_owned).or_else(unnamed)
}

/// Loads the definitions to put in force.
///
/// # Errors
/// The folder is missing, or a definition is invalid.
pub fn load_commands(folder: Option<&Path>, demo: bool) -> Result<Catalog, DefinitionErrors> {
    match folder {
        Some(folder) => Catalog::from_folder(folder),
        None if demo => Catalog::examples(),
        None => {
            tracing::warn!(
                "there are no commands, because there is no folder {DEFAULT_COMMANDS}; create it with `kommando \
                 commands init`, or name another with --commands"
            );
            Ok(Catalog::default())
        }
    }
}
