//! `/metrics`: counters and gauges in the Prometheus text format.

use std::{fs, time::Duration};

use poem::{
    Endpoint, Request, Response, Result,
    http::{Method, StatusCode, header},
};
use tokio::time::{interval, timeout};

use super::server::connection_limit::ConnectionLimiter;
use crate::{
    api::ConcurrencyLimiter,
    auth::{Hosts, VerifiedPasswordCache},
    clock,
    commands::CommandService,
    executions::delivery,
    metrics::{
        MetricsRegistry,
        definitions::{
            BUILD, COMMANDS, CONNECTIONS, FILES, IN_FLIGHT, MAX_FILES, MEMORY, PASSWORDS_REMEMBERED, PASSWORDS_WAITING,
            PASSWORDS_WORKING, POOL, WEBHOOKS_DEAD, WEBHOOKS_OLDEST, WEBHOOKS_PENDING, WRITER_WAITING,
        },
    },
    store::Store,
    users::password::PasswordHasher,
};

const PATH: &str = "/metrics";
/// Timeout of the query that counts the webhooks.
const QUERY_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval between two runs of the registry's upkeep.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The endpoint, with handles to everything that it measures.
#[derive(Clone, Debug)]
pub struct MetricsEndpoint {
    pub metrics: MetricsRegistry,
    pub store: Store,
    pub passwords: PasswordHasher,
    pub verified_passwords: VerifiedPasswordCache,
    pub commands: CommandService,
    pub concurrency_limiter: ConcurrencyLimiter,
    pub connections: ConnectionLimiter,
    pub hosts: Hosts,
}

impl MetricsEndpoint {
    async fn read(&self) -> String {
        let set = |metric, value: usize| self.metrics.set(&metric, &[], value as f64);
        set(IN_FLIGHT, self.concurrency_limiter.in_flight());
        set(CONNECTIONS, self.connections.count());
        set(COMMANDS, self.commands.catalog().entries().len());
        set(WRITER_WAITING, self.commands.waiting());
        let passwords = self.passwords.stats();
        set(PASSWORDS_WAITING, passwords.waiting);
        set(PASSWORDS_WORKING, passwords.working);
        set(PASSWORDS_REMEMBERED, self.verified_passwords.count());
        for (pool, load) in self.store.pool_stats() {
            self.metrics.set(&POOL, &[pool, "busy"], load.busy as f64);
            self.metrics.set(&POOL, &[pool, "idle"], load.idle as f64);
        }
        self.metrics.set(&BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
        self.read_webhooks().await;
        self.read_process();
        self.metrics.render()
    }

    /// Sets the webhook gauges. If the query fails, they are NaN, not the old values.
    async fn read_webhooks(&self) {
        let backlog = timeout(QUERY_TIMEOUT, delivery::backlog(self.store.reader())).await;
        let (pending, dead, oldest) = match backlog {
            Ok(Ok(backlog)) => {
                let age = backlog.oldest.map_or(0.0, |oldest| (clock::wall() - oldest).as_seconds_f64().max(0.0));
                (backlog.pending as f64, backlog.dead as f64, age)
            }
            _ => (f64::NAN, f64::NAN, f64::NAN),
        };
        self.metrics.set(&WEBHOOKS_PENDING, &[], pending);
        self.metrics.set(&WEBHOOKS_DEAD, &[], dead);
        self.metrics.set(&WEBHOOKS_OLDEST, &[], oldest);
    }

    fn read_process(&self) {
        if let Some(bytes) = resident_bytes() {
            self.metrics.set(&MEMORY, &[], bytes);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.metrics.set(&FILES, &[], files.count() as f64);
        }
        if let Ok((most, _)) = rlimit::Resource::NOFILE.get() {
            self.metrics.set(&MAX_FILES, &[], most as f64);
        }
    }

    /// Runs the upkeep of the registry until the process ends, so that its memory stays small.
    pub async fn keep_tidy(self) {
        let mut due = interval(UPKEEP_INTERVAL);
        loop {
            due.tick().await;
            self.metrics.tidy();
        }
    }
}

/// Resident memory of this process, in bytes, as Linux reports it.
fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kib| kib * 1024.0)
}

/// Serves only `/metrics`.
impl Endpoint for MetricsEndpoint {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if let Err(error) = self.hosts.check(&request) {
            return Ok(Response::builder().status(StatusCode::BAD_REQUEST).body(format!("{error}\n")));
        }
        if request.uri().path() != PATH {
            return Ok(Response::builder().status(StatusCode::NOT_FOUND).body(format!("Metrics are at {PATH}.\n")));
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let response = Response::builder().status(StatusCode::METHOD_NOT_ALLOWED);
            return Ok(response.header(header::ALLOW, "GET, HEAD").finish());
        }
        let answer = Response::builder().header(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
        Ok(answer.header(header::CACHE_CONTROL, "no-store").body(self.read().await))
    }
}

/// The API, with `/metrics` on the same listener if configured.
pub struct WithMetrics<E> {
    pub api: E,
    pub metrics: Option<MetricsEndpoint>,
}

impl<E: Endpoint<Output = Response>> Endpoint for WithMetrics<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        match &self.metrics {
            Some(endpoint) if request.uri().path() == PATH => endpoint.call(request).await,
            _ => self.api.call(request).await,
        }
    }
}
