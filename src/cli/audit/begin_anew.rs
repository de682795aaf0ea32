//! `kommando audit begin-anew`.

use anyhow::bail;
use clap::{Args, builder::NonEmptyStringValueParser};
use kommando::{
    app::audit_key,
    config::Config,
    executions::audit::{self, FormerEntries, OldRecords},
    store::{FileLock, Store},
    vault::stored_secret,
};

use crate::cli;

#[derive(Args)]
pub struct BeginAnew {
    /// Why the key is lost, for the record
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Remove all executions and changes of the old chain, for a chain that is not in order even without its key
    #[arg(long)]
    discard: bool,
}

impl BeginAnew {
    /// Begins the chain anew, once the operator has confirmed it.
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<()> {
        let old = if self.discard { OldRecords::Discard } else { OldRecords::Keep };
        let _lock = FileLock::of_url(&config.database_url).await?;
        let count = audit::count(store.reader()).await?;
        let loss = match old {
            OldRecords::Keep => "stay, but can no longer be proven",
            OldRecords::Discard => "are removed with their records",
        };
        let secrets = match stored_secret::count(store.reader()).await? {
            0 => String::new(),
            secrets => format!(" {secrets} stored secrets, which only the lost key can decrypt, are deleted."),
        };
        let question =
            format!("The {count} entries of the chain {loss}.{secrets} Begin anew after them, with another key?");
        if !self.yes && !cli::confirm(&question)? {
            bail!("nothing was changed");
        }
        let new = audit_key::load_or_make_anew(config)?;
        let FormerEntries { count, head } = audit::begin_anew(store, &new, &super::actor(), &self.reason, old).await?;
        cli::say(format_args!("{count} entries are closed, up to head {head}; the chain continues with a new key"))?;
        cli::say(format_args!("back up the key, in another place than the database: {}", audit_key::place(config)?))
    }
}
