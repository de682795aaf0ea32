//! `kommando audit tail`: the records in the order of the chain, for a log collector.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use clap::Args;
use kommando::{
    api::export::{self, DisplayNames, ExportFormat},
    executions::audit::{Record, chain_page},
    store::Store,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::cli;

const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Tail {
    /// Keep waiting for new records
    #[arg(long)]
    follow: bool,
    /// Begin after this position of the chain
    #[arg(long, value_name = "POSITION", default_value_t = 0, hide_default_value = true)]
    after: i64,
    /// File that keeps the position of the last record written; takes precedence over --after once it exists
    #[arg(long, value_name = "FILE")]
    position_file: Option<PathBuf>,
}

impl Tail {
    pub async fn write(self, store: &Store) -> anyhow::Result<()> {
        let kept = self.position_file.as_deref().map(read_position).transpose()?.flatten();
        let mut position = kept.unwrap_or(self.after);
        let mut end = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        loop {
            let entries = chain_page(store.reader(), position.saturating_add(1)).await?;
            if entries.is_empty() {
                if !self.follow {
                    return Ok(());
                }
                tokio::select! {
                    () = sleep(POLL_INTERVAL) => continue,
                    _ = end.recv() => return Ok(()),
                    _ = interrupt.recv() => return Ok(()),
                }
            }
            let mut lines = String::new();
            let records: Vec<_> = entries.iter().filter_map(|(_, record)| record.clone()).collect();
            let users = export::user_names(store.reader(), &records, |_| true).await?;
            for (entry, record) in entries {
                position = entry.position.unwrap_or(position);
                if entry.is_removed() {
                    // The record was removed after its retention.
                    lines += &format!("{}\n", serde_json::json!({"position": position, "removed": true}));
                    continue;
                }
                let missing = || anyhow!("the record of entry {position} is missing; see `kommando audit verify`");
                let record: Record = record.ok_or_else(missing)?;
                let names = DisplayNames::default();
                lines += &export::record_line(ExportFormat::JsonLines, record, Some(position), &users, &names);
            }
            cli::write(lines)?;
            if let Some(file) = &self.position_file {
                write_position(file, position).with_context(|| format!("failed to write {}", file.display()))?;
            }
        }
    }
}

/// The position in a file; `None` without the file.
fn read_position(file: &Path) -> anyhow::Result<Option<i64>> {
    match fs::read_to_string(file) {
        Ok(text) => {
            let position = text.trim().parse();
            position.map(Some).with_context(|| format!("{} does not contain a position of the chain", file.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", file.display())),
    }
}

/// Replaces the file, so that it always contains a whole position.
fn write_position(file: &Path, position: i64) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(".new");
    fs::write(&temporary, format!("{position}\n"))?;
    fs::rename(&temporary, file)
}
