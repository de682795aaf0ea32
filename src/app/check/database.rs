//! What the database says: of its schema, its users, its audit chain, and the names in definitions.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use secrecy::ExposeSecret;

use super::finding::{Finding, with_causes};
use crate::{
    app::{
        StartError,
        audit_key::{self, AuditKeyError},
    },
    commands::{Catalog, Fault},
    config::{self, Config},
    records::audit,
    store::{self, Condition, FileLock, FileLockError, SchemaError},
    users::{self, demo, role, user_group},
};

/// What is told of a database without users, where no start makes the first one.
pub const NO_USERS: &str = "there are no users, so no log-in can succeed: `kommando user add admin --role Administrator` adds one, \
                            and so does a start with KOMMANDO_ADMIN_PASSWORD";
const NO_ADMINISTRATOR: &str = "no administrator can log in: `kommando user add admin --role Administrator` adds one, and \
                                `kommando user set-password NAME` gives a password to one that has none";

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

/// The database, as `config check` sees it, beside a server or without one.
pub async fn check(config: &Config, demo: bool, catalog: Option<&Catalog>) -> Vec<Finding> {
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

/// The remedy, where the database has users and no administrator can log in.
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
