//! The standard variables of OpenTelemetry.

use std::env;

/// The URL of the collector.
pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The URL of the collector's traces.
pub const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The variables that turn traces off, with their values.
const OFF: [(&str, &str); 2] = [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")];

/// A variable cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be used: {problem}")]
pub struct OtlpError {
    pub name: &'static str,
    pub problem: String,
}

/// The variable that names the collector; `None` if there is none, so that no spans are sent.
pub fn endpoint() -> Option<&'static str> {
    let is_off = OFF.iter().any(|(name, off)| env::var_os(name).is_some_and(|value| value.eq_ignore_ascii_case(off)));
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    [TRACES_ENDPOINT, ENDPOINT].into_iter().filter(|_| !is_off).find(is_set)
}

/// The warning if a variable names a collector and this program cannot send spans.
pub fn warning_without_feature() -> Option<String> {
    let name = endpoint().filter(|_| cfg!(not(feature = "otlp")))?;
    Some(format!(
        "{name} has no effect: this program was built without the feature `otlp`; build it with `--features otlp`"
    ))
}
