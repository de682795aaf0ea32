//! `kommando group`.

use anyhow::{anyhow, bail};
use clap::Subcommand;
use kommando::{
    config::Config,
    error::Error,
    store::{Lock, Store, Touched},
    users::{self, Caller, NamedError, UserGroup, user_group},
};

#[derive(Subcommand)]
pub enum Group {
    /// Make a group, or bring back a deleted one
    Add {
        /// What to call it
        name: String,
        /// A hint about it
        #[arg(long, default_value = "", hide_default_value = true)]
        tooltip: String,
    },
    /// List the groups, with how many users have each as their main group
    List,
    /// Give a group another name
    Rename {
        /// What it is called
        name: String,
        /// What to call it
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
            Self::Add { name, tooltip } => add(&store, name.trim(), &tooltip).await?,
            Self::List => list(&store).await?,
            Self::Rename { name, new_name } => rename(&store, &name, new_name.trim()).await?,
        }
        Ok(store.close().await?)
    }
}

async fn add(store: &Store, name: &str, tooltip: &str) -> anyhow::Result<()> {
    let (own, tooltip) = (name.to_owned(), tooltip.to_owned());
    let add = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let name = own.as_str();
            refuse_similar(&user_group::list(transaction).await?, name)?;
            let present = user_group::find_by_name(transaction, name).await?;
            if present.as_ref().is_some_and(|group| !group.deleted) {
                bail!("there is a group {name} already; `kommando group list` shows them");
            }
            let group = users::ensure_group(transaction, Caller::operator(), name, &tooltip).await.map_err(told)?;
            Ok(((present, group), Touched::Everything))
        })
    });
    match add.await? {
        (Some(_), group) => super::say(format_args!("{name} is in use again, as group {}", group.id)),
        (None, group) => super::say(format_args!("{name} is group {}", group.id)),
    }
}

/// Refuses a name that differs from another group's in case only: people and imports could not tell them apart.
fn refuse_similar(groups: &[UserGroup], name: &str) -> anyhow::Result<()> {
    match users::group_named(groups, name) {
        Ok(group) if group.name != name => {
            bail!("there is the group {}, and {name} differs from it in case only; take another name", group.name)
        }
        Err(NamedError::Ambiguous { .. }) => bail!("several groups differ from {name} in case only; take another name"),
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

async fn rename(store: &Store, name: &str, new_name: &str) -> anyhow::Result<()> {
    let (name, own) = (name.to_owned(), new_name.to_owned());
    let rename = store.write_alone(Lock::RoleChanges, move |transaction| {
        Box::pin(async move {
            let groups = user_group::list(transaction).await?;
            let group = users::group_named(&groups, &name)?;
            let others: Vec<_> = groups.iter().filter(|other| other.id != group.id).cloned().collect();
            refuse_similar(&others, &own)?;
            let renamed = UserGroup { name: own, ..group.clone() };
            users::save_group(transaction, Caller::operator(), renamed).await.map_err(told)?;
            Ok::<_, anyhow::Error>((group.name.clone(), Touched::Everything))
        })
    });
    super::say(format_args!("{} is called {new_name} now", rename.await?))
}

/// A refusal in the words of the command line, in which the name has no property.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::Validation(text) => anyhow!("{}", text.strip_prefix("Value: ").unwrap_or(&text).to_owned()),
        error => error.into(),
    }
}
