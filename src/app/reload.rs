//! Reading definitions again while serving: when their folder changes, and on SIGHUP.
//!
//! A set is taken as a whole or not at all: while one file in it is wrong, the old set stays in force.

use std::{path::PathBuf, time::Duration};

use notify::{EventKind, RecursiveMode, Watcher};
use tokio::{signal::unix::Signal, sync::mpsc, time::timeout};

use super::supervisor;
use crate::{
    commands::{Catalog, Commands},
    watch::{Meters, families::RELOADS},
};

/// How long a folder must be quiet before it is read: whoever copies files is given time to finish,
const QUIET: Duration = Duration::from_millis(200);
/// but not for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the folder again whenever that is due, for as long as the process serves. Without a folder there is nothing to
/// read, and the signal, which would end a process that does not expect it, is only told of.
pub async fn keep_reading(folder: Option<PathBuf>, commands: Commands, meters: Meters, mut hangup: Signal) {
    let [taken, refused] = ["taken", "refused"].map(|outcome| meters.counter(&RELOADS, &[outcome]));
    let Some(folder) = folder else {
        while hangup.recv().await.is_some() {
            tracing::warn!("there is no folder of definitions to read again; --commands names one at the start");
        }
        return;
    };
    let (changed, mut changes) = mpsc::unbounded_channel();
    let report = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            let _ = changed.send(());
        }
    };
    let not_watched = |error: &notify::Error| {
        tracing::warn!(%error, "the folder of definitions is not watched; SIGHUP reads it again");
    };
    let mut watcher = notify::recommended_watcher(report).inspect_err(not_watched).ok();
    loop {
        // Again each time: a folder that was put in the place of another is another one.
        if let Some(watcher) = &mut watcher {
            let _ = watcher.watch(&folder, RecursiveMode::NonRecursive).inspect_err(not_watched);
        }
        tokio::select! {
            _ = hangup.recv() => {}
            Some(()) = changes.recv() => {
                let quiet = async { while timeout(QUIET, changes.recv()).await.is_ok() {} };
                let _ = timeout(PATIENCE, quiet).await;
            }
        }
        supervisor::tell_reloading();
        let is_taken = read(folder.clone(), &commands).await;
        (if is_taken { &taken } else { &refused }).increment(1);
        supervisor::tell_ready();
    }
}

/// Whether the definitions are in force now.
async fn read(folder: PathBuf, commands: &Commands) -> bool {
    match tokio::task::spawn_blocking(move || Catalog::from_folder(&folder)).await {
        Ok(read) => match read.and_then(|catalog| commands.check_targets(&catalog).map(|()| catalog)) {
            Ok(catalog) => {
                tracing::info!(definitions = catalog.entries().len(), "definitions read again");
                commands.replace(catalog);
                return true;
            }
            Err(faults) => {
                for fault in faults.0 {
                    tracing::error!(%fault, "a definition is wrong; the old ones stay in force");
                }
            }
        },
        Err(error) => tracing::error!(%error, "definitions could not be read"),
    }
    false
}
