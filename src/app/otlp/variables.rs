//! The standard variables of OpenTelemetry.

use std::env;

/// The collector's URLs: of traces, and of everything.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// A variable cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be used: {problem}")]
pub struct OtlpError {
    pub name: &'static str,
    pub problem: String,
}

/// The variable that names the collector; `None` if there is none, so that no spans are sent.
pub fn endpoint() -> Option<&'static str> {
    ENDPOINTS.into_iter().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The warning if a variable names a collector and this program cannot send spans.
pub fn warning_without_feature() -> Option<String> {
    let name = endpoint().filter(|_| cfg!(not(feature = "otlp")))?;
    Some(format!("{name} has no effect, because this program was built without it; build with `--features otlp`"))
}
