//! Whether a server can start with these settings. `serve` and `config check` both ask here: what one refuses, the other finds.
//! Nothing is changed.

use std::{fmt, net::SocketAddr};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use secrecy::ExposeSecret;

use super::{
    StartError,
    audit_key::{self, AuditKeyError},
    commands_folder, load_commands, server,
};
use crate::{
    auth::Provider,
    commands::{Catalog, Fault},
    config::{self, Config, Metrics},
    records::audit,
    store::{self, Condition, FileLock, FileLockError, SchemaError},
    telemetry,
    users::{self, demo, role, user_group},
    webhooks::{self, Webhooks},
};

/// What is told of a database without users, where no start makes the first one.
pub const NO_USERS: &str = "there are no users, so nobody can call: `kommando user add admin --role Administrator` adds one, \
                            and so does a start with KOMMANDO_ADMIN_PASSWORD";
const NO_ADMINISTRATOR: &str = "no administrator can log in: `kommando user add admin --role Administrator` adds one, and \
                                `kommando user set-password NAME` gives a password to one that has none";

/// What a check has to say, in a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// The server does not start.
    Refusal(String),
    /// The server starts, but does not do what it should.
    Fault(String),
    /// Good to know.
    Remark(String),
}

impl Finding {
    pub fn refusal(problem: impl fmt::Display) -> Self {
        Self::Refusal(problem.to_string())
    }

    fn fault(problem: impl fmt::Display) -> Self {
        Self::Fault(problem.to_string())
    }

    fn remark(remark: impl fmt::Display) -> Self {
        Self::Remark(remark.to_string())
    }

    pub fn is_remark(&self) -> bool {
        matches!(self, Self::Remark(_))
    }

    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refusal(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refusal(text) | Self::Fault(text) | Self::Remark(text)) = self;
        f.write_str(text)
    }
}

/// Why a server does not start, a line each.
#[derive(Debug)]
pub struct Refusals(pub Vec<Finding>);

impl Refusals {
    /// Those among these findings, if there are any.
    pub fn among(findings: Vec<Finding>) -> Option<Self> {
        let refusals: Vec<_> = findings.into_iter().filter(Finding::is_refusal).collect();
        (!refusals.is_empty()).then_some(Self(refusals))
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        f.write_str("the server does not start with these settings:")?;
        self.0.iter().try_for_each(|one| write!(f, "\n{one}"))
    }
}

/// The definitions, if nothing in the settings prevents the start.
///
/// # Errors
/// All reasons that prevent it, those of the database included.
pub async fn start(config: &Config, demo: bool) -> Result<Catalog, StartError> {
    let (findings, catalog) = settings(config, demo);
    match (catalog, findings.iter().any(Finding::is_refusal)) {
        (Some(catalog), false) => Ok(catalog),
        _ => {
            let refusals = Refusals::among(all(config, demo).await).or_else(|| Refusals::among(findings));
            Err(StartError::Refused(refusals.unwrap_or(Refusals(Vec::new()))))
        }
    }
}

/// Everything that there is to say: of the settings, and of what they lead to.
pub async fn all(config: &Config, demo: bool) -> Vec<Finding> {
    let (mut findings, catalog) = settings(config, demo);
    findings.extend(listeners(config));
    findings.extend(database_of(config, demo, catalog.as_ref()).await);
    findings
}

/// What the settings and the files that they name say by themselves, and the definitions, where they are right.
pub fn settings(config: &Config, demo: bool) -> (Vec<Finding>, Option<Catalog>) {
    let mut findings = values(config, demo);
    findings.extend(remarks(config));
    let catalog = definitions(config, demo, &mut findings);
    targets(config, catalog.as_ref(), &mut findings);
    (findings, catalog)
}

/// The roles and groups that definitions name and the database does not have. Before the first start, it will have those that
/// this start makes.
///
/// # Errors
/// The database does not answer.
pub async fn names(db: &impl ConnectionTrait, catalog: &Catalog, demo: bool) -> Result<Vec<Fault>, DbErr> {
    let roles: Vec<_> = role::list(db).await?.into_iter().map(|role| role.name).collect();
    if roles.is_empty() {
        return Ok(names_at_first(catalog, demo));
    }
    let groups: Vec<_> = user_group::list(db).await?.into_iter().map(|group| group.name).collect();
    Ok(catalog.check_names(&roles, &groups))
}

fn names_at_first(catalog: &Catalog, demo: bool) -> Vec<Fault> {
    let groups: &[&str] = if demo { &demo::GROUPS } else { &[user_group::DEFAULT] };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    catalog.check_names(&owned(&role::BUILT_IN), &owned(groups))
}

/// What is wrong with the values of settings.
fn values(config: &Config, demo: bool) -> Vec<Finding> {
    let provider = config.identity_provider().map_err(StartError::from);
    let provider = provider.and_then(|settings| Ok(settings.map(Provider::new).transpose()?));
    let is_public_demo = demo && !config.listen.ip().is_loopback();
    let faults = [
        is_public_demo.then(|| {
            let port = config.listen.port();
            format!("--demo listens on this machine only; use --listen 127.0.0.1:{port}")
        }),
        (config.clock.is_some() && !demo)
            .then(|| "KOMMANDO_CLOCK stops the clock of a demo only; unset it, or add --demo".to_owned()),
        telemetry::filter(config).err().map(|error| error.to_string()),
        config::admin_password().err().map(|error| error.to_string()),
        provider.err().map(|error| with_causes(&error)),
        match audit_key::load(&config.database_url) {
            // Told with the database.
            Err(AuditKeyError::Url(_) | AuditKeyError::Missing(_)) | Ok(_) => None,
            Err(error) => Some(with_causes(&error)),
        },
        match config.metrics {
            Metrics::At(address) if is_same_place(address, config.listen) => Some(format!(
                "KOMMANDO_METRICS and KOMMANDO_LISTEN are both {address}; give the metrics a port of their own, or take `path`"
            )),
            _ => None,
        },
    ];
    faults.into_iter().flatten().map(Finding::refusal).collect()
}

/// Whether one of these addresses takes the place of the other.
fn is_same_place(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (is_any || one.ip() == other.ip())
}

fn remarks(config: &Config) -> Vec<Finding> {
    let has_header_without_proxies = config.proxy_header.is_some() && config.trusted_proxies.is_empty();
    let is_local = config.listen.ip().to_canonical().is_loopback();
    let refuses_proxied_hosts = is_local && !config.trusted_proxies.is_empty() && config.hosts.is_empty();
    let remarks = [
        telemetry::silences_own_events(&config.log).then_some(
            "KOMMANDO_LOG logs nothing of kommando itself; add a level for everything else, such as `warn,sqlx=debug`",
        ),
        has_header_without_proxies.then_some(
            "KOMMANDO_PROXY_HEADER has no effect without KOMMANDO_TRUSTED_PROXIES, which names the proxies",
        ),
        refuses_proxied_hosts.then_some(
            "the server listens on loopback behind a proxy and answers to localhost, 127.0.0.1 and [::1] only; if the proxy \
             passes the Host header on, KOMMANDO_HOSTS must name the public host",
        ),
    ];
    remarks.into_iter().flatten().map(Finding::remark).collect()
}

fn definitions(config: &Config, demo: bool, findings: &mut Vec<Finding>) -> Option<Catalog> {
    let folder = commands_folder(config.commands.as_deref(), demo);
    match load_commands(folder.as_deref(), demo) {
        Ok(catalog) => {
            let place = folder.map_or_else(|| "no folder".to_owned(), |folder| folder.display().to_string());
            findings.push(Finding::remark(format_args!("definitions: {} ({place})", catalog.entries().len())));
            Some(catalog)
        }
        Err(faults) => {
            findings.extend(faults.0.into_iter().map(Finding::refusal));
            None
        }
    }
}

fn targets(config: &Config, catalog: Option<&Catalog>, findings: &mut Vec<Finding>) {
    let read = config.targets.as_deref().map(webhooks::read).transpose();
    match read.and_then(|targets| Webhooks::new(targets.unwrap_or_default())) {
        Ok(webhooks) => {
            let names = webhooks.names();
            findings.push(Finding::remark(format_args!("webhook targets: {}", names.len())));
            let unknown = catalog.and_then(|catalog| catalog.check_targets(&names).err());
            findings.extend(webhooks.not_allowed().into_iter().map(Finding::fault));
            findings.extend(unknown.into_iter().flat_map(|faults| faults.0).map(Finding::refusal));
        }
        Err(error) => findings.push(Finding::refusal(with_causes(&StartError::from(error)))),
    }
}

/// Whether the addresses can be listened on. One that is taken may be taken by the server that runs with these settings.
fn listeners(config: &Config) -> Vec<Finding> {
    let metrics = match config.metrics {
        Metrics::At(address) if !is_same_place(address, config.listen) => Some(("KOMMANDO_METRICS", address)),
        _ => None,
    };
    let addresses = std::iter::once(("KOMMANDO_LISTEN", config.listen)).chain(metrics);
    let finding = |(setting, address): (&str, SocketAddr)| match server::try_address(address) {
        Ok(()) => None,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Some(Finding::remark(format_args!(
            "{setting}: a program listens on {address}; a server that starts now needs the address free"
        ))),
        Err(error) => Some(Finding::refusal(format_args!(
            "{setting}: it is not possible to listen on {address}: {error}; name another address, or port 0 for a free one"
        ))),
    };
    addresses.filter_map(finding).collect()
}

/// The database, as `config check` sees it, beside a server or without one.
async fn database_of(config: &Config, demo: bool, catalog: Option<&Catalog>) -> Vec<Finding> {
    let url = &config.database_url;
    let names_of = |faults: Vec<Fault>| faults.into_iter().map(Finding::fault).collect::<Vec<_>>();
    match store::missing_file(url) {
        Err(error) => return vec![Finding::refusal(with_causes(&error))],
        Ok(Some(file)) => {
            let mut findings = vec![Finding::remark(format_args!("the first start makes {}", file.display()))];
            findings.extend(first_start(config, demo));
            findings.extend(key_of_new_chain(config));
            findings.extend(catalog.map(|catalog| names_of(names_at_first(catalog, demo))).unwrap_or_default());
            findings.extend(lock(url));
            return findings;
        }
        Ok(None) => {}
    }
    let mut findings = lock(url);
    let looked = store::look(url, async |db: &DatabaseConnection| {
        let mut findings = database(db, config, demo).await?;
        match store::condition(db).await? {
            Condition::UpToDate => {
                if let Some(catalog) = catalog {
                    findings.extend(names_of(names(db, catalog, demo).await?));
                }
                let differences = store::schema_differences(db).await?;
                findings.extend(differences.iter().filter(|one| one.object().is_active()).map(Finding::fault));
            }
            Condition::Pending { is_new: true, .. } => {
                findings.extend(catalog.map(|catalog| names_of(names_at_first(catalog, demo))).unwrap_or_default());
            }
            Condition::Pending { .. } | Condition::Newer(_) => {}
        }
        Ok(findings)
    });
    match looked.await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::refusal(with_causes(&error))),
    }
    findings
}

/// The lock on an SQLite file, and whether the file can be written.
fn lock(url: &str) -> Vec<Finding> {
    match FileLock::examine(url) {
        Ok(false) => Vec::new(),
        Ok(true) => {
            let shown = store::shown(url);
            vec![Finding::remark(format_args!("a server has {shown} open; a second one on the same file is refused"))]
        }
        Err(FileLockError::Url(_)) => Vec::new(), // told with the database
        Err(error) => vec![Finding::refusal(with_causes(&error))],
    }
}

/// What keeps a server from starting with this database, and what its start does to it.
///
/// # Errors
/// The database does not answer.
pub async fn database(db: &impl ConnectionTrait, config: &Config, demo: bool) -> Result<Vec<Finding>, DbErr> {
    let condition = store::condition(db).await?;
    let mut findings = vec![schema(config, store::is_shared(db), &condition)];
    let is_new = matches!(condition, Condition::Pending { is_new: true, .. });
    match users(db, &condition).await? {
        Some(Users::None) => findings.extend(first_start(config, demo)),
        Some(Users::Others) if demo => findings.push(Finding::refusal(StartError::NoDemo)),
        Some(Users::Others | Users::Demo) if matches!(config::admin_password(), Ok(Some(_))) => {
            findings.push(Finding::remark(
                "KOMMANDO_ADMIN_PASSWORD is for a database without users, and this one has users; `kommando user \
                 set-password` sets another password, and `kommando user add --role Administrator` makes an administrator",
            ));
        }
        _ => {}
    }
    if condition == Condition::UpToDate && !demo {
        findings.extend(no_administrator(db, config).await?.map(Finding::remark));
    }
    findings.extend(if is_new { key_of_new_chain(config) } else { key_of_chain(db, config, &condition).await? });
    Ok(findings)
}

fn schema(config: &Config, is_shared: bool, condition: &Condition) -> Finding {
    match condition {
        Condition::Newer(names) => Finding::refusal(format_args!(
            "the database was brought up to date by a newer kommando, which has {}; take that one or a newer one",
            names.join(", ")
        )),
        Condition::Pending { count, .. } if is_shared && !config.migrate => {
            Finding::refusal(SchemaError::Pending(*count))
        }
        Condition::Pending { is_new: true, .. } => Finding::remark("the start makes the tables"),
        Condition::Pending { count, .. } => {
            Finding::remark(format_args!("the start applies {count} pending migrations; make a backup first"))
        }
        Condition::UpToDate => Finding::remark("the database answers, and its schema is up to date"),
    }
}

/// Which users a database has.
enum Users {
    None,
    Demo,
    Others,
}

/// The users; nothing where an old schema cannot be asked for them.
async fn users(db: &impl ConnectionTrait, condition: &Condition) -> Result<Option<Users>, DbErr> {
    let found = async {
        Ok(match users::count(db).await? {
            0 => Users::None,
            _ if demo::is_filled(db).await? => Users::Demo,
            _ => Users::Others,
        })
    };
    match condition {
        Condition::UpToDate => found.await.map(Some),
        Condition::Pending { is_new: true, .. } => Ok(Some(Users::None)),
        Condition::Pending { .. } | Condition::Newer(_) => Ok(found.await.ok()),
    }
}

/// Why nobody can administer a database that has users, with the remedy.
///
/// # Errors
/// The database does not answer.
pub async fn no_administrator(db: &impl ConnectionTrait, config: &Config) -> Result<Option<&'static str>, DbErr> {
    // A provider that cannot be read is told with the settings.
    let provider = config.provider_names().unwrap_or_default();
    let has_administrator = users::count(db).await? == 0 || users::has_administrator(db, provider).await?;
    Ok((!has_administrator).then_some(NO_ADMINISTRATOR))
}

/// Why the first administrator cannot have the password that is set, or is not made.
fn first_start(config: &Config, demo: bool) -> Option<Finding> {
    let Some(password) = config::admin_password().ok()? else {
        return (!demo).then(|| Finding::remark(NO_USERS));
    };
    let fault = config.password_policy().accept(password.expose_secret()).err()?;
    Some(Finding::refusal(with_causes(&StartError::AdminPassword(fault))))
}

/// The key of a chain that is not begun.
fn key_of_new_chain(config: &Config) -> Option<Finding> {
    match audit_key::load(&config.database_url) {
        Ok(key) if key.is_short() => Some(Finding::refusal(AuditKeyError::Short(key.length()))),
        Err(AuditKeyError::Missing(file)) => {
            let file = file.display();
            Some(Finding::remark(format_args!("the first start makes the key of the audit chain at {file}")))
        }
        // Told with the settings.
        Ok(_) | Err(_) => None,
    }
}

/// Whether the key of the audit chain is the one of the database, or may become it. An old schema may know less of it.
async fn key_of_chain(
    db: &impl ConnectionTrait,
    config: &Config,
    condition: &Condition,
) -> Result<Option<Finding>, DbErr> {
    let is_current = *condition == Condition::UpToDate;
    match audit_key::load(&config.database_url) {
        Ok(key) => match audit_key::check(db, &key).await {
            Ok(_) if key.is_short() => Ok(Some(Finding::remark(format_args!(
                "the key of the audit chain has {} bytes only, and is taken since the chain was begun with it",
                key.length()
            )))),
            Ok(_) => Ok(None),
            Err(AuditKeyError::Database(error)) if is_current => Err(error),
            Err(AuditKeyError::Database(_)) => Ok(None),
            Err(error) => Ok(Some(Finding::refusal(with_causes(&error)))),
        },
        Err(AuditKeyError::Missing(file)) => {
            let is_begun = match audit::is_begun(db).await {
                Err(error) if is_current => return Err(error),
                Err(_) => audit::has_entries(db).await.unwrap_or_default(),
                Ok(is_begun) => is_begun,
            };
            Ok(match is_begun {
                true => Some(Finding::refusal(AuditKeyError::Missing(file))),
                false => key_of_new_chain(config),
            })
        }
        // Told with the settings.
        Err(_) => Ok(None),
    }
}

/// An error with what caused it, in a line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
