//! The exporter: sends batches of spans in the background, by HTTP.

use std::{
    error::Error as StdError,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use poem::http::uri::Scheme;
use reqwest::{Client, redirect};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    rules,
    variables::{self, OtlpError},
};
use crate::{error::with_causes, traces};

/// For one request to the collector, unless a variable says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For the last spans, when the server stops.
const LAST_SPANS: Duration = Duration::from_secs(3);
/// Time between two log lines about spans that were not sent.
const LOG_INTERVAL: Duration = Duration::from_secs(300);

/// Sends spans until the server stops. `None` if no variable names a collector.
pub struct Exporter(Option<Running>);

struct Running {
    provider: SdkTracerProvider,
    has_failed: Arc<AtomicBool>,
}

/// Checks the variables, if one of them names a collector.
///
/// # Errors
/// A value cannot be used.
pub fn check() -> Result<(), OtlpError> {
    if variables::endpoint().is_some() { rules::check() } else { Ok(()) }
}

/// Sends the spans that start from now on, if a variable names a collector.
///
/// # Errors
/// A value cannot be used, or the system's certificates cannot be read.
pub fn start() -> Result<Exporter, OtlpError> {
    check()?;
    let Some(name) = variables::endpoint() else { return Ok(Exporter(None)) };
    let unusable = |problem: String| OtlpError { name, problem };
    let has_failed = Arc::new(AtomicBool::new(false));
    let sender = Sender::new(name, Arc::clone(&has_failed)).map_err(|error| unusable(causes(&error)))?;
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_http_client(sender);
    // The error has the URL, which may have a password.
    let exporter = exporter.build().map_err(|_| unusable("it is not the URL of a collector".to_owned()))?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
    traces::send_with(provider.tracer("kommando"));
    tracing::info!(variable = name, "sending traces");
    Ok(Exporter(Some(Running { provider, has_failed })))
}

impl Exporter {
    /// Sends the last spans, if the collector takes them in time.
    pub async fn finish(self) {
        let Self(Some(Running { provider, has_failed })) = self else { return };
        let finished = spawn_blocking(move || provider.shutdown_with_timeout(LAST_SPANS)).await;
        // The SDK does not say whether the collector took them.
        if !matches!(finished, Ok(Ok(()))) || has_failed.load(Ordering::Relaxed) {
            tracing::warn!("the last spans were not sent");
        }
    }
}

/// The service that the spans are of: `kommando`, unless the variables name it.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    let of_service = |list: String| list.split(',').any(|pair| pair.trim_start().starts_with("service.name="));
    let is_named = rules::read("OTEL_SERVICE_NAME").is_ok_and(|name| name.is_some())
        || rules::read("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|list| list.is_some_and(of_service));
    if is_named { builder.build() } else { builder.with_service_name("kommando").build() }
}

/// The HTTP client of the exporter.
#[derive(Debug)]
struct Sender {
    client: Client,
    /// The exporter sends from a thread of its own, and the client needs tokio.
    runtime: Handle,
    last_logged: Mutex<Option<Instant>>,
    /// Whether the last request failed.
    has_failed: Arc<AtomicBool>,
}

impl Sender {
    /// # Errors
    /// The system's certificates cannot be read.
    fn new(endpoint: &'static str, has_failed: Arc<AtomicBool>) -> Result<Self, reqwest::Error> {
        // Fails only if a provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = rules::read(endpoint).ok().flatten().unwrap_or_default();
        let has_tls = rules::scheme(&url) == Some(Scheme::HTTPS);
        // Without TLS, no certificate authorities are needed, and the system may have none.
        let builder = if has_tls { Client::builder() } else { Client::builder().tls_certs_only([]) };
        let client = builder.timeout(timeout()).redirect(redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { client, runtime: Handle::current(), last_logged: Mutex::default(), has_failed })
    }

    /// A collector that is down fails each few seconds.
    fn log_now_and_then(&self, cause: &str) {
        let mut last = self.last_logged.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(cause, "failed to send spans; they are lost if three more tries fail");
        }
    }
}

fn timeout() -> Duration {
    let mut values =
        [rules::TRACES_TIMEOUT, rules::TIMEOUT].into_iter().filter_map(|name| rules::read(name).ok().flatten());
    let milliseconds = values.find_map(|value| value.parse().ok());
    milliseconds.map_or(TIMEOUT, Duration::from_millis)
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send_bytes(request).await }).await;
        let answer = sent.map_err(HttpError::from).and_then(|answer| answer);
        let is_taken = matches!(&answer, Ok(response) if response.status().is_success());
        self.has_failed.store(!is_taken, Ordering::Relaxed);
        match &answer {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.log_now_and_then(&format!("the collector answered with status {}", response.status())),
            Err(error) => self.log_now_and_then(&causes(error.as_ref())),
        }
        answer
    }
}

/// The causes of an error, without its own text, which may have the URL.
fn causes(error: &(dyn StdError + 'static)) -> String {
    error.source().map_or_else(|| "the request failed".to_owned(), with_causes)
}
