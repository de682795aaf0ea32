//! `kommando group`.

use anyhow::{anyhow, bail};
use clap::Subcommand;
use kommando::{
    config::Config,
    error::Error,
    executions::audit::Way,
    store::{Lock, Store, Touched},
    users::{self, Caller, NamedError, UserGroup, user_group},
};

use super::operator;

#[derive(Subcommand)]
pub enum Group {
    /// Create a group, or restore a deleted one
    Add {
        /// Name of the group
        name: String,
        /// Tooltip of the group
        #[arg(long, default_value = "", hide_default_value = true)]
        tooltip: String,
    },
    /// List the groups, with the number of users in each as their main group
    List,
    /// Rename a group
    Rename {
        /// Present name
        name: String,
        /// New name
        new_name: String,
    },
}

impl Group {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = match self {
            Self::Add { .. } => super::open(config).await?,
            _ => super::open_existing(config).await?,
        };
        match self {
            Self::Add { name, tooltip } => add(&store, config, name.trim(), &tooltip).await?,
            Self::List => list(&store).await?,
            Self::Rename { name, new_name } => rename(&store, config, &name, new_name.trim()).await?,
        }
        Ok(store.close().await?)
    }
}

async fn add(store: &Store, config: &Config, name: &str, tooltip: &str) -> anyhow::Result<()> {
    let (group_name, tooltip) = (name.to_owned(), tooltip.to_owned());
    let audit_log = super::audit_log(config, store).await?;
    let add = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let name = group_name.as_str();
            refuse_similar(&user_group::list(transaction).await?, name)?;
            let present = user_group::find_by_name(transaction, name).await?;
            if present.as_ref().is_some_and(|group| !group.deleted) {
                bail!("the group {name} already exists; `kommando group list` shows all groups");
            }
            let operator = Caller::operator(operator::source(Way::CommandLine));
            let actor = operator.actor();
            let group = users::ensure_group(transaction, operator, name, &tooltip).await;
            let (group, change) = group.map_err(without_property)?;
            audit_log.record(transaction, &actor, change.into_iter().collect()).await?;
            Ok(((present, group), Touched::Everything))
        })
    });
    match add.await? {
        (Some(_), group) => super::say(format_args!("{name} is in use again, as group {}", group.id)),
        (None, group) => super::say(format_args!("{name} is group {}", group.id)),
    }
}

/// Refuses a name that differs from another group's only in case, because people and imports could not tell them apart.
fn refuse_similar(groups: &[UserGroup], name: &str) -> anyhow::Result<()> {
    match users::group_named(groups, name) {
        Ok(group) if group.name != name => {
            bail!("{name} differs from the group {} only in case; use another name", group.name)
        }
        Err(NamedError::Ambiguous { .. }) => bail!("several groups differ from {name} only in case; use another name"),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let line = |id: &str, name: &str, users: &str, state: &str, tooltip: &str| {
        super::say(format_args!("{id:>6}  {name:<30} {users:>6}  {state:<8} {tooltip}"))
    };
    line("id", "name", "users", "state", "tooltip")?;
    let all = users::list(store.reader()).await?;
    for group in user_group::list(store.reader()).await? {
        let count = all.iter().filter(|user| user.group.id == group.id).count();
        let state = if group.deleted { "deleted" } else { "in use" };
        line(&group.id.to_string(), &group.name, &count.to_string(), state, &group.tooltip)?;
    }
    Ok(())
}

async fn rename(store: &Store, config: &Config, name: &str, new_name: &str) -> anyhow::Result<()> {
    let (name, wanted) = (name.to_owned(), new_name.to_owned());
    let audit_log = super::audit_log(config, store).await?;
    let rename = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let groups = user_group::list(transaction).await?;
            let group = users::group_named(&groups, &name)?;
            let others: Vec<_> = groups.iter().filter(|other| other.id != group.id).cloned().collect();
            refuse_similar(&others, &wanted)?;
            let renamed = UserGroup { name: wanted, ..group.clone() };
            let operator = Caller::operator(operator::source(Way::CommandLine));
            let actor = operator.actor();
            let saved = users::save_group(transaction, operator, renamed).await;
            let (_, change) = saved.map_err(without_property)?;
            audit_log.record(transaction, &actor, change.into_iter().collect()).await?;
            Ok::<_, anyhow::Error>((group.name.clone(), Touched::Everything))
        })
    });
    super::say(format_args!("{} is called {new_name} now", rename.await?))
}

/// Removes the property name of the API from an error.
fn without_property(error: Error) -> anyhow::Error {
    match error {
        Error::Validation(text) => anyhow!("{}", text.strip_prefix("Value: ").unwrap_or(&text).to_owned()),
        error => error.into(),
    }
}
