//! `kommando audit`.

mod export;
mod tail;

use anyhow::{bail, ensure};
use chrono::SecondsFormat;
use clap::Subcommand;
use kommando::{
    app::audit_key,
    config::Config,
    executions::{
        audit::{
            self, Action, Actor, Anchor, AuditKey, AuditLog, Change, ChangedFields, Head, Sealed, Subject, SubjectType,
            Unsealed, Way,
        },
        retention::{self, Retention},
    },
    store::{self, Store, Touched},
};

use self::{export::Export, tail::Tail};
use super::operator;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify that no audit record was changed, removed or inserted
    ///
    /// Checks the chain with the key of KOMMANDO_AUDIT_KEY, or of the file beside the database. Prints the head of the
    /// chain, or names the first invalid entry. If records at the end were removed, the shorter chain is still valid:
    /// note the head and give it to --expect the next time. Also checks the seals of running executions and pending
    /// webhooks, and names triggers and views in an SQLite database that kommando did not create. May run beside a
    /// server.
    Verify {
        /// Head printed before, which the chain must still contain
        #[arg(long, value_name = "HEAD")]
        expect: Option<Head>,
    },
    /// Write the audit records to standard output, newest first: who did what, by what way
    Export(Export),
    /// Write the audit records as JSON lines in the order of the chain, oldest first, for a log collector
    ///
    /// Each line has its `position` in the chain. With --position-file, the next start continues after the last line
    /// that was written. After a crash, the last lines may come again, with the same positions.
    Tail(Tail),
    /// Remove old audit records, once; with KOMMANDO_RETENTION the server does it
    ///
    /// The chain then begins with the oldest record that is kept, and can be verified from there. Fails at an
    /// invalid record; that record and all later ones are kept. May run beside a server.
    Cut {
        /// Age from which records are removed, such as 365d, at least 2d
        #[arg(long, value_name = "LENGTH")]
        older_than: Retention,
    },
    /// List running executions and pending webhooks without a seal, and seal them with --yes
    ///
    /// Such rows were written by an older version, or inserted into the database without the key. The server neither
    /// closes nor sends them. Once sealed, they count as written by the server: look at each of them first. May run
    /// beside a server.
    Seal {
        /// Seal what is listed
        #[arg(long)]
        yes: bool,
    },
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = super::open_existing(config).await?;
        let key = async || {
            let key = audit_key::load(&config.database_url)?;
            audit_key::check(store.reader(), &key).await?;
            anyhow::Ok(key)
        };
        match self {
            Self::Export(export) => export.write(&store).await?,
            Self::Tail(tail) => tail.write(&store).await?,
            Self::Verify { expect } => verify(&store, &key().await?, expect.as_ref()).await?,
            Self::Cut { older_than } => {
                let mut removed = 0;
                let actor = Actor::of(operator::source(Way::CommandLine));
                retention::remove_older(&store, &key().await?, &actor, older_than.horizon(), |more| removed += more)
                    .await?;
                super::say(format_args!("{removed} records were removed"))?;
            }
            Self::Seal { yes } => seal(&store, &key().await?, yes).await?,
        }
        Ok(store.close().await?)
    }
}

async fn verify(store: &Store, key: &AuditKey, expected: Option<&Head>) -> anyhow::Result<()> {
    let bar = super::progress_bar(audit::count(store.reader()).await?);
    let found = audit::verify(store, key, expected, |more| bar.inc(more)).await?;
    bar.finish_and_clear();
    if let Some(error) = found.broken {
        bail!("verification failed at {error}");
    }
    let beginning = found.anchor.as_ref().map_or(0, |anchor| anchor.position);
    let held = found.head.position - beginning;
    super::say(format_args!("{held} entries are valid, {} are not linked yet", found.unlinked))?;
    if let Some(Anchor { position, finished_at, .. }) = found.anchor {
        let finished_at = finished_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        super::say(format_args!(
            "the chain begins after entry {position} of {finished_at}; older entries were removed"
        ))?;
    }
    if found.sealed != Sealed::default() {
        let Sealed { executions, deliveries } = found.sealed;
        super::say(format_args!("the seals of {executions} running executions and {deliveries} webhooks are valid"))?;
    }
    super::say(format_args!("head {}", found.head))?;
    let found = store::schema_differences(store.reader()).await?;
    let active: Vec<_> = found.iter().filter(|one| one.object().is_active()).map(ToString::to_string).collect();
    ensure!(
        active.is_empty(),
        "the records are valid, but the database contains objects that can change data: {}",
        active.join("; ")
    );
    Ok(())
}

/// Lists the rows without a seal, and with `yes` seals exactly these.
async fn seal(store: &Store, key: &AuditKey, yes: bool) -> anyhow::Result<()> {
    let key = key.clone();
    let seal = store.write(move |transaction| {
        Box::pin(async move {
            let unsealed = audit::find_unsealed(transaction, &key).await?;
            list(&unsealed)?;
            if yes {
                audit::seal_all(transaction, &key, &unsealed).await?;
                if !unsealed.executions.is_empty() || !unsealed.deliveries.is_empty() {
                    let fields = ChangedFields::from([
                        ("executions", unsealed.executions.len().into()),
                        ("webhooks", unsealed.deliveries.len().into()),
                    ]);
                    let sealed = Change::new(Action::RowsSealed, Subject::new(SubjectType::Chain, "", ""));
                    let sealed = sealed.fields(ChangedFields::default(), fields);
                    let actor = Actor::of(operator::source(Way::CommandLine));
                    AuditLog::new(key).record(transaction, &actor, vec![sealed]).await?;
                }
            }
            Ok::<_, anyhow::Error>((unsealed.executions.len() + unsealed.deliveries.len(), Touched::Nothing))
        })
    });
    let count = seal.await?;
    match (count, yes) {
        (0, _) => super::say("all rows have seals"),
        (_, true) => super::say(format_args!("{count} rows were sealed")),
        (_, false) => super::say(format_args!("{count} rows have no seal; check each, then seal them with --yes")),
    }
}

fn list(Unsealed { executions, deliveries }: &Unsealed) -> anyhow::Result<()> {
    // Escaped, because such a row may contain terminal control sequences.
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
