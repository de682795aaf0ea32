//! Notifies systemd of the state of the server, if systemd started it.

use sd_notify::NotifyState;
use tokio::time::interval;

/// Reports that the server accepts requests.
pub fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// Reports that the server is shutting down.
pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Reports the start of a reload; [`tell_ready`] reports its end.
pub fn tell_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// Sends keep-alive notifications, if the unit enables the watchdog.
pub fn keep_alive() {
    let Some(watchdog_timeout) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut due = interval(watchdog_timeout / 2);
        loop {
            due.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

/// Notifies systemd. A failure does not stop the server.
fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "failed to notify systemd");
    }
}
