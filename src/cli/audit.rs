//! `kommando audit`.

use anyhow::bail;
use chrono::SecondsFormat;
use clap::Subcommand;
use kommando::{
    app::audit_key,
    config::Config,
    records::{
        audit::{self, Anchor, AuditKey, Head},
        retention::{self, Retention},
    },
    store::Store,
};

#[derive(Subcommand)]
pub enum Audit {
    /// Prove that no record of an execution was changed, removed or inserted since it was written
    ///
    /// Follows the chain of records from where it begins with the key of KOMMANDO_AUDIT_KEY, or that of the file beside
    /// the database, prints its head, and names the first place that does not hold. Records cut off the end leave a
    /// shorter chain that holds: note the head it prints, and compare with it next time.
    Verify {
        /// A head that was printed before: the chain must still contain it
        #[arg(long, value_name = "HEAD")]
        expect: Option<Head>,
    },
    /// Remove the records of executions that are older than this, once; KOMMANDO_RETENTION has the server do it
    ///
    /// The chain then begins with the oldest record that is kept, and is provable from there on. Records that do not hold
    /// are not removed.
    Cut {
        /// What is kept, such as 365d; 2d at least
        #[arg(long, value_name = "LENGTH")]
        older_than: Retention,
    },
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = super::open_existing(config).await?;
        let key = audit_key::load(&config.database_url)?;
        match self {
            Self::Verify { expect } => verify(&store, &key, expect.as_ref()).await?,
            Self::Cut { older_than } => {
                let mut removed = 0;
                retention::remove_older(&store, &key, older_than.horizon(), |more| removed += more).await?;
                super::say(format_args!("{removed} executions were removed"))?;
            }
        }
        Ok(store.close().await?)
    }
}

async fn verify(store: &Store, key: &AuditKey, expected: Option<&Head>) -> anyhow::Result<()> {
    let bar = super::progress_bar(audit::count(store.reader()).await?);
    let found = audit::verify(store, key, expected, |more| bar.inc(more)).await?;
    bar.finish_and_clear();
    if let Some(fault) = found.broken {
        bail!("the proof fails at {fault}");
    }
    let beginning = found.anchor.as_ref().map_or(0, |anchor| anchor.position);
    let held = found.head.position - beginning;
    super::say(format_args!("{held} entries hold, {} are not linked yet", found.unlinked))?;
    if let Some(Anchor { position, finished_at, .. }) = found.anchor {
        let finished_at = finished_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        super::say(format_args!(
            "the chain begins behind entry {position}, of {finished_at}; older ones were removed"
        ))?;
    }
    super::say(format_args!("head {}", found.head))
}
