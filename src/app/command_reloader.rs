//! Reloads definitions and webhook targets while serving: when their files change, and on SIGHUP.
//!
//! A reload is all or nothing: if a file has an error, the old definitions and targets stay in force, and the errors
//! are logged and shown to administrators.

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

use super::{config_check, systemd};
use crate::{
    commands::{Catalog, CommandService},
    metrics::{MetricsRegistry, definitions::RELOADS},
    store::Store,
    webhooks::{self, Targets},
};

/// Time without changes before a folder is read, so that copying can finish.
const QUIET: Duration = Duration::from_millis(200);
/// Maximum time to wait for [`QUIET`].
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Interval between two checks for a missing file or folder.
const SEARCH_INTERVAL: Duration = Duration::from_secs(2);

/// The files to reload.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The folder of definitions; `None` if the embedded examples are in force.
    pub folder: Option<PathBuf>,
    /// The file of webhook targets.
    pub targets: Option<PathBuf>,
}

pub struct CommandReloader {
    pub sources: Sources,
    pub commands: CommandService,
    pub store: Store,
    pub metrics: MetricsRegistry,
}

/// What was read from the sources that exist.
struct Read {
    catalog: Option<Catalog>,
    targets: Option<Targets>,
}

impl Sources {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.folder, &self.targets].into_iter().flatten().map(PathBuf::as_path)
    }

    /// # Errors
    /// All errors, one line each.
    fn read(&self) -> Result<Read, Vec<String>> {
        let catalog = self.folder.as_deref().map(Catalog::from_folder).transpose();
        let targets = self.targets.as_deref().map(webhooks::read).transpose();
        match (catalog, targets) {
            (Ok(catalog), Ok(targets)) => Ok(Read { catalog, targets }),
            (catalog, targets) => {
                let of_catalog = catalog.err().into_iter().flat_map(|errors| errors.0).map(|error| error.to_string());
                Err(of_catalog.chain(targets.err().into_iter().flat_map(|error| error.lines())).collect())
            }
        }
    }
}

impl CommandReloader {
    /// Reloads after changes and signals until the process ends. Without sources, it only handles the signal, which
    /// would otherwise end the process.
    pub async fn keep_reading(self, mut hangup: Signal) {
        let [taken, refused] = ["taken", "refused"].map(|outcome| self.metrics.counter(&RELOADS, &[outcome]));
        if self.sources.folder.is_none() && self.sources.targets.is_none() {
            while hangup.recv().await.is_some() {
                tracing::warn!(
                    "SIGHUP has no effect: there is nothing to reload; start with --commands to name a folder"
                );
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
                    // The files may still be being copied.
                    watcher.as_mut().map(|watcher| self.watch(watcher));
                    wait_until_quiet(&mut changes).await;
                }
            }
            // Watch again, because a replaced folder or file is a new inode. Watch before reading, so that no change is
            // missed.
            is_complete = watcher.as_mut().is_none_or(|watcher| self.watch(watcher));
            systemd::tell_reloading();
            let is_reloaded = self.reload().await;
            (if is_reloaded { &taken } else { &refused }).increment(1);
            systemd::tell_ready();
        }
    }

    /// Watches the sources. For targets, only the file itself: the database may be in the same folder and changes all
    /// the time. Returns false if a source is missing.
    fn watch(&self, watcher: &mut RecommendedWatcher) -> bool {
        let mut is_complete = true;
        for path in self.sources.paths() {
            let watched = watcher.watch(path, RecursiveMode::NonRecursive).inspect_err(not_watched);
            is_complete &= !watched.is_err_and(|error| is_missing(&error));
        }
        is_complete
    }

    /// Waits until all sources exist.
    async fn reappeared(&self) {
        while !self.sources.paths().all(Path::exists) {
            sleep(SEARCH_INTERVAL).await;
        }
    }

    /// Reads the sources and puts them in force. Returns false if they have errors.
    async fn reload(&self) -> bool {
        let sources = self.sources.clone();
        let read = tokio::task::spawn_blocking(move || sources.read()).await;
        let read = read.unwrap_or_else(|error| Err(vec![error.to_string()]));
        match read.and_then(|Read { catalog, targets }| self.commands.replace(catalog, targets)) {
            Ok(()) => {
                let catalog = self.commands.catalog();
                tracing::info!(definitions = catalog.entries().len(), "reloaded the definitions");
                if let Err(error) = self.commands.record_definitions().await {
                    tracing::error!(%error, "failed to record the new definitions in the audit chain");
                }
                self.check_names(&catalog).await;
                true
            }
            Err(errors) => {
                for error in &errors {
                    tracing::error!(error, "failed to reload definitions and targets; the old ones stay in force");
                }
                self.commands.note_failed_reload(errors);
                false
            }
        }
    }

    async fn check_names(&self, catalog: &Catalog) {
        for error in config_check::names(self.store.reader(), catalog, false).await.unwrap_or_default() {
            tracing::warn!(%error, "a definition names a role or group that does not exist");
        }
    }
}

async fn wait_until_quiet(changes: &mut UnboundedReceiver<()>) {
    let quiet = async { while timeout(QUIET, changes.recv()).await.is_ok() {} };
    let _ = timeout(MAX_WAIT, quiet).await;
}

fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

fn not_watched(error: &notify::Error) {
    tracing::warn!(%error, "failed to watch definitions or targets; send SIGHUP to reload them");
}
