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
    app: App,
    endpoint: E,
}

impl App {
    /// Does what is left before the first request: settles what an earlier process left open, and shows metrics where that
    /// is wanted.
    ///
    /// # Errors
    /// The database does not answer, or the address of the metrics cannot be listened on.
    pub async fn make_ready(self) -> Result<ReadyServer<impl Endpoint<Output = Response> + 'static>, StartError> {
        self.commands.take_over().await.map_err(StartError::Recover)?;
        let endpoint = self.endpoint();
        self.show_metrics().await?;
        Ok(ReadyServer { app: self, endpoint })
    }

    /// Shows metrics on a listener of their own, where that is wanted, until the process ends.
    async fn show_metrics(&self) -> Result<(), StartError> {
        if self.metrics != Metrics::Off {
            tokio::spawn(self.panel.clone().keep_tidy());
        }
        let Metrics::At(address) = self.metrics else { return Ok(()) };
        let unusable = |error| StartError::Metrics(address, error);
        let listener = server::listen(address).map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        tracing::info!(url = format!("http://{address}/metrics"), "showing metrics");
        let limits = Limits {
            connections: ConnectionLimiter::new(MOST_WATCHERS, MOST_WATCHERS, self.panel.meters.counter(&EVICTED, &[])),
            refused: self.limits.refused.clone(),
            proxies: Proxies::default(),
        };
        tokio::spawn(server::run(self.panel.clone(), limits, listener, pending()));
        Ok(())
    }
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
        if timeout(server::DRAIN, app.commands.finish()).await.is_err() {
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
