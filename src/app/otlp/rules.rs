//! What the values of the standard variables may be. The SDK and its exporter ignore those that they cannot read.

use std::{
    env::{self, VarError},
    ops::RangeInclusive,
};

use poem::http::{Uri, uri::Scheme};

use super::variables::{ENDPOINT, OtlpError, TRACES_ENDPOINT};

pub const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
pub const TRACES_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";

const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// What a value must be, and whether it is.
type Rule = (&'static str, fn(&str) -> bool);

const URL: Rule = ("it must be a URL that begins with http:// or https://", |value| scheme(value).is_some());
const PROTOCOL: Rule = ("the protocol must be http/protobuf", |value| value == "http/protobuf");
const COMPRESSION: Rule = ("the compression must be gzip or none", |value| ["gzip", "none"].contains(&value));
const MILLISECONDS: Rule = ("it must be a number of milliseconds, 1 to 600000", |value| is_within(value, 1..=600_000));
const COUNT: Rule = ("it must be a number of spans, 1 to 100000", |value| is_within(value, 1..=100_000));
const PAIRS: Rule = ("it must be a list of name=value, separated by commas", is_list_of_pairs);
const SAMPLER: Rule =
    ("it must be a sampler of the SDK, such as parentbased_traceidratio", |value| SAMPLERS.contains(&value));
const RATIO: Rule =
    ("it must be a number from 0 to 1", |value| value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio)));
const OTLP: Rule = ("it must be otlp or none", |value| ["otlp", "none"].contains(&value));
const BOOLEAN: Rule =
    ("it must be true or false", |value| ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word)));
const NO_CERTIFICATE: Rule =
    ("it has no effect here; the certificate must be signed by an authority that the system knows", |_| false);
const NO_EFFECT: Rule = ("it has no effect here; remove it", |_| false);

const RULES: [(&str, Rule); 26] = [
    (ENDPOINT, URL),
    (TRACES_ENDPOINT, URL),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", PROTOCOL),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", COMPRESSION),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", COMPRESSION),
    (TIMEOUT, MILLISECONDS),
    (TRACES_TIMEOUT, MILLISECONDS),
    ("OTEL_EXPORTER_OTLP_HEADERS", PAIRS),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", PAIRS),
    ("OTEL_RESOURCE_ATTRIBUTES", PAIRS),
    ("OTEL_TRACES_SAMPLER", SAMPLER),
    ("OTEL_TRACES_SAMPLER_ARG", RATIO),
    ("OTEL_BSP_SCHEDULE_DELAY", MILLISECONDS),
    ("OTEL_BSP_MAX_QUEUE_SIZE", COUNT),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", COUNT),
    ("OTEL_BSP_EXPORT_TIMEOUT", NO_EFFECT),
    ("OTEL_TRACES_EXPORTER", OTLP),
    ("OTEL_SDK_DISABLED", BOOLEAN),
    ("OTEL_PROPAGATORS", ("only tracecontext is supported", |value| value == "tracecontext")),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", NO_CERTIFICATE),
    ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", NO_CERTIFICATE),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", NO_EFFECT),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", NO_EFFECT),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", NO_EFFECT),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", NO_EFFECT),
];

/// Checks all variables.
///
/// # Errors
/// A value cannot be used.
pub fn check() -> Result<(), OtlpError> {
    for (name, (must, is_valid)) in RULES {
        if read(name)?.is_some_and(|value| !is_valid(&value)) {
            return Err(OtlpError { name, problem: must.to_owned() });
        }
    }
    Ok(())
}

/// The value of a variable; an empty one counts as unset.
///
/// # Errors
/// The value is no text.
pub fn read(name: &'static str) -> Result<Option<String>, OtlpError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(OtlpError { name, problem: "it is not UTF-8".to_owned() }),
    }
}

/// The scheme of a collector's URL; `None` if the value is no such URL.
pub fn scheme(value: &str) -> Option<Scheme> {
    let scheme = value.parse::<Uri>().ok()?.into_parts().scheme?;
    [Scheme::HTTP, Scheme::HTTPS].contains(&scheme).then_some(scheme)
}

fn is_within(value: &str, range: RangeInclusive<u32>) -> bool {
    value.parse().is_ok_and(|number| range.contains(&number))
}

fn is_list_of_pairs(value: &str) -> bool {
    value.split(',').all(|pair| pair.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        assert_eq!(scheme("http://127.0.0.1:4318"), Some(Scheme::HTTP));
        assert_eq!(scheme("HTTPS://collector.example.com/v1/traces"), Some(Scheme::HTTPS));
        for wrong in ["collector:4318", "no url", "ftp://collector", "/v1/traces", ""] {
            assert_eq!(scheme(wrong), None, "{wrong}");
        }
    }
}
