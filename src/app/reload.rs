//! Reading definitions and webhook targets again while serving: when their files change, and on SIGHUP.
//!
//! A set is taken as a whole or not at all: while one file in it is wrong, the old set stays in force, and operators are
//! shown why.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    signal::unix::Signal,
    sync::mpsc::{self, UnboundedReceiver},
    time::{sleep, timeout},
};

use super::{check, supervisor};
use crate::{
    commands::{Catalog, CommandService},
    store::Store,
    watch::{Meters, families::RELOADS},
    webhooks::{self, Targets},
};

/// How long a folder must be quiet before it is read, so that copying can finish,
const QUIET: Duration = Duration::from_millis(200);
/// and how long to wait for that.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to look for a missing file or folder.
const SEARCH: Duration = Duration::from_secs(2);

/// What is read again.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The folder of definitions; none where those in force are embedded.
    pub folder: Option<PathBuf>,
    /// The file of webhook targets.
    pub targets: Option<PathBuf>,
}

pub struct Reloader {
    pub sources: Sources,
    pub commands: CommandService,
    pub store: Store,
    pub meters: Meters,
}

/// What was read; nothing of what there is no source for.
struct Read {
    catalog: Option<Catalog>,
    targets: Option<Targets>,
}

impl Sources {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.folder, &self.targets].into_iter().flatten().map(PathBuf::as_path)
    }

    /// # Errors
    /// Everything that is wrong, a line each.
    fn read(&self) -> Result<Read, Vec<String>> {
        let catalog = self.folder.as_deref().map(Catalog::from_folder).transpose();
        let targets = self.targets.as_deref().map(webhooks::read).transpose();
        match (catalog, targets) {
            (Ok(catalog), Ok(targets)) => Ok(Read { catalog, targets }),
            (catalog, targets) => {
                let of_catalog = catalog.err().into_iter().flat_map(|faults| faults.0).map(|fault| fault.to_string());
                Err(of_catalog.chain(targets.err().into_iter().flat_map(|error| error.lines())).collect())
            }
        }
    }
}

impl Reloader {
    /// Reads again whenever that is due, for as long as the process serves. Without a source there is nothing to read, and
    /// the signal, which would end a process that does not expect it, is only told of.
    pub async fn keep_reading(self, mut hangup: Signal) {
        let [taken, refused] = ["taken", "refused"].map(|outcome| self.meters.counter(&RELOADS, &[outcome]));
        if self.sources.folder.is_none() && self.sources.targets.is_none() {
            while hangup.recv().await.is_some() {
                tracing::warn!("there is no folder of definitions to read again; --commands names one at the start");
            }
            return;
        }
        let (changed, mut changes) = mpsc::unbounded_channel();
        let report = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                let _ = changed.send(());
            }
        };
        let mut watcher = notify::recommended_watcher(report).inspect_err(not_watched).ok();
        let mut is_complete = watcher.as_mut().is_none_or(|watcher| self.watch(watcher));
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                Some(()) = changes.recv() => wait_until_quiet(&mut changes).await,
                () = self.reappeared(), if !is_complete => {
                    // It may still be copied.
                    watcher.as_mut().map(|watcher| self.watch(watcher));
                    wait_until_quiet(&mut changes).await;
                }
            }
            // Watch again each time, since a replaced folder or file is a new one. Watch before reading, so that no later
            // change is missed.
            is_complete = watcher.as_mut().is_none_or(|watcher| self.watch(watcher));
            supervisor::tell_reloading();
            let is_taken = self.read().await;
            (if is_taken { &taken } else { &refused }).increment(1);
            supervisor::tell_ready();
        }
    }

    /// Of the targets only the file itself is watched: the database may be in the same folder, and changes all the time.
    /// False when something is missing.
    fn watch(&self, watcher: &mut RecommendedWatcher) -> bool {
        let mut is_complete = true;
        for path in self.sources.paths() {
            let watched = watcher.watch(path, RecursiveMode::NonRecursive).inspect_err(not_watched);
            is_complete &= !watched.is_err_and(|error| is_missing(&error));
        }
        is_complete
    }

    /// Waits until everything that is read exists.
    async fn reappeared(&self) {
        while !self.sources.paths().all(Path::exists) {
            sleep(SEARCH).await;
        }
    }

    /// Whether what was read is in force now.
    async fn read(&self) -> bool {
        let sources = self.sources.clone();
        let read = tokio::task::spawn_blocking(move || sources.read()).await;
        let read = read.unwrap_or_else(|error| Err(vec![error.to_string()]));
        match read.and_then(|Read { catalog, targets }| self.commands.replace(catalog, targets)) {
            Ok(()) => {
                let catalog = self.commands.catalog();
                tracing::info!(definitions = catalog.entries().len(), "definitions read again");
                self.check_names(&catalog).await;
                true
            }
            Err(faults) => {
                for fault in &faults {
                    tracing::error!(fault, "a definition or target is wrong; the old ones stay in force");
                }
                self.commands.note_failed_reload(faults);
                false
            }
        }
    }

    async fn check_names(&self, catalog: &Catalog) {
        for fault in check::names(self.store.reader(), catalog, false).await.unwrap_or_default() {
            tracing::warn!(%fault, "a definition names what does not exist");
        }
    }
}

async fn wait_until_quiet(changes: &mut UnboundedReceiver<()>) {
    let quiet = async { while timeout(QUIET, changes.recv()).await.is_ok() {} };
    let _ = timeout(PATIENCE, quiet).await;
}

fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

fn not_watched(error: &notify::Error) {
    tracing::warn!(%error, "the definitions or targets are not watched; SIGHUP reads them again");
}
