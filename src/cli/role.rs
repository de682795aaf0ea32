//! `kommando role`.

use clap::Subcommand;
use kommando::{config::Config, users::role};
use sea_orm::ActiveEnum;

#[derive(Subcommand)]
pub enum Role {
    /// List the roles, the highest first, with their rights
    List,
}

impl Role {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::List = self;
        let store = super::open_existing(config).await?;
        let line = |id: &str, name: &str, kind: &str, rank: &str, rights: &str, tooltip: &str| {
            super::say(format_args!("{id:>6}  {name:<20} {kind:<13} {rank:>4}  {rights:<25} {tooltip}"))
        };
        line("id", "name", "for", "rank", "rights", "tooltip")?;
        for role in role::list(store.reader()).await? {
            let rights: Vec<_> = role.function_rights.0.iter().map(|right| right.name()).collect();
            let rights = if rights.is_empty() { "-".to_owned() } else { rights.join(" ") };
            let kind = role.role_type.to_value();
            line(&role.id.to_string(), &role.name, &kind, &role.rank.to_string(), &rights, &role.tooltip)?;
        }
        Ok(store.close().await?)
    }
}
