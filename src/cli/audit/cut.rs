//! `kommando audit cut`.

use clap::{Args, ValueEnum};
use kommando::{
    config::Config,
    executions::retention::{self, Horizons, Retention},
    store::Store,
};

use crate::cli;

#[derive(Args)]
pub struct Cut {
    /// Age from which records are removed, such as 365d, at least 2d
    #[arg(long, value_name = "LENGTH")]
    older_than: Retention,
    /// Remove only records of this kind; the others are kept
    #[arg(long, value_name = "KIND")]
    only: Option<Kind>,
}

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Executions,
    Changes,
}

impl Cut {
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<()> {
        let (mut removed, horizon) = (0, Some(self.older_than.horizon()));
        let horizons = Horizons {
            executions: horizon.filter(|_| self.only != Some(Kind::Changes)),
            changes: horizon.filter(|_| self.only != Some(Kind::Executions)),
        };
        let key = super::key(store, config).await?.into();
        retention::remove_older(store, &key, &super::actor(), horizons, |more| removed += more).await?;
        cli::say(format_args!("{removed} records were removed"))
    }
}
