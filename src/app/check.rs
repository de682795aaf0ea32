//! Whether a server could start with these settings: everything that it would read is read, and nothing is changed.

use std::fmt;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use secrecy::ExposeSecret;

use super::{
    StartError,
    audit_key::{self, AuditKeyError},
    commands_folder, load_commands,
};
use crate::{
    commands::{Catalog, Fault},
    config::{self, Config},
    records::audit,
    store::{self, Condition},
    telemetry,
    users::{self, role, user_group},
    webhooks::{self, Webhooks},
};

/// What a check has to say, in a line.
#[derive(Debug)]
pub enum Finding {
    /// The server would not start, or not do what it should.
    Fault(String),
    /// Good to know.
    Remark(String),
}

impl Finding {
    pub fn fault(problem: impl fmt::Display) -> Self {
        Self::Fault(problem.to_string())
    }

    fn remark(remark: impl fmt::Display) -> Self {
        Self::Remark(remark.to_string())
    }

    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Fault(text) | Self::Remark(text)) = self;
        f.write_str(text)
    }
}

/// Everything that there is to say.
pub async fn all(config: &Config, demo: bool) -> Vec<Finding> {
    let mut findings = settings(config, demo);
    let catalog = definitions(config, demo, &mut findings);
    targets(config, catalog.as_ref(), &mut findings);
    database(config, catalog.as_ref(), &mut findings).await;
    findings
}

/// The roles and groups that definitions name and the database does not have.
///
/// # Errors
/// The database does not answer.
pub async fn names(db: &impl ConnectionTrait, catalog: &Catalog) -> Result<Vec<Fault>, DbErr> {
    let roles: Vec<_> = role::list(db).await?.into_iter().map(|role| role.name).collect();
    if roles.is_empty() {
        return Ok(Vec::new()); // they come with the first start
    }
    let groups: Vec<_> = user_group::list(db).await?.into_iter().map(|group| group.name).collect();
    Ok(catalog.check_names(&roles, &groups))
}

/// What is taken from flags alone was read before this; the rest is read now.
fn settings(config: &Config, demo: bool) -> Vec<Finding> {
    let stops_clock = config.clock.is_some() && !demo;
    let faults = [
        stops_clock.then(|| Finding::fault("KOMMANDO_CLOCK stops the clock of a demo only; unset it, or add --demo")),
        telemetry::filter(config).err().map(Finding::fault),
        config::admin_password().err().map(Finding::fault),
        match audit_key::load(&config.database_url) {
            // Told with the database.
            Err(AuditKeyError::Url(_) | AuditKeyError::Missing(_)) | Ok(_) => None,
            Err(error) => Some(Finding::fault(with_causes(&error))),
        },
        has_header_without_proxies(config).then(|| {
            Finding::remark("KOMMANDO_PROXY_HEADER has no effect without KOMMANDO_TRUSTED_PROXIES, which names the proxies")
        }),
        refuses_proxied_hosts(config).then(|| {
            Finding::remark(
                "the server listens on loopback behind a proxy and answers to localhost, 127.0.0.1 and [::1] only; if the \
                 proxy passes the Host header on, KOMMANDO_HOSTS must name the public host",
            )
        }),
    ];
    faults.into_iter().flatten().collect()
}

fn has_header_without_proxies(config: &Config) -> bool {
    config.proxy_header.is_some() && config.trusted_proxies.is_empty()
}

fn refuses_proxied_hosts(config: &Config) -> bool {
    let is_local = config.listen.ip().to_canonical().is_loopback();
    is_local && !config.trusted_proxies.is_empty() && config.hosts.is_empty()
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
            findings.extend(faults.0.into_iter().map(Finding::fault));
            None
        }
    }
}

fn targets(config: &Config, catalog: Option<&Catalog>, findings: &mut Vec<Finding>) {
    let read = config.targets.as_deref().map(webhooks::read).transpose();
    match read.and_then(|targets| Webhooks::new(targets.unwrap_or_default())) {
        Ok(webhooks) => {
            let names: Vec<_> = webhooks.names().collect();
            findings.push(Finding::remark(format_args!("webhook targets: {}", names.len())));
            let unknown = catalog.and_then(|catalog| catalog.check_targets(&names).err());
            findings.extend(unknown.into_iter().flat_map(|faults| faults.0).map(Finding::fault));
        }
        Err(error) => findings.push(Finding::fault(with_causes(&error))),
    }
}

async fn database(config: &Config, catalog: Option<&Catalog>, findings: &mut Vec<Finding>) {
    let condition = store::examine(&config.database_url).await;
    let is_ready = matches!(condition, Ok(Condition::UpToDate));
    let has_users = match &condition {
        Ok(Condition::Absent(_)) => false,
        // What cannot be asked is told below.
        _ => !is_ready || store::look(&config.database_url, users::count).await.is_ok_and(|count| count > 0),
    };
    findings.extend(admin_password(config).filter(|_| !has_users));
    findings.push(match condition {
        Ok(Condition::Absent(file)) => Finding::remark(format_args!("the first start makes {}", file.display())),
        Ok(Condition::Newer(names)) => Finding::fault(format_args!(
            "the database was brought up to date by a newer kommando, which has {}; take that one or a newer one",
            names.join(", ")
        )),
        Ok(Condition::Pending(count)) => {
            Finding::remark(format_args!("the start applies {count} pending migrations; make a backup first"))
        }
        Ok(Condition::UpToDate) => Finding::remark("the database answers, and its schema is up to date"),
        Err(error) => Finding::fault(with_causes(&error)),
    });
    findings.extend(audit_key(config, is_ready).await);
    if let Some(catalog) = catalog.filter(|_| is_ready) {
        match store::look(&config.database_url, async |db| names(db, catalog).await).await {
            Ok(unknown) => findings.extend(unknown.into_iter().map(Finding::fault)),
            Err(error) => findings.push(Finding::fault(with_causes(&error))),
        }
    }
    if is_ready {
        match store::look(&config.database_url, async |db| store::schema_differences(db).await).await {
            Ok(found) => findings.extend(found.iter().filter(|one| one.object().is_active()).map(Finding::fault)),
            Err(error) => findings.push(Finding::fault(with_causes(&error))),
        }
    }
}

/// Whether the key of the audit chain is the one of the database, or may become it.
async fn audit_key(config: &Config, is_ready: bool) -> Option<Finding> {
    let url = &config.database_url;
    let (key, missing) = match audit_key::load(url) {
        Ok(key) => (Some(key), None),
        Err(AuditKeyError::Missing(file)) => (None, Some(file)),
        // Told with the settings.
        Err(_) => return None,
    };
    let check = async |db: &DatabaseConnection| match &key {
        Some(key) => Ok(audit_key::check(db, key).await.map(drop)),
        None => audit::is_begun(db).await.map(|is_begun| match (is_begun, missing.clone()) {
            (true, Some(file)) => Err(AuditKeyError::Missing(file)),
            _ => Ok(()),
        }),
    };
    let checked = match is_ready {
        true => store::look(url, check).await.ok()?,
        false => match &key {
            Some(key) if key.is_short() => Err(AuditKeyError::Short(key.length())),
            _ => Ok(()),
        },
    };
    match (checked, missing, key) {
        (Err(error), ..) => Some(Finding::fault(with_causes(&error))),
        (Ok(()), Some(file), _) => {
            let file = file.display();
            Some(Finding::remark(format_args!("the first start makes the key of the audit chain at {file}")))
        }
        (Ok(()), _, Some(key)) if key.is_short() => Some(Finding::remark(format_args!(
            "the key of the audit chain has {} bytes only, and is taken since the chain was begun with it",
            key.length()
        ))),
        _ => None,
    }
}

/// Why the first administrator cannot have the password that is set.
fn admin_password(config: &Config) -> Option<Finding> {
    let password = config::admin_password().ok()??;
    let fault = config.password_policy().accept(password.expose_secret()).err()?;
    Some(Finding::fault(with_causes(&StartError::AdminPassword(fault))))
}

/// An error with what caused it, in a line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
