//! Serving: the last steps before the first request, the background jobs, and the shutdown.

use std::future::{Future, pending};

use poem::{Endpoint, Response};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

use super::{
    App, StartError,
    housekeeping::Housekeeping,
    server::{self, Limits, connection_limit::ConnectionLimiter, trusted_proxies::TrustedProxies},
};
use crate::{config::Metrics, executions::audit, metrics::definitions::EVICTED};

/// Maximum number of connections to the metrics listener.
const MAX_SCRAPERS: usize = 64;

/// A server that is ready for the first request.
pub struct ReadyServer<E> {
    pub app: App,
    endpoint: E,
}

impl App {
    /// Recovers the runs and deliveries of an earlier process, the last step before the first request. Serves metrics
    /// from now on, on this listener if there is one.
    pub async fn make_ready(
        self,
        metrics: Option<TcpListener>,
    ) -> Result<ReadyServer<impl Endpoint<Output = Response> + 'static>, StartError> {
        self.commands.recover_and_start().await.map_err(StartError::Recover)?;
        let endpoint = self.endpoint();
        if self.metrics != Metrics::Off {
            tokio::spawn(self.metrics_endpoint.clone().keep_tidy());
        }
        if let Some(listener) = metrics {
            self.show_metrics(listener);
        }
        Ok(ReadyServer { app: self, endpoint })
    }

    /// Serves metrics on a separate listener until the process ends.
    fn show_metrics(&self, listener: TcpListener) {
        let url = listener.local_addr().map(|address| format!("http://{address}/metrics")).ok();
        tracing::info!(url, "serving metrics");
        let limits = Limits {
            connections: ConnectionLimiter::new(
                MAX_SCRAPERS,
                MAX_SCRAPERS,
                self.metrics_endpoint.metrics.counter(&EVICTED, &[]),
            ),
            refused: self.limits.refused.clone(),
            proxies: TrustedProxies::default(),
            tls: None,
        };
        tokio::spawn(server::run(self.metrics_endpoint.clone(), limits, listener, pending()));
    }
}

/// The listener of the metrics, if they have a separate address.
///
/// # Errors
/// The server cannot listen on the address.
pub fn listen_for_metrics(metrics: Metrics) -> Result<Option<TcpListener>, StartError> {
    let Metrics::At(address) = metrics else { return Ok(None) };
    server::listen(address).map(Some).map_err(|error| StartError::Metrics(address, error))
}

impl<E: Endpoint<Output = Response> + 'static> ReadyServer<E> {
    /// Serves until `stop` is ready, waits for the requests in flight, and closes the database.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Self { app, endpoint } = self;
        let housekeeping = tokio::spawn(app.housekeeping.clone().run_hourly());
        let saving = tokio::spawn(app.authenticator.login_limiter.clone().keep_saving(app.store.background()));
        let verification = app.verification.clone().map(|verification| tokio::spawn(verification.run_on_schedule()));
        let linking = app.store.has_multiple_writers().then(|| {
            let Housekeeping { store, audit_key, .. } = app.housekeeping.clone();
            tokio::spawn(audit::keep_linking(store, audit_key))
        });
        server::run(endpoint, app.limits, listener, stop).await;
        if timeout(server::DRAIN, app.commands.drain()).await.is_err() {
            tracing::warn!("cut off runs that wait for other systems; their outcome is unknown");
        }
        housekeeping.abort();
        verification.inspect(JoinHandle::abort);
        saving.abort();
        if let Err(error) = app.authenticator.login_limiter.save(&app.housekeeping.store).await {
            tracing::warn!(%error, "failed to save the state of the login rate limiter");
        }
        linking.inspect(JoinHandle::abort);
        if let Err(error) = app.housekeeping.note_head().await {
            tracing::warn!(%error, "failed to read the head of the audit chain");
        }
        if let Err(error) = app.store.close().await {
            tracing::warn!(%error, "failed to close the database cleanly");
        }
    }
}
