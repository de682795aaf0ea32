//! Builds the application and serves it: the only place that sees everything.

pub mod audit_key;
pub mod check;
mod housekeeping;
mod metrics;
mod reload;
mod server;
mod serving;
pub mod supervisor;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::TimeDelta;
use poem::{Endpoint, Response};
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::Signal;

use self::{
    housekeeping::Housekeeping,
    metrics::{Beside, Panel},
    server::{Limits, connection_limit::ConnectionLimiter, proxies::Proxies},
};
pub use self::{server::listen, serving::listen_for_metrics};
pub use crate::users::demo::Access as DemoAccess;
use crate::{
    api::{self, Cors, Room, Services},
    auth::{Authenticator, FetchError, Guessing, Hosts, LogIns, ProvenPasswords, Provider},
    commands::{Catalog, CommandService, Faults, ServiceParts},
    config::{Config, ConfigError, DEFAULT_COMMANDS, Metrics},
    error::Error,
    localization::Zone,
    records::audit::{self, AuditKey, KeyStanding},
    store::{self, FileLock, FileLockError, Lock, OpenError, SchemaError, Store, Touched},
    users::{
        self, CreateError, UserCache, UserService,
        bootstrap::{self, RegisterError},
        credential,
        demo::{self, Demo},
        password::{PasswordError, PasswordFault, PasswordHash, Passwords, Requester},
        role,
    },
    watch::{
        Meters,
        families::{EVICTED, REFUSED},
    },
    webhooks::{self, TargetsError, Webhooks},
};

const UNUSABLE_TARGETS: &str = "the file that KOMMANDO_TARGETS or --targets names cannot be used";

/// Why the application could not be built or served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(
        "the command definitions cannot be used; mend them (`kommando config check` tells whether they are right):\n{0}"
    )]
    Commands(Faults),
    #[error("{0}")]
    Refused(check::Refusals),
    #[error("{UNUSABLE_TARGETS}")]
    Targets(#[from] TargetsError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the identity provider cannot be called")]
    Provider(#[from] FetchError),
    #[error(transparent)]
    AuditKey(#[from] audit_key::AuditKeyError),
    #[error(transparent)]
    Lock(#[from] FileLockError),
    #[error("the database does not answer")]
    Database(#[from] sea_orm::DbErr),
    #[error("the runs that were under way when the server ended cannot be closed")]
    Recover(#[source] Error),
    #[error("there can be no metrics at {0}; KOMMANDO_METRICS names another address, and port 0 takes a free one")]
    Metrics(SocketAddr, #[source] std::io::Error),
    #[error("the demo users cannot be made")]
    Fill(#[from] CreateError),
    #[error("the first administrator cannot be made")]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("KOMMANDO_ADMIN_PASSWORD cannot be the password of the first administrator")]
    AdminPassword(#[from] PasswordFault),
    #[error(
        "this database has users that are not the demo's; name another file with --database-url, or serve it without --demo"
    )]
    NoDemo,
}

impl From<Faults> for StartError {
    fn from(faults: Faults) -> Self {
        Self::Commands(faults)
    }
}

/// Everything a server is made of, ready to answer.
#[derive(Clone, Debug)]
pub struct App {
    pub store: Store,
    pub passwords: Passwords,
    pub commands: CommandService,
    authenticator: Authenticator,
    user_service: UserService,
    demo: Option<Demo>,
    housekeeping: Housekeeping,
    time_zone: Zone,
    limits: Limits,
    panel: Panel,
    metrics: Metrics,
    hosts: Hosts,
    cors: Cors,
}

/// What building a server takes beside the settings.
struct Server {
    lock: Option<FileLock>,
    demo: bool,
}

impl App {
    /// Opens the database, brings its schema up to date, and puts the commands in force. Another process may serve the
    /// database meanwhile.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn build(config: &Config, catalog: Catalog) -> Result<Self, StartError> {
        Self::build_with(config, catalog, None).await
    }

    /// The same for a server, which has an SQLite file alone.
    ///
    /// # Errors
    /// The database cannot be opened or migrated, another process serves the file, or a check refuses the database.
    pub async fn build_server(config: &Config, catalog: Catalog, demo: bool) -> Result<Self, StartError> {
        let lock = FileLock::of_url(&config.database_url).await?;
        Self::build_with(config, catalog, Some(Server { lock, demo })).await
    }

    async fn build_with(config: &Config, catalog: Catalog, server: Option<Server>) -> Result<Self, StartError> {
        let (demo, lock) = server.map(|Server { lock, demo }| (demo, lock)).unzip();
        let targets = config.targets.as_deref().map(webhooks::read).transpose()?;
        let meters = if config.metrics == Metrics::Off { Meters::default() } else { Meters::new() };
        let webhooks = Webhooks::new(targets.unwrap_or_default())?.counted(&meters);
        catalog.check_targets(&webhooks.names())?;
        let provider = config.identity_provider()?.map(Provider::new).transpose()?;
        let limits = store::Limits { connections: config.database_connections, patience: config.database_patience };
        let store = Store::open_for_requests(&config.database_url, limits).await?.holding(lock.flatten());
        if let Some(demo) = demo {
            let findings = check::database(store.in_background().reader(), config, demo).await?;
            check::Refusals::among(findings).map_or(Ok(()), |refusals| Err(StartError::Refused(refusals)))?;
        }
        store.ensure_schema(config.migrate).await?;
        let audit_key = audit_key::load_or_make(&config.database_url, store.reader()).await?;
        prepare_database(&store, audit_key.clone()).await?;
        let stored = credential::any_hash(store.reader()).await?;
        let passwords = Passwords::new(&config.password_cost, config.password_policy(), stored.as_ref());
        store.follow_changes().await?;
        let users = UserCache::new(store.clone());
        let provider_names = config.provider_names()?;
        let user_service = UserService { store: store.clone(), passwords: passwords.clone(), provider: provider_names };
        let commands = CommandService::new(ServiceParts {
            store: store.clone(),
            users: users.clone(),
            passwords: passwords.clone(),
            webhooks,
            provider: provider_names,
            audit_key: audit_key.clone(),
            catalog,
            meters: &meters,
        });
        let proven = ProvenPasswords::default();
        let guessing = Guessing::new(config.guess_limits, audit_key.derive("login rate limiter"));
        guessing.restore(&store).await?;
        let authenticator = Authenticator {
            store: store.clone(),
            users,
            passwords: passwords.clone(),
            proven: proven.clone(),
            installation: config.installation,
            guessing,
            longest_ticket: TimeDelta::hours(config.ticket_hours.into()),
            log_ins: LogIns::new(&meters),
            provider,
        };
        let housekeeping = Housekeeping { store: store.in_background(), audit_key, retention: config.retention };
        let evicted = meters.counter(&EVICTED, &[]);
        let connections = ConnectionLimiter::new(config.max_connections, config.connections_per_address(), evicted);
        let limits = Limits {
            connections: connections.clone(),
            refused: meters.counter(&REFUSED, &["connections"]),
            proxies: Proxies::new(config.trusted_proxies.clone(), config.proxy_header.unwrap_or_default()),
        };
        let panel = Panel {
            meters,
            store: store.clone(),
            passwords: passwords.clone(),
            proven,
            commands: commands.clone(),
            room: Room::default(),
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
            time_zone,
            limits,
            panel,
            metrics,
            hosts: Hosts::new(config.listen, config.hosts.clone()),
            cors: Cors::new(config.cors_origins.clone()),
        })
    }

    /// Fills an empty database with the users of the demo, who share the password. False when they are there already.
    ///
    /// # Errors
    /// The database has other users, or does not answer.
    pub async fn fill_demo(&self, password: &SecretString) -> Result<bool, StartError> {
        // Making a hash takes a moment, which later starts do without.
        if has_demo(self.store.reader()).await? {
            return Ok(false);
        }
        let hash = self.hash_admin_password(password).await?;
        // Counted again alone: of two that start together, one fills and the other finds it filled.
        let fill = self.store.write_alone(Lock::Bootstrap, move |transaction| {
            Box::pin(async move {
                let is_filled = has_demo(transaction).await?;
                if !is_filled {
                    demo::fill(transaction, &hash).await?;
                }
                Ok((!is_filled, Touched::Everything))
            })
        });
        fill.await
    }

    /// What a demo of an online installation shows in place of a password.
    ///
    /// # Errors
    /// The database does not answer, or is not filled.
    pub async fn issue_demo_access(&self) -> Result<DemoAccess, StartError> {
        let issue = self.store.write(|transaction| {
            Box::pin(async move { Ok((demo::issue_access(transaction).await?, Touched::Everything)) })
        });
        issue.await
    }

    /// Whether this is the password of the first administrator. Without that user, no password is.
    ///
    /// # Errors
    /// The database does not answer, or the process is ending.
    pub async fn is_admin_password(&self, password: &SecretString) -> Result<bool, StartError> {
        let db = self.store.reader();
        let Some(admin) = users::find_by_login(db, bootstrap::ADMIN).await? else { return Ok(false) };
        let stored = credential::find_password(db, admin.user.id).await?;
        Ok(self.passwords.verify(password, stored.as_ref().map(|stored| &stored.secret), Requester::Server).await?)
    }

    /// Takes wishes that only a demo takes: to go back to the beginning, and for faults.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn be_demo(&mut self) -> Result<(), StartError> {
        self.demo = Demo::of(&self.store).await?;
        Ok(())
    }

    /// Makes the first administrator in an empty database. False when there are users already.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn register_administrator(&self, password: &SecretString) -> Result<bool, StartError> {
        let hash = self.hash_admin_password(password).await?;
        let register = self.store.write_alone(Lock::Bootstrap, move |transaction| {
            Box::pin(async move {
                let is_empty = users::count(transaction).await? == 0;
                if is_empty {
                    bootstrap::register_administrator(transaction, hash).await?;
                }
                Ok((is_empty, Touched::Everything))
            })
        });
        register.await
    }

    /// The hash of the first administrator's password.
    async fn hash_admin_password(&self, password: &SecretString) -> Result<PasswordHash, StartError> {
        let password = self.passwords.policy().accept(password.expose_secret())?;
        Ok(self.passwords.hash(&password, Requester::Server).await?)
    }

    /// Writes what the login rate limiter would forget at a restart.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn save_login_limits(&self) -> Result<(), StartError> {
        Ok(self.authenticator.guessing.save(&self.store).await?)
    }

    /// Whether there are no users yet.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn has_no_users(&self) -> Result<bool, StartError> {
        Ok(users::count(self.store.reader()).await? == 0)
    }

    /// Warns of roles that definitions name and nobody can hold.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn check_names(&self) -> Result<(), StartError> {
        for fault in check::names(self.store.reader(), &self.commands.catalog(), false).await? {
            tracing::warn!(%fault, "a definition names what does not exist");
        }
        Ok(())
    }

    /// Logs what the database holds that can change what statements do and that kommando did not make.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn check_schema(&self) -> Result<(), StartError> {
        for difference in store::schema_differences(self.store.reader()).await? {
            if difference.object().is_active() {
                tracing::error!(%difference, "the database holds what kommando did not make");
            }
        }
        Ok(())
    }

    /// Reads the definitions of this folder and the targets of this file again when they change, and on every one of these
    /// signals.
    pub fn watch_commands(&self, folder: Option<PathBuf>, targets: Option<PathBuf>, hangup: Signal) {
        let sources = reload::Sources { folder, targets };
        let reloader = reload::Reloader {
            sources,
            commands: self.commands.clone(),
            store: self.store.in_background(),
            meters: self.panel.meters.clone(),
        };
        tokio::spawn(reloader.keep_reading(hangup));
    }

    /// What answers requests.
    pub fn endpoint(&self) -> impl Endpoint<Output = Response> + 'static + use<> {
        let api = api::endpoint(Services {
            store: self.store.clone(),
            authenticator: Arc::new(self.authenticator.clone()),
            commands: self.commands.clone(),
            user_service: self.user_service.clone(),
            demo: self.demo.clone(),
            time_zone: self.time_zone.clone(),
            room: self.panel.room.clone(),
            hosts: self.hosts.clone(),
            cors: self.cors.clone(),
            meters: self.panel.meters.clone(),
        });
        Beside { api, metrics: (self.metrics == Metrics::Path).then(|| self.panel.clone()) }
    }
}

/// Makes what every installation needs, and begins the audit chain, or holds its key against it.
async fn prepare_database(store: &Store, audit_key: AuditKey) -> Result<(), StartError> {
    let prepare = store.write_alone(Lock::Bootstrap, move |transaction| {
        Box::pin(async move {
            match audit_key::check(transaction, &audit_key).await? {
                KeyStanding::First => audit::begin(transaction, &audit_key).await?,
                _ if audit_key.is_short() => tracing::warn!(
                    bytes = audit_key.length(),
                    "the key of the audit chain is short, and is taken since the chain was begun with it"
                ),
                _ => {}
            }
            role::ensure_defaults(transaction).await?;
            Ok(((), Touched::Everything))
        })
    });
    prepare.await
}

/// The hosts to which metrics answer. On a public listener of their own any: scrapers name it by its address.
fn hosts_of_metrics(config: &Config) -> Hosts {
    match config.metrics {
        Metrics::At(address) if !address.ip().to_canonical().is_loopback() => Hosts::Any,
        Metrics::At(address) => Hosts::new(address, config.hosts.clone()),
        Metrics::Off | Metrics::Path => Hosts::new(config.listen, config.hosts.clone()),
    }
}

/// Whether the demo's users are there; other users are none of its business.
async fn has_demo(db: &impl ConnectionTrait) -> Result<bool, StartError> {
    match users::count(db).await? {
        0 => Ok(false),
        _ if demo::is_filled(db).await? => Ok(true),
        _ => Err(StartError::NoDemo),
    }
}

/// The folder of the definitions to put in force: the named one, else in demo mode none, since the embedded examples
/// serve, else the default one, if it is there.
pub fn commands_folder(named: Option<&Path>, demo: bool) -> Option<PathBuf> {
    let default = Path::new(DEFAULT_COMMANDS);
    let unnamed = || (!demo && default.is_dir()).then(|| default.to_owned());
    named.map(Path::to_owned).or_else(unnamed)
}

/// The definitions to put in force.
///
/// # Errors
/// The folder is missing, or a definition is wrong.
pub fn load_commands(folder: Option<&Path>, demo: bool) -> Result<Catalog, Faults> {
    match folder {
        Some(folder) => Catalog::from_folder(folder),
        None if demo => Catalog::examples(),
        None => {
            tracing::warn!(
                "there is no folder {DEFAULT_COMMANDS}, so there are no commands; `kommando commands init` makes it, and \
                 --commands names another"
            );
            Ok(Catalog::default())
        }
    }
}
