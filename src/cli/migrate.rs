//! `kommando migrate`.

use anyhow::ensure;
use clap::Subcommand;
use kommando::{config::Config, store::Store};

#[derive(Subcommand)]
pub enum Migrate {
    /// Apply every pending migration
    Up,
    /// Revert the newest migrations. What their tables held is lost
    Down {
        /// How many
        #[arg(long, default_value_t = 1, value_name = "COUNT")]
        steps: u32,
        /// Confirm that the data may be lost
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied
    Status,
}

impl Migrate {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        if !matches!(self, Self::Up) {
            super::must_exist(config)?;
        }
        let store = Store::open(&config.database_url).await?;
        match self {
            Self::Up => store.migrate_up().await?,
            Self::Down { steps, yes } => {
                ensure!(yes, "this drops tables with what they hold; back up the database, then add --yes");
                store.migrate_down(steps).await?;
            }
            Self::Status => {}
        }
        for migration in store.migrations().await? {
            super::say(format_args!("{}  {}", if migration.applied { "applied" } else { "pending" }, migration.name))?;
        }
        Ok(store.close().await?)
    }
}
