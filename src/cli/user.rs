//! `kommando user`.

use std::io::{IsTerminal, Read, stdin};

use anyhow::{Context, anyhow, bail, ensure};
use clap::Subcommand;
use kommando::{
    config::Config,
    error::Error,
    executions::audit::{Action, Actor, AuditLog, Change, Way},
    store::{Lock, Store, Touched, WriteTransaction},
    users::{
        self, Caller, ProviderNames, UserInput, UserRow, access,
        audited::user_subject,
        bootstrap::{self, Registration},
        credential,
        password::{NewPassword, PasswordHasher, Requester},
        role, user_group,
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::operator;

#[derive(Subcommand)]
pub enum User {
    /// Add a user; asks for the password
    Add {
        /// Short name (Name)
        name: String,
        /// Login name (UserName), such as an e-mail address
        #[arg(long, default_value = "", hide_default_value = true)]
        user_name: String,
        /// First and last name
        #[arg(long)]
        full_name: Option<String>,
        /// E-mail address
        #[arg(long, default_value = "", hide_default_value = true)]
        email: String,
        /// Name of a role: Administrator, UserAdmin, Employee, ExternalUser, … [default: Employee]
        #[arg(long)]
        role: Option<String>,
        /// Name of a group [default: the first one]
        #[arg(long)]
        group: Option<String>,
        /// Read the password from standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the users
    List,
    /// Set a user's password; asks for it
    SetPassword {
        /// Name or UserName of the user
        name: String,
        /// Read the password from standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a user's role
    SetRole {
        /// Name or UserName of the user
        name: String,
        /// Name of a role; `kommando role list` shows them
        role: String,
    },
    /// Set a user's main group
    SetGroup {
        /// Name or UserName of the user
        name: String,
        /// Name of a group; `kommando group list` shows them
        group: String,
    },
    /// Deactivate a user, which also ends the user's tickets
    Deactivate {
        /// Name or UserName of the user
        name: String,
    },
    /// Reactivate a user
    Reactivate {
        /// Name or UserName of the user
        name: String,
    },
}

impl User {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = match self {
            Self::Add { .. } => super::open(config).await?,
            _ => super::open_existing(config).await?,
        };
        match self {
            Self::Add { name, user_name, full_name, email, role, group, password_stdin } => {
                let registration = Registration { name, user_name, full_name, email, role, group };
                add(&store, config, registration, &read_password(config, password_stdin)?).await?;
            }
            Self::List => list(&store).await?,
            Self::SetPassword { name, password_stdin } => {
                // Check that the user exists before asking for a password.
                super::find_user(store.reader(), &name).await?;
                let password = read_password(config, password_stdin)?;
                let hash = passwords(config).hash(&password, Requester::Server).await?;
                let audit_log = super::audit_log(config, &store).await?;
                let set = store.write(move |transaction| {
                    Box::pin(async move {
                        let user = super::hold_user(transaction, &name).await?;
                        credential::set_password(transaction, user.user.id, hash, None).await?;
                        let set = Change::new(Action::PasswordSet, user_subject(&user));
                        audit_log.record(transaction, &actor(), vec![set]).await?;
                        Ok::<_, anyhow::Error>((user, Touched::Everything))
                    })
                });
                let user = set.await?;
                super::say(format_args!("{} has a new password", user.user.name))?;
                if user.is_retired() {
                    super::say(format_args!("{0} is retired: `kommando user reactivate {0}`", user.user.name))?;
                }
            }
            Self::SetRole { name, role } => set_role(&store, config, &name, &role).await?,
            Self::SetGroup { name, group } => set_group(&store, config, &name, &group).await?,
            Self::Deactivate { name } => set_retired(&store, config, &name, true).await?,
            Self::Reactivate { name } => set_retired(&store, config, &name, false).await?,
        }
        Ok(store.close().await?)
    }
}

async fn add(store: &Store, config: &Config, registration: Registration, password: &NewPassword) -> anyhow::Result<()> {
    let hash = passwords(config).hash(password, Requester::Server).await?;
    let name = registration.name.clone();
    let audit_log = super::audit_log(config, store).await?;
    let register = store.write(move |transaction| {
        Box::pin(async move {
            let saved = bootstrap::register(transaction, registration, hash).await?;
            audit_log.record(transaction, &actor(), saved.changes).await?;
            Ok::<_, anyhow::Error>((saved.details.user.user.id, Touched::Everything))
        })
    });
    let id = register.await?;
    super::say(format_args!("{name} is user {id}"))
}

fn operator() -> Caller {
    Caller::operator(operator::source(Way::CommandLine))
}

fn actor() -> Actor {
    operator().actor()
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let line = |id: &str, name: &str, user_name: &str, role: &str, group: &str, state: &str| {
        super::say(format_args!("{id:>6}  {name:<20} {user_name:<30} {role:<16} {group:<16} {state}"))
    };
    line("id", "name", "user name", "role", "group", "state")?;
    for found in users::list(store.reader()).await? {
        let state = if found.is_retired() { "retired" } else { "active" };
        let users::User { user, role, group, .. } = found;
        line(&user.id.to_string(), &user.name, &user.user_name, &role.name, &group.name, state)?;
    }
    Ok(())
}

async fn set_retired(store: &Store, config: &Config, name: &str, is_retired: bool) -> anyhow::Result<()> {
    let provider = config.provider_names()?;
    let (name, audit_log) = (name.to_owned(), super::audit_log(config, store).await?);
    let retire = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let user = super::hold_user(transaction, &name).await?;
            let end = access::set_retired(transaction, &operator(), provider, &user, is_retired).await;
            let change = end.map_err(|error| with_remedy(&user.user.name, error.into()))?;
            audit_log.record(transaction, &actor(), change.into_iter().collect()).await?;
            Ok::<_, anyhow::Error>((user.user.name, Touched::Everything))
        })
    });
    let name = retire.await?;
    super::say(format_args!("{name} is {}", if is_retired { "retired" } else { "active again" }))
}

async fn set_role(store: &Store, config: &Config, name: &str, role: &str) -> anyhow::Result<()> {
    let (provider, name, role) = (config.provider_names()?, name.to_owned(), role.to_owned());
    let audit_log = super::audit_log(config, store).await?;
    let set = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let roles = role::list(transaction).await?;
            let role = users::role_named(&roles, &role)?;
            let name = change(transaction, &audit_log, provider, &name, |user| user.role_id = role.id).await?;
            Ok::<_, anyhow::Error>(((name, role.name.clone()), Touched::Everything))
        })
    });
    let (name, role) = set.await?;
    super::say(format_args!("{name} has the role {role}"))
}

async fn set_group(store: &Store, config: &Config, name: &str, group: &str) -> anyhow::Result<()> {
    let (provider, name, group) = (config.provider_names()?, name.to_owned(), group.to_owned());
    let audit_log = super::audit_log(config, store).await?;
    let set = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let groups = user_group::list(transaction).await?;
            let group = users::group_named(&groups, &group)?;
            let name = change(transaction, &audit_log, provider, &name, |user| user.user_group_id = group.id).await?;
            Ok::<_, anyhow::Error>(((name, group.name.clone()), Touched::Everything))
        })
    });
    let (name, group) = set.await?;
    super::say(format_args!("{name} is in the group {group}"))
}

/// Changes a user as the API does, and returns the user's name.
async fn change(
    transaction: &WriteTransaction,
    audit_log: &AuditLog,
    provider: ProviderNames,
    name: &str,
    change: impl FnOnce(&mut UserRow),
) -> anyhow::Result<String> {
    let user = super::hold_user(transaction, name).await?;
    let mut input = UserInput::of(transaction, &user).await?;
    change(&mut input.user);
    let saved = users::save(transaction, &operator(), provider, input, None).await;
    let saved = saved.map_err(|error| with_remedy(&user.user.name, error))?;
    audit_log.record(transaction, &actor(), saved.changes).await?;
    Ok(user.user.name)
}

/// Adds the remedy to the error about the last administrator.
fn with_remedy(name: &str, error: Error) -> anyhow::Error {
    match error {
        Error::LastAdministrator => anyhow!(
            "{name} is the last administrator who can log in; first add another with `kommando user add NAME --role \
             Administrator`, or give another administrator a password with `kommando user set-password NAME`"
        ),
        error => error.into(),
    }
}

fn passwords(config: &Config) -> PasswordHasher {
    PasswordHasher::new(&config.password_cost, config.password_policy(), None)
}

fn read_password(config: &Config, from_stdin: bool) -> anyhow::Result<NewPassword> {
    let password = if from_stdin {
        let mut text = String::new();
        stdin().read_to_string(&mut text)?;
        SecretString::from(text.trim_end_matches(['\r', '\n']))
    } else if stdin().is_terminal() {
        let first = SecretString::from(rpassword::prompt_password("Password: ")?);
        let again = SecretString::from(rpassword::prompt_password("Again: ")?);
        ensure!(first.expose_secret() == again.expose_secret(), "the two passwords differ");
        first
    } else {
        bail!("there is no terminal to ask for the password; pass it through standard input with --password-stdin");
    };
    config.password_policy().accept(password.expose_secret()).context("the password cannot be used")
}
