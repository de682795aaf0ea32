//! Reading definitions again while serving: when their folder changes, and on SIGHUP.
//!
//! A set is taken as a whole or not at all: while one file in it is wrong, the old set stays in force.

use std::{path::PathBuf, time::Duration};

use notify::{EventKind, RecursiveMode, Watcher};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::sleep,
};

use crate::commands::{Catalog, Commands};

/// How long a folder must be quiet before it is read: whoever copies files is given time to finish.
const QUIET: Duration = Duration::from_millis(200);

/// Reads the folder again whenever that is due, for as long as the process serves.
///
/// # Errors
/// The process cannot listen to signals.
pub fn start(folder: PathBuf, commands: Commands) -> std::io::Result<()> {
    let hangup = signal(SignalKind::hangup())?;
    tokio::spawn(keep_reading(folder, commands, hangup));
    Ok(())
}

async fn keep_reading(folder: PathBuf, commands: Commands, mut hangup: Signal) {
    let (changed, mut changes) = mpsc::unbounded_channel();
    let report = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            let _ = changed.send(());
        }
    };
    let watcher = notify::recommended_watcher(report)
        .and_then(|mut watcher| watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher));
    if let Err(error) = &watcher {
        tracing::warn!(%error, "the folder of definitions is not watched; SIGHUP reads it again");
    }
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            Some(()) = changes.recv() => {
                sleep(QUIET).await;
                while changes.try_recv().is_ok() {}
            }
        }
        read(folder.clone(), &commands).await;
    }
}

async fn read(folder: PathBuf, commands: &Commands) {
    match tokio::task::spawn_blocking(move || Catalog::from_folder(&folder)).await {
        Ok(read) => match read.and_then(|catalog| commands.check_targets(&catalog).map(|()| catalog)) {
            Ok(catalog) => {
                tracing::info!(definitions = catalog.entries().len(), "definitions read again");
                commands.replace(catalog);
            }
            Err(faults) => {
                for fault in faults.0 {
                    tracing::error!(%fault, "a definition is wrong; the old ones stay in force");
                }
            }
        },
        Err(error) => tracing::error!(%error, "definitions could not be read"),
    }
}
