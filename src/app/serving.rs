//! Serving: the last steps before the first request, and everything after it.

use std::future::{Future, pending};

use poem::{Endpoint, Response};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

use super::{
    App, StartError,
    housekeeping::Housekeeping,
    server::{self, Limits, connection_limit::ConnectionLimiter, proxies::Proxies},
};
use crate::{config::Metrics, records::audit, watch::families::EVICTED};

/// How many connections look at metrics at once.
const MOST_WATCHERS: usize = 64;

/// A server that is ready for the first request.
pub struct ReadyServer<E> {
    pub app: App,
    endpoint: E,
}

impl App {
    /// Settles what an earlier process left open, the last step before the first request. Metrics are shown from now on, on
    /// this listener where there is one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn make_ready(
        self,
        metrics: Option<TcpListener>,
    ) -> Result<ReadyServer<impl Endpoint<Output = Response> + 'static>, StartError> {
        self.commands.recover_and_start().await.map_err(StartError::Recover)?;
        let endpoint = self.endpoint();
        if self.metrics != Metrics::Off {
            tokio::spawn(self.panel.clone().keep_tidy());
        }
        if let Some(listener) = metrics {
            self.show_metrics(listener);
        }
        Ok(ReadyServer { app: self, endpoint })
    }

    /// Shows metrics on a listener of their own until the process ends.
    fn show_metrics(&self, listener: TcpListener) {
        let url = listener.local_addr().map(|address| format!("http://{address}/metrics")).ok();
        tracing::info!(url, "showing metrics");
        let limits = Limits {
            connections: ConnectionLimiter::new(MOST_WATCHERS, MOST_WATCHERS, self.panel.meters.counter(&EVICTED, &[])),
            refused: self.limits.refused.clone(),
            proxies: Proxies::default(),
        };
        tokio::spawn(server::run(self.panel.clone(), limits, listener, pending()));
    }
}

/// The listener of the metrics, where they have an address of their own.
///
/// # Errors
/// The address cannot be listened on.
pub fn listen_for_metrics(metrics: Metrics) -> Result<Option<TcpListener>, StartError> {
    let Metrics::At(address) = metrics else { return Ok(None) };
    server::listen(address).map(Some).map_err(|error| StartError::Metrics(address, error))
}

impl<E: Endpoint<Output = Response> + 'static> ReadyServer<E> {
    /// Serves until `stop` is ready, clearing away what is past its time, lets the requests in flight end, and closes the
    /// database.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Self { app, endpoint } = self;
        let housekeeping = tokio::spawn(app.housekeeping.clone().keep_clearing());
        let saving = tokio::spawn(app.authenticator.guessing.clone().keep_saving(app.store.in_background()));
        let linking = app.store.is_shared().then(|| {
            let Housekeeping { store, audit_key, .. } = app.housekeeping.clone();
            tokio::spawn(audit::keep_linking(store, audit_key))
        });
        server::run(endpoint, app.limits, listener, stop).await;
        if timeout(server::DRAIN, app.commands.drain()).await.is_err() {
            tracing::warn!("runs were cut off that wait for other systems; what came of them is not known");
        }
        housekeeping.abort();
        saving.abort();
        if let Err(error) = app.authenticator.guessing.save(&app.housekeeping.store).await {
            tracing::warn!(%error, "failed to save the state of the login rate limiter");
        }
        linking.inspect(JoinHandle::abort);
        if let Err(error) = app.housekeeping.note_head().await {
            tracing::warn!(%error, "the head of the audit chain could not be read");
        }
        if let Err(error) = app.store.close().await {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }
}
