//! What systemd is told when it started the process; nobody otherwise.

use sd_notify::NotifyState;
use tokio::time::interval;

/// The server takes requests.
pub fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// The server ends.
pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Definitions are read again; `tell_ready` says that they were.
pub fn tell_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// Tells from time to time that the process still works, where the unit asks for that.
pub fn keep_alive() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut due = interval(patience / 2);
        loop {
            due.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

/// A supervisor that is gone is no reason to stop.
fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
