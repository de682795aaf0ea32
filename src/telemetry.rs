//! The log: one line per event, on standard error, as text for people or as JSON for machines.

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
/// The target of our own events.
const OWN: &str = "kommando";

/// The log's filter cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("KOMMANDO_LOG `{filter}` cannot be read: {cause}. Examples: info, debug, kommando=debug,warn")]
pub struct FilterError {
    filter: String,
    cause: String,
}

/// Which events are logged.
///
/// # Errors
/// The filter cannot be read, or has a word that would silence the log by mistake.
pub fn filter(config: &Config) -> Result<EnvFilter, FilterError> {
    let unfit = |cause: String| FilterError { filter: config.log.clone(), cause };
    let filter = EnvFilter::builder().parse(&config.log).map_err(|error| unfit(error.to_string()))?;
    match directives(&config.log).find_map(fault_of_directive) {
        Some(fault) => Err(unfit(fault)),
        None => Ok(filter),
    }
}

/// Whether the filter lets no error of our own pass, though it is not simply off.
pub fn silences_own_events(filter: &str) -> bool {
    let levels = directives(filter).filter_map(|directive| match directive.split_once('=') {
        Some((target, level)) if OWN.starts_with(target) || target.starts_with(OWN) => Some(level),
        Some(_) => None,
        None => Some(directive),
    });
    let is_off = |level: &str| level.eq_ignore_ascii_case("off");
    !is_off(filter.trim()) && levels.into_iter().all(is_off)
}

/// The directives of a filter, but for those of spans, which are left to the library.
fn directives(filter: &str) -> impl Iterator<Item = &str> {
    filter
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty() && !directive.contains(['[', '{', '}', ']']))
}

/// A single word would mean a module: everything of it is logged, and nothing else.
fn fault_of_directive(directive: &str) -> Option<String> {
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
                "`{directive}` is no level{near}; levels are {levels}, and a module is named with one, as in {OWN}=debug"
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
/// The filter cannot be read.
pub fn start(config: &Config) -> Result<(), FilterError> {
    let filter = filter(config)?;
    let format = config.log_format.unwrap_or(if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    // A reader of the log that goes away takes nothing but the log with it: to tell of that would fail as well, and panic.
    let builder = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_does_not_silence_the_log() {
        let fault = |filter: &str| directives(filter).find_map(fault_of_directive);
        for right in
            ["info", "INFO", "off", "3", "kommando=debug,warn", "info,kommando::request=debug", "sqlx=off,info", ""]
        {
            assert_eq!(fault(right), None, "{right}");
        }
        for (wrong, part) in [
            ("verbose", "`verbose` is no level; levels are off, error, warn"),
            ("information", "no level"),
            ("warning", "did you mean `warn`?"),
            ("info,kommando", "kommando=debug"),
            ("komando=debug", "did you mean `kommando`?"),
        ] {
            assert!(fault(wrong).is_some_and(|fault| fault.contains(part)), "{wrong}: {:?}", fault(wrong));
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
