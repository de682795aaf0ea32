//! The log: one line per event, on standard error, as text for people or as JSON for machines.

use std::{
    io::{IsTerminal, stderr},
    panic::PanicHookInfo,
};

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::config::{Config, LogFormat};

/// The log's filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("KOMMANDO_LOG `{filter}` cannot be read: {cause}. Examples: info, debug, kommando=debug,warn")]
pub struct FilterError {
    filter: String,
    cause: tracing_subscriber::filter::ParseError,
}

/// Which events are logged.
///
/// # Errors
/// The filter cannot be read.
pub fn filter(config: &Config) -> Result<EnvFilter, FilterError> {
    EnvFilter::builder().parse(&config.log).map_err(|cause| FilterError { filter: config.log.clone(), cause })
}

/// Starts the log.
///
/// # Errors
/// The filter cannot be read.
pub fn start(config: &Config) -> Result<(), FilterError> {
    let filter = filter(config)?;
    let format = config.log_format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    // A second start in one process, as in tests, keeps the first.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).finish().try_init(),
    };
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is an event like any other, and takes one line.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(place, cause = panic.payload_as_str(), "panicked; this is a mistake in kommando");
}
