//! Checks the database: its schema, its users, its audit chain, and the names in definitions.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use secrecy::ExposeSecret;

use super::finding::Finding;
use crate::{
    app::{
        StartError,
        audit_key::{self, AuditKeyError},
    },
    commands::{Catalog, DefinitionError},
    config::Config,
    error::with_causes,
    executions::audit,
    store::{self, FileLock, FileLockError, SchemaError, SchemaStatus},
    users::{self, demo, role, user_group},
};

/// The info on a database without users, if the start does not create the first one.
pub const NO_USERS: &str = "there are no users, so nothing can log in: add one with `kommando user add admin --role \
                            Administrator`, or start with KOMMANDO_ADMIN_PASSWORD";
const NO_ADMINISTRATOR: &str = "no administrator can log in: add one with `kommando user add admin --role \
                                Administrator`, or give one a password with `kommando user set-password NAME`";

/// Finds roles and groups that definitions name and the database does not have. An empty database counts as having the
/// roles and groups that its first start creates.
pub async fn names(db: &impl ConnectionTrait, catalog: &Catalog, demo: bool) -> Result<Vec<DefinitionError>, DbErr> {
    let roles: Vec<_> = role::list(db).await?.into_iter().map(|role| role.name).collect();
    if roles.is_empty() {
        return Ok(names_at_first(catalog, demo));
    }
    let groups: Vec<_> = user_group::list(db).await?.into_iter().map(|group| group.name).collect();
    Ok(catalog.check_names(&roles, &groups))
}

fn names_at_first(catalog: &Catalog, demo: bool) -> Vec<DefinitionError> {
    let groups: &[&str] = if demo { &demo::GROUPS } else { &[user_group::DEFAULT] };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    catalog.check_names(&owned(&role::BUILT_IN), &owned(groups))
}

/// Checks the database for `config check`. A server may be using it.
pub async fn check(config: &Config, demo: bool, catalog: Option<&Catalog>) -> Vec<Finding> {
    let url = &config.database_url;
    let names_of = |errors: Vec<DefinitionError>| errors.into_iter().map(Finding::error).collect::<Vec<_>>();
    match store::missing_file(url) {
        Err(error) => return vec![Finding::fatal(with_causes(&error))],
        Ok(Some(file)) => {
            let mut findings = vec![Finding::info(format_args!("the first start creates {}", file.display()))];
            findings.extend(first_start(config, demo));
            findings.extend(key_of_new_chain(config));
            findings.extend(catalog.map(|catalog| names_of(names_at_first(catalog, demo))).unwrap_or_default());
            findings.extend(lock(url));
            return findings;
        }
        Ok(None) => {}
    }
    let mut findings = lock(url);
    let checked = store::open_read_only(url, async |db: &DatabaseConnection| {
        let mut findings = database(db, config, demo).await?;
        match store::schema_status(db).await? {
            SchemaStatus::UpToDate => {
                if let Some(catalog) = catalog {
                    findings.extend(names_of(names(db, catalog, demo).await?));
                }
                let differences = store::schema_differences(db).await?;
                findings.extend(differences.iter().filter(|one| one.object().is_active()).map(Finding::error));
            }
            SchemaStatus::Pending { is_new: true, .. } => {
                findings.extend(catalog.map(|catalog| names_of(names_at_first(catalog, demo))).unwrap_or_default());
            }
            SchemaStatus::Pending { .. } | SchemaStatus::Newer(_) => {}
        }
        Ok(findings)
    });
    match checked.await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::fatal(with_causes(&error))),
    }
    findings
}

/// Checks the lock on an SQLite file, and whether the file can be written.
fn lock(url: &str) -> Vec<Finding> {
    match FileLock::examine(url) {
        Ok(false) => Vec::new(),
        Ok(true) => {
            let shown = store::redact_password(url);
            vec![Finding::info(format_args!("a server has {shown} open; a second server on it would not start"))]
        }
        Err(FileLockError::Url(_)) => Vec::new(), // reported with the database
        Err(error) => vec![Finding::fatal(with_causes(&error))],
    }
}

/// Checks whether a server can start with this database, and what the start changes in it.
pub async fn database(db: &impl ConnectionTrait, config: &Config, demo: bool) -> Result<Vec<Finding>, DbErr> {
    let status = store::schema_status(db).await?;
    let mut findings = vec![schema(config, store::has_multiple_writers(db), &status)];
    let is_new = matches!(status, SchemaStatus::Pending { is_new: true, .. });
    match users(db, &status).await? {
        Some(Users::None) => findings.extend(first_start(config, demo)),
        Some(Users::Others) if demo => findings.push(Finding::fatal(StartError::NotADemo)),
        Some(Users::Others | Users::Demo) if matches!(config.admin_password(), Ok(Some(_))) => {
            findings.push(Finding::info(
                "KOMMANDO_ADMIN_PASSWORD has no effect, because the database has users; change a password with \
                 `kommando user set-password`, or add an administrator with `kommando user add --role Administrator`",
            ));
        }
        _ => {}
    }
    if status == SchemaStatus::UpToDate && !demo {
        findings.extend(no_administrator(db, config).await?.map(Finding::info));
    }
    findings.extend(if is_new { key_of_new_chain(config) } else { key_of_chain(db, config, &status).await? });
    Ok(findings)
}

fn schema(config: &Config, has_multiple_writers: bool, status: &SchemaStatus) -> Finding {
    match status {
        SchemaStatus::Newer(names) => Finding::fatal(format_args!(
            "the database was migrated by a newer kommando with {}; start that version or a newer one",
            names.join(", ")
        )),
        SchemaStatus::Pending { count, .. } if has_multiple_writers && !config.migrate => {
            Finding::fatal(SchemaError::Pending(*count))
        }
        SchemaStatus::Pending { is_new: true, .. } => Finding::info("the start creates the tables"),
        SchemaStatus::Pending { count, .. } => {
            Finding::info(format_args!("the start applies {count} pending migrations; make a backup first"))
        }
        SchemaStatus::UpToDate => Finding::info("the database is reachable, and its schema is up to date"),
    }
}

/// The kind of users in a database.
enum Users {
    None,
    Demo,
    Others,
}

/// The kind of users; `None` if the query fails on an old schema.
async fn users(db: &impl ConnectionTrait, status: &SchemaStatus) -> Result<Option<Users>, DbErr> {
    let found = async {
        Ok(match users::count(db).await? {
            0 => Users::None,
            _ if demo::is_filled(db).await? => Users::Demo,
            _ => Users::Others,
        })
    };
    match status {
        SchemaStatus::UpToDate => found.await.map(Some),
        SchemaStatus::Pending { is_new: true, .. } => Ok(Some(Users::None)),
        SchemaStatus::Pending { .. } | SchemaStatus::Newer(_) => Ok(found.await.ok()),
    }
}

/// The info on a database that has users, if no administrator can log in.
pub async fn no_administrator(db: &impl ConnectionTrait, config: &Config) -> Result<Option<&'static str>, DbErr> {
    // An invalid provider is reported with the settings.
    let provider = config.provider_names().unwrap_or_default();
    let has_administrator = users::count(db).await? == 0 || users::has_administrator(db, provider).await?;
    Ok((!has_administrator).then_some(NO_ADMINISTRATOR))
}

/// Checks the password of the first administrator, or infos that none is set.
fn first_start(config: &Config, demo: bool) -> Option<Finding> {
    let Some(password) = config.admin_password().ok()? else {
        return (!demo).then(|| Finding::info(NO_USERS));
    };
    let error = config.password_policy().accept(password.expose_secret()).err()?;
    Some(Finding::fatal(with_causes(&StartError::AdminPassword(error))))
}

/// Checks the key for a new chain.
fn key_of_new_chain(config: &Config) -> Option<Finding> {
    match audit_key::load(config) {
        Ok(key) if key.is_short() => Some(Finding::fatal(AuditKeyError::Short(key.length()))),
        Err(AuditKeyError::Missing(file)) => {
            let file = file.display();
            Some(Finding::info(format_args!("the first start creates the key of the audit chain at {file}")))
        }
        // Other errors are reported with the settings.
        Ok(_) | Err(_) => None,
    }
}

/// Checks the key against the audit chain of the database. On an old schema, failed queries are ignored.
async fn key_of_chain(
    db: &impl ConnectionTrait,
    config: &Config,
    status: &SchemaStatus,
) -> Result<Option<Finding>, DbErr> {
    let is_current = *status == SchemaStatus::UpToDate;
    match audit_key::load(config) {
        Ok(key) => match audit_key::check(db, &key, config).await {
            Ok(_) if key.is_short() => Ok(Some(Finding::info(format_args!(
                "the key of the audit chain has only {} bytes; it is accepted, because the chain already uses it",
                key.length()
            )))),
            Ok(_) => Ok(None),
            Err(AuditKeyError::Database(error)) if is_current => Err(error),
            Err(AuditKeyError::Database(_)) => Ok(None),
            Err(error) => Ok(Some(Finding::fatal(with_causes(&error)))),
        },
        Err(AuditKeyError::Missing(file)) => {
            let is_begun = match audit::is_begun(db).await {
                Err(error) if is_current => return Err(error),
                Err(_) => audit::has_entries(db).await.unwrap_or_default(),
                Ok(is_begun) => is_begun,
            };
            Ok(match is_begun {
                true => Some(Finding::fatal(AuditKeyError::Missing(file))),
                false => key_of_new_chain(config),
            })
        }
        // Other errors are reported with the settings.
        Err(_) => Ok(None),
    }
}
