//! `kommando audit`.

use anyhow::{bail, ensure};
use chrono::SecondsFormat;
use clap::Subcommand;
use kommando::{
    app::audit_key,
    config::Config,
    records::{
        audit::{self, Anchor, AuditKey, Head, Sealed, Unsealed},
        retention::{self, Retention},
    },
    store::{self, Store, Touched},
};

#[derive(Subcommand)]
pub enum Audit {
    /// Prove that no record of an execution was changed, removed or inserted since it was written
    ///
    /// Follows the chain of records from where it begins with the key of KOMMANDO_AUDIT_KEY, or that of the file beside
    /// the database, prints its head, and names the first place that does not hold. Records cut off the end leave a
    /// shorter chain that holds: note the head it prints, and compare with it next time. What is not in the chain yet,
    /// executions that run and webhooks to be sent, is proven by its seals. Triggers and views in an SQLite database that
    /// kommando did not make are named, too. May run beside a server.
    Verify {
        /// A head that was printed before: the chain must still contain it
        #[arg(long, value_name = "HEAD")]
        expect: Option<Head>,
    },
    /// Remove the records of executions that are older than this, once; KOMMANDO_RETENTION has the server do it
    ///
    /// The chain then begins with the oldest record that is kept, and is provable from there on. Records that do not hold
    /// are not removed. May run beside a server.
    Cut {
        /// What is kept, such as 365d; 2d at least
        #[arg(long, value_name = "LENGTH")]
        older_than: Retention,
    },
    /// List what should have a seal and has none, and seal it with --yes: executions that run, and webhooks to be sent
    ///
    /// An older version wrote such rows without seals; or they were inserted into the database without the key. The server
    /// neither closes nor sends them. Sealed, they count as written by it: look at each of them first. May run beside a
    /// server.
    Seal {
        /// Seal what is listed
        #[arg(long)]
        yes: bool,
    },
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = super::open_existing(config).await?;
        let key = audit_key::load(&config.database_url)?;
        audit_key::check(store.reader(), &key).await?;
        match self {
            Self::Verify { expect } => verify(&store, &key, expect.as_ref()).await?,
            Self::Cut { older_than } => {
                let mut removed = 0;
                retention::remove_older(&store, &key, older_than.horizon(), |more| removed += more).await?;
                super::say(format_args!("{removed} executions were removed"))?;
            }
            Self::Seal { yes } => seal(&store, &key, yes).await?,
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
    if found.sealed != Sealed::default() {
        let Sealed { executions, deliveries } = found.sealed;
        super::say(format_args!("the seals of {executions} executions that run and of {deliveries} webhooks hold"))?;
    }
    super::say(format_args!("head {}", found.head))?;
    let found = store::schema_differences(store.reader()).await?;
    let active: Vec<_> = found.iter().filter(|one| one.object().is_active()).map(ToString::to_string).collect();
    ensure!(active.is_empty(), "the records hold, and the database has what can change others: {}", active.join("; "));
    Ok(())
}

/// Lists what has no seal, and seals exactly that.
async fn seal(store: &Store, key: &AuditKey, yes: bool) -> anyhow::Result<()> {
    let key = key.clone();
    let seal = store.write(move |transaction| {
        Box::pin(async move {
            let unsealed = audit::find_unsealed(transaction, &key).await?;
            list(&unsealed)?;
            if yes {
                audit::seal_all(transaction, &key, &unsealed).await?;
            }
            Ok::<_, anyhow::Error>((unsealed.executions.len() + unsealed.deliveries.len(), Touched::Nothing))
        })
    });
    let count = seal.await?;
    match (count, yes) {
        (0, _) => super::say("nothing is without a seal"),
        (_, true) => super::say(format_args!("{count} were sealed")),
        (_, false) => super::say(format_args!("{count} have no seal; --yes seals them, once you have looked at each")),
    }
}

fn list(Unsealed { executions, deliveries }: &Unsealed) -> anyhow::Result<()> {
    // Escaped: such a row may hold control sequences for a terminal.
    for one in executions {
        super::say(format_args!(
            "execution {} of {}: {:?} on user {} by user {}",
            one.id, one.started_at, one.command_name, one.user_id, one.caller_id
        ))?;
    }
    for one in deliveries {
        super::say(format_args!("webhook {:?} to {:?} of {}: {:?}", one.id, one.target, one.created_at, one.body))?;
    }
    Ok(())
}
