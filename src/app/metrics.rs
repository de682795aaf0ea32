//! `/metrics`: what was counted, and how things stand, as Prometheus reads it.

use std::{fs, time::Duration};

use poem::{
    Endpoint, Request, Response, Result,
    http::{Method, StatusCode, header},
};
use tokio::time::{interval, timeout};

use super::server::connection_limit::ConnectionLimiter;
use crate::{
    api::Room,
    auth::{Hosts, ProvenPasswords},
    clock,
    commands::CommandService,
    records::delivery,
    store::Store,
    users::password::Passwords,
    watch::{
        Meters,
        families::{
            BUILD, COMMANDS, CONNECTIONS, FILES, IN_FLIGHT, MEMORY, MOST_FILES, PASSWORDS_REMEMBERED,
            PASSWORDS_WAITING, PASSWORDS_WORKING, POOL, WEBHOOKS_DEAD, WEBHOOKS_OLDEST, WEBHOOKS_PENDING,
            WRITER_WAITING,
        },
    },
};

const PATH: &str = "/metrics";
/// How long the database may take to say how many webhooks wait.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often measurements are sorted into their buckets.
const TIDY: Duration = Duration::from_secs(1);

/// Everything that somebody who looks is told.
#[derive(Clone, Debug)]
pub struct Panel {
    pub meters: Meters,
    pub store: Store,
    pub passwords: Passwords,
    pub proven: ProvenPasswords,
    pub commands: CommandService,
    pub room: Room,
    pub connections: ConnectionLimiter,
    pub hosts: Hosts,
}

impl Panel {
    async fn read(&self) -> String {
        let set = |family, value: usize| self.meters.set(&family, &[], value as f64);
        set(IN_FLIGHT, self.room.taken());
        set(CONNECTIONS, self.connections.count());
        set(COMMANDS, self.commands.catalog().entries().len());
        set(WRITER_WAITING, self.commands.waiting());
        let passwords = self.passwords.load();
        set(PASSWORDS_WAITING, passwords.waiting);
        set(PASSWORDS_WORKING, passwords.working);
        set(PASSWORDS_REMEMBERED, self.proven.count());
        for (pool, load) in self.store.load() {
            self.meters.set(&POOL, &[pool, "busy"], load.busy as f64);
            self.meters.set(&POOL, &[pool, "idle"], load.idle as f64);
        }
        self.meters.set(&BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
        self.read_webhooks().await;
        self.read_process();
        self.meters.render()
    }

    /// What cannot be found out is not a number, rather than what it was before.
    async fn read_webhooks(&self) {
        let backlog = timeout(PATIENCE, delivery::backlog(self.store.reader())).await;
        let (pending, dead, oldest) = match backlog {
            Ok(Ok(backlog)) => {
                let age = backlog.oldest.map_or(0.0, |oldest| (clock::wall() - oldest).as_seconds_f64().max(0.0));
                (backlog.pending as f64, backlog.dead as f64, age)
            }
            _ => (f64::NAN, f64::NAN, f64::NAN),
        };
        self.meters.set(&WEBHOOKS_PENDING, &[], pending);
        self.meters.set(&WEBHOOKS_DEAD, &[], dead);
        self.meters.set(&WEBHOOKS_OLDEST, &[], oldest);
    }

    fn read_process(&self) {
        if let Some(bytes) = resident_bytes() {
            self.meters.set(&MEMORY, &[], bytes);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.meters.set(&FILES, &[], files.count() as f64);
        }
        if let Ok((most, _)) = rlimit::Resource::NOFILE.get() {
            self.meters.set(&MOST_FILES, &[], most as f64);
        }
    }

    /// Keeps what was measured small, for as long as the process serves.
    pub async fn keep_tidy(self) {
        let mut due = interval(TIDY);
        loop {
            due.tick().await;
            self.meters.tidy();
        }
    }
}

/// What Linux tells of the process, in its own words.
fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kib| kib * 1024.0)
}

/// Answers `/metrics`, and nothing else.
impl Endpoint for Panel {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if let Err(refusal) = self.hosts.check(&request) {
            return Ok(Response::builder().status(StatusCode::BAD_REQUEST).body(format!("{refusal}\n")));
        }
        if request.uri().path() != PATH {
            return Ok(Response::builder().status(StatusCode::NOT_FOUND).body(format!("Metrics are at {PATH}.\n")));
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let refusal = Response::builder().status(StatusCode::METHOD_NOT_ALLOWED);
            return Ok(refusal.header(header::ALLOW, "GET, HEAD").finish());
        }
        let answer = Response::builder().header(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
        Ok(answer.header(header::CACHE_CONTROL, "no-store").body(self.read().await))
    }
}

/// The API, with `/metrics` beside it where that is wanted.
pub struct Beside<E> {
    pub api: E,
    pub metrics: Option<Panel>,
}

impl<E: Endpoint<Output = Response>> Endpoint for Beside<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        match &self.metrics {
            Some(panel) if request.uri().path() == PATH => panel.call(request).await,
            _ => self.api.call(request).await,
        }
    }
}
