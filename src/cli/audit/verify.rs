//! `kommando audit verify`.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use chrono::SecondsFormat;
use clap::Args;
use kommando::{
    app::audit_key,
    config::Config,
    executions::audit::{self, Action, Anchor, Head, Sealed, change},
    store::{self, Store},
};

use crate::cli;

#[derive(Args)]
pub struct Verify {
    /// Head printed before, which the chain must still contain
    #[arg(long, value_name = "HEAD")]
    expect: Option<Head>,
    /// File with the key from before the last change of the key: also check that it sealed the change
    #[arg(long, value_name = "FILE")]
    former_key_file: Option<PathBuf>,
}

impl Verify {
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<()> {
        let key = super::key(store, config).await?;
        let bar = cli::progress_bar(audit::count(store.reader()).await?);
        let found = audit::verify(store, &key, self.expect.as_ref(), |more| bar.inc(more)).await?;
        bar.finish_and_clear();
        if let Some(error) = found.broken {
            bail!("verification failed at {error}");
        }
        let beginning = found.anchor.as_ref().map_or(0, |anchor| anchor.position);
        let begun_anew = found.key_changes.iter().rev().find(|(_, change)| change.action == Action::ChainBegunAnew);
        let unproven = begun_anew.map_or(beginning, |(position, _)| position - 1);
        let valid = found.head.position - unproven;
        cli::say(format_args!("{valid} entries are valid, {} are not linked yet", found.unlinked))?;
        if let Some(expected) = self.expect {
            cli::say(format_args!("the chain contains the expected head {expected}"))?;
        }
        if let Some(Anchor { position, finished_at, .. }) = found.anchor {
            let finished_at = finished_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            cli::say(format_args!(
                "the chain begins after entry {position} of {finished_at}; older entries were removed"
            ))?;
        }
        for (position, change) in &found.key_changes {
            say_key_change(*position, change, position - 1 - beginning)?;
        }
        if let Some(file) = self.former_key_file {
            let former = audit_key::read(&file)?;
            let (position, change) = found.key_changes.last().context("the chain has no change of the key")?;
            ensure!(
                audit::is_sealed_by_former(&former, &key, change),
                "the records are valid, but the change of the key at entry {position} was not sealed by the key in \
                 --former-key-file"
            );
            cli::say("the last change of the key was sealed by the former key")?;
        }
        if found.sealed != Sealed::default() {
            let Sealed { executions, deliveries } = found.sealed;
            cli::say(format_args!("the seals of {executions} running executions and {deliveries} webhooks are valid"))?;
        }
        cli::say(format_args!("head {}", found.head))?;
        let found = store::schema_differences(store.reader()).await?;
        let active: Vec<_> = found.iter().filter(|one| one.object().is_active()).map(ToString::to_string).collect();
        ensure!(
            active.is_empty(),
            "the records are valid, but the database contains objects that can change data: {}",
            active.join("; ")
        );
        Ok(())
    }
}

/// What a change of the key means for the entries before it.
fn say_key_change(position: i64, change: &change::Model, before: i64) -> anyhow::Result<()> {
    let time = change.recorded_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if change.action != Action::ChainBegunAnew {
        return cli::say(format_args!("the key was changed at entry {position} of {time}"));
    }
    let reason = change.after.0.get("reason").and_then(|reason| reason.as_str()).unwrap_or_default();
    cli::say(format_args!(
        "the chain was begun anew at entry {position} of {time}: {before} entries before it cannot be proven, because their \
         key is lost, but were not changed since then. The reason given was: {reason:?}"
    ))
}
