//! `kommando migrate`.

use anyhow::ensure;
use clap::Subcommand;
use kommando::{
    config::Config,
    store::{FileLock, Store},
};

#[derive(Subcommand)]
pub enum Migrate {
    /// Apply all pending migrations. On SQLite, stop the server first
    Up,
    /// Revert the newest migrations; the content of their tables is lost. On SQLite, stop the server first
    Down {
        /// Number of migrations to revert
        #[arg(long, default_value_t = 1, value_name = "COUNT")]
        steps: u32,
        /// Confirm that data may be lost
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied. May run beside a server
    Status,
}

impl Migrate {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        if !matches!(self, Self::Up) {
            super::must_exist(config)?;
        }
        let lock = match self {
            Self::Status | Self::Down { yes: false, .. } => None,
            Self::Up | Self::Down { .. } => FileLock::of_url(&config.database_url).await?,
        };
        let store = Store::open(&config.database_url).await?.holding(lock);
        match self {
            Self::Up => store.migrate_up().await?,
            Self::Down { steps, yes } => {
                ensure!(yes, "this drops tables with their data; back up the database, then add --yes");
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
