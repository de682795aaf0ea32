//! `kommando audit`.

use std::io::{IsTerminal, stderr};

use anyhow::bail;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kommando::{
    app::audit_key,
    config::Config,
    records::audit::{self, Head},
};

#[derive(Subcommand)]
pub enum Audit {
    /// Prove that no record of an execution was changed, removed or inserted since it was written
    ///
    /// Follows the chain of records from its beginning with the key of KOMMANDO_AUDIT_KEY, or that of the file beside
    /// the database, prints its head, and names the first place that does not hold. Records cut off the end leave a
    /// shorter chain that holds: note the head it prints, and compare with it next time.
    Verify {
        /// A head that was printed before: the chain must still contain it
        #[arg(long, value_name = "HEAD")]
        expect: Option<Head>,
    },
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Verify { expect } = self;
        let store = super::open_existing(config).await?;
        let key = audit_key::load(&config.database_url)?;
        let bar = progress_bar(audit::count(store.reader()).await?);
        let found = audit::verify(store.reader(), &key, expect.as_ref(), |more| bar.inc(more)).await?;
        bar.finish_and_clear();
        store.close().await?;
        if let Some(fault) = found.broken {
            bail!("the proof fails at {fault}");
        }
        super::say(format_args!("{} entries hold, {} are not linked yet", found.head.position, found.unlinked))?;
        super::say(format_args!("head {}", found.head))
    }
}

fn progress_bar(entries: u64) -> ProgressBar {
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} {eta}");
    ProgressBar::with_draw_target(Some(entries), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
