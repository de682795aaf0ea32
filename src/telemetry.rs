//! The log: one line per event on standard error, as text or JSON.

use std::{
    io::{IsTerminal, stderr},
    panic::PanicHookInfo,
};

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::{
    config::{Config, LogFormat},
    nearest,
};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// The log target of kommando's own events.
const OWN: &str = "kommando";

/// The log filter is invalid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("KOMMANDO_LOG `{filter}` is invalid: {cause}. Examples: info, debug, kommando=debug,warn")]
pub struct FilterError {
    filter: String,
    cause: String,
}

/// Reads the log filter from the settings.
///
/// # Errors
/// The filter is invalid, or has a word that would silence the log by mistake.
pub fn filter(config: &Config) -> Result<EnvFilter, FilterError> {
    let invalid = |cause: String| FilterError { filter: config.log.clone(), cause };
    let filter = EnvFilter::builder().parse(&config.log).map_err(|error| invalid(error.to_string()))?;
    match directives(&config.log).find_map(check_directive) {
        Some(problem) => Err(invalid(problem)),
        None => Ok(filter),
    }
}

/// Whether the filter hides all of kommando's own events, although it is not `off`.
pub fn silences_own_events(filter: &str) -> bool {
    let levels = directives(filter).filter_map(|directive| match directive.split_once('=') {
        Some((target, level)) if OWN.starts_with(target) || target.starts_with(OWN) => Some(level),
        Some(_) => None,
        None => Some(directive),
    });
    let is_off = |level: &str| level.eq_ignore_ascii_case("off");
    !is_off(filter.trim()) && levels.into_iter().all(is_off)
}

/// The directives of a filter. Directives for spans are skipped and left to the library.
fn directives(filter: &str) -> impl Iterator<Item = &str> {
    filter
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty() && !directive.contains(['[', '{', '}', ']']))
}

/// The problem of a directive, if it has one. The library would read a single word as a module, and log only that
/// module.
fn check_directive(directive: &str) -> Option<String> {
    let is_level = |word: &str| {
        LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
            || word.parse::<u8>().is_ok_and(|number| number <= 5)
    };
    match directive.split_once('=') {
        None if is_level(directive) => None,
        None => {
            let near = nearest::suggestion(directive, LEVELS);
            let levels = LEVELS.join(", ");
            Some(format!(
                "`{directive}` is not a level{near}; levels are {levels}; a module needs a level, as in {OWN}=debug"
            ))
        }
        Some((target, _)) => {
            let crate_name = target.split("::").next().unwrap_or_default();
            let is_misspelt = crate_name != OWN && nearest::nearest(crate_name, [OWN]).is_some();
            is_misspelt.then(|| format!("nothing is logged as `{crate_name}`; did you mean `{OWN}`?"))
        }
    }
}

/// Starts the log.
///
/// # Errors
/// The filter is invalid.
pub fn start(config: &Config) -> Result<(), FilterError> {
    let filter = filter(config)?;
    let format = config.log_format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    // If the reader of standard error is gone, reporting the failed write would fail too, and panic.
    let builder = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // A second start in one process, as in tests, keeps the first log.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).finish().try_init(),
    };
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Logs a panic as one event.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, cause = panic.payload_as_str(), "panicked; this is a bug in kommando");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_does_not_silence_the_log() {
        let problem = |filter: &str| directives(filter).find_map(check_directive);
        for right in
            ["info", "INFO", "off", "3", "kommando=debug,warn", "info,kommando::request=debug", "sqlx=off,info", ""]
        {
            assert_eq!(problem(right), None, "{right}");
        }
        for (wrong, part) in [
            ("verbose", "`verbose` is not a level; levels are off, error, warn"),
            ("information", "not a level"),
            ("warning", "did you mean `warn`?"),
            ("info,kommando", "kommando=debug"),
            ("komando=debug", "did you mean `kommando`?"),
        ] {
            assert!(problem(wrong).is_some_and(|found| found.contains(part)), "{wrong}: {:?}", problem(wrong));
        }
    }

    #[test]
    fn a_filter_without_a_level_for_kommando_silences_it() {
        for (filter, expected) in [
            ("info", false),
            ("off", false),
            ("sqlx=debug", true),
            ("kommando=warn", false),
            ("kommando=off,sqlx=info", true),
        ] {
            assert_eq!(silences_own_events(filter), expected, "{filter}");
        }
    }
}
