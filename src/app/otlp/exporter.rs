//! The exporter: sends batches of spans in the background, by HTTP.

use std::{
    env::{self, VarError},
    error::Error as StdError,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{Key, KeyValue, trace::TracerProvider};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use reqwest::{Client, Url, redirect};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::variables::{self, OtlpError};
use crate::traces;

/// For one request to the collector, unless a variable says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For the last spans, when the server stops.
const LAST_SPANS: Duration = Duration::from_secs(3);
/// Time between two log lines about spans that were not sent.
const LOG_INTERVAL: Duration = Duration::from_secs(300);

const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// What a value must be, and whether one is.
type Rule = (&'static str, fn(&str) -> bool);

const PROTOCOL: Rule = ("the protocol must be http/protobuf", |value| value == "http/protobuf");
const COMPRESSION: Rule = ("the compression must be gzip or none", |value| ["gzip", "none"].contains(&value));
const MILLISECONDS: Rule = ("it must be a number of milliseconds", |value| value.parse::<u64>().is_ok());
const URL: Rule = ("it must be a URL that begins with http:// or https://", is_url);

/// The SDK and its exporter ignore values that they cannot read.
const RULES: [(&str, Rule); 10] = [
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", URL),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", URL),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", COMPRESSION),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", COMPRESSION),
    (TIMEOUTS[0], MILLISECONDS),
    (TIMEOUTS[1], MILLISECONDS),
    (
        "OTEL_TRACES_SAMPLER",
        ("it must be a sampler that the SDK has, such as parentbased_traceidratio", |value| SAMPLERS.contains(&value)),
    ),
    (
        "OTEL_TRACES_SAMPLER_ARG",
        ("it must be a number from 0 to 1", |value| value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio))),
    ),
];

fn is_url(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
}

/// Sends spans until the server stops. `None` if no variable names a collector.
pub struct Exporter(Option<SdkTracerProvider>);

/// Checks the variables, if one of them names a collector.
///
/// # Errors
/// A value cannot be used.
pub fn check() -> Result<(), OtlpError> {
    if variables::endpoint().is_none() {
        return Ok(());
    }
    for (name, (must, is_valid)) in RULES {
        if read(name)?.is_some_and(|value| !is_valid(&value)) {
            return Err(OtlpError { name, problem: must.to_owned() });
        }
    }
    Ok(())
}

/// Sends the spans that start from now on, if a variable names a collector.
///
/// # Errors
/// A value cannot be used, or the system's certificates cannot be read.
pub fn start() -> Result<Exporter, OtlpError> {
    check()?;
    let Some(name) = variables::endpoint() else { return Ok(Exporter(None)) };
    let unusable = |problem: String| OtlpError { name, problem };
    let sender = Sender::new(name).map_err(|error| unusable(causes(&error)))?;
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_http_client(sender);
    let exporter = exporter.build().map_err(|error| unusable(error.to_string()))?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
    traces::send_with(provider.tracer("kommando"));
    tracing::info!(variable = name, "sending traces");
    Ok(Exporter(Some(provider)))
}

impl Exporter {
    /// Sends the last spans, if the collector takes them in time.
    pub async fn finish(self) {
        let Self(Some(provider)) = self else { return };
        let finished = spawn_blocking(move || provider.shutdown_with_timeout(LAST_SPANS)).await;
        if !matches!(finished, Ok(Ok(()))) {
            tracing::warn!("the last spans were not sent");
        }
    }
}

/// The value of a variable; an empty one counts as unset.
///
/// # Errors
/// The value is no text.
fn read(name: &'static str) -> Result<Option<String>, OtlpError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(OtlpError { name, problem: "it is not UTF-8".to_owned() }),
    }
}

/// The service that the spans are of: `kommando`, unless the variables name it.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let named = Resource::builder().with_attribute(version.clone()).build();
    let name = named.get(&Key::from_static_str("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return named;
    }
    Resource::builder().with_attribute(version).with_service_name("kommando").build()
}

/// The HTTP client of the exporter.
#[derive(Debug)]
struct Sender {
    client: Client,
    /// The exporter sends from a thread of its own, and the client needs tokio.
    runtime: Handle,
    last_logged: Mutex<Option<Instant>>,
}

impl Sender {
    /// # Errors
    /// The system's certificates cannot be read.
    fn new(endpoint: &'static str) -> Result<Self, reqwest::Error> {
        // Fails only if a provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let has_tls = read(endpoint).is_ok_and(|url| url.is_some_and(|url| url.starts_with("https")));
        // Without TLS, no certificate authorities are needed, and the system may have none.
        let builder = if has_tls { Client::builder() } else { Client::builder().tls_certs_only([]) };
        let client = builder.timeout(timeout()).redirect(redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { client, runtime: Handle::current(), last_logged: Mutex::default() })
    }

    /// A collector that is down fails each few seconds.
    fn log_now_and_then(&self, cause: &str) {
        let mut last = self.last_logged.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(cause, "failed to send spans; they are lost if the collector does not answer soon");
        }
    }
}

fn timeout() -> Duration {
    let mut values = TIMEOUTS.into_iter().filter_map(|name| read(name).ok().flatten());
    let milliseconds = values.find_map(|value| value.parse().ok());
    milliseconds.map_or(TIMEOUT, Duration::from_millis)
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send_bytes(request).await }).await;
        let answer = sent.map_err(HttpError::from).and_then(|answer| answer);
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
    let causes: Vec<_> =
        std::iter::successors(error.source(), |cause| (*cause).source()).map(ToString::to_string).collect();
    if causes.is_empty() { "the request failed".to_owned() } else { causes.join(": ") }
}
