//! Counters and histograms, registered once and kept by whoever counts; gauges, set when somebody looks.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::families::{ALL, BATCHES, Family, Kind, SECONDS, WRITER_BATCH};

const METADATA: Metadata<'static> = Metadata::new("kommando", Level::INFO, None);

/// Where everything is counted, for one server; or nowhere, when nobody is to see it.
#[derive(Clone, Default)]
pub struct Meters(Option<Arc<Registry>>);

struct Registry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}

impl Meters {
    pub fn new() -> Self {
        let buckets = |builder: PrometheusBuilder, name: &str, bounds: &[f64]| {
            let Ok(builder) = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds) else {
                unreachable!("there are bounds")
            };
            builder
        };
        let histograms = ALL.iter().filter(|family| family.kind == Kind::Histogram);
        let builder =
            histograms.fold(PrometheusBuilder::new(), |builder, family| match family.name == WRITER_BATCH.name {
                true => buckets(builder, family.name, &BATCHES),
                false => buckets(builder, family.name, &SECONDS),
            });
        let recorder = builder.build_recorder();
        for Family { name, kind, meaning, .. } in ALL {
            match kind {
                Kind::Counter => recorder.describe_counter((*name).into(), None, (*meaning).into()),
                Kind::Gauge => recorder.describe_gauge((*name).into(), None, (*meaning).into()),
                Kind::Histogram => recorder.describe_histogram((*name).into(), None, (*meaning).into()),
            }
        }
        Self(Some(Arc::new(Registry { handle: recorder.handle(), recorder })))
    }

    /// A counter, to be kept: registering takes a lock.
    pub fn counter(&self, family: &Family, values: &[&str]) -> Counter {
        let register = |registry: &Arc<Registry>| registry.recorder.register_counter(&key(family, values), &METADATA);
        self.0.as_ref().map_or_else(Counter::noop, register)
    }

    /// A histogram, to be kept.
    pub fn histogram(&self, family: &Family, values: &[&str]) -> Histogram {
        let register = |registry: &Arc<Registry>| registry.recorder.register_histogram(&key(family, values), &METADATA);
        self.0.as_ref().map_or_else(Histogram::noop, register)
    }

    /// Says how much there is of something now.
    pub fn set(&self, family: &Family, values: &[&str], value: f64) {
        if let Some(registry) = &self.0 {
            registry.recorder.register_gauge(&key(family, values), &METADATA).set(value);
        }
    }

    /// Everything that was counted, as Prometheus reads it.
    pub fn render(&self) -> String {
        self.0.as_ref().map(|registry| registry.handle.render()).unwrap_or_default()
    }

    /// Sorts what was measured into buckets. Until then each measurement takes memory of its own.
    pub fn tidy(&self) {
        if let Some(registry) = &self.0 {
            registry.handle.run_upkeep();
        }
    }
}

fn key(family: &Family, values: &[&str]) -> Key {
    let labels = family.labels.iter().zip(values).map(|(name, value)| Label::new(*name, (*value).to_owned()));
    Key::from_parts(family.name, labels.collect::<Vec<_>>())
}

/// The counters of a family with two labels. Each is registered when it first counts; after that, counting allocates
/// nothing.
pub struct Counters {
    meters: Meters,
    family: Family,
    known: RwLock<HashMap<String, HashMap<String, Counter>>>,
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family.name)
    }
}

impl Counters {
    pub fn new(meters: &Meters, family: Family) -> Self {
        Self { meters: meters.clone(), family, known: RwLock::default() }
    }

    /// Counts one more. Both values come from bounded sets, never from a request.
    pub fn count(&self, one: &str, other: &str) {
        if self.count_known(one, other).is_some() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let register = || self.meters.counter(&self.family, &[one, other]);
        known.entry(one.to_owned()).or_default().entry(other.to_owned()).or_insert_with(register).increment(1);
    }

    fn count_known(&self, one: &str, other: &str) -> Option<()> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(one)?.get(other).map(|counter| counter.increment(1))
    }
}

/// How long things of each kind took.
pub struct Seconds {
    meters: Meters,
    family: Family,
    known: RwLock<HashMap<String, Histogram>>,
}

impl Seconds {
    pub fn new(meters: &Meters, family: Family) -> Self {
        Self { meters: meters.clone(), family, known: RwLock::default() }
    }

    /// Notes how long one of this kind took. The kinds are bounded, as labels are.
    pub fn note(&self, kind: &str, took: Duration) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(kind) {
            return histogram.record(took);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let register = || self.meters.histogram(&self.family, &[kind]);
        known.entry(kind.to_owned()).or_insert_with(register).record(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::families::{EXECUTIONS, REQUEST_SECONDS};

    #[test]
    fn what_was_counted_reads_as_prometheus_text() {
        let meters = Meters::new();
        let counters = Counters::new(&meters, EXECUTIONS);
        counters.count("hello", "succeeded");
        counters.count("hello", "succeeded");
        Seconds::new(&meters, REQUEST_SECONDS).note("X", Duration::from_millis(3));
        let text = meters.render();
        assert!(text.contains("# TYPE kommando_executions_total counter\n"), "{text}");
        assert!(text.contains("kommando_executions_total{command=\"hello\",outcome=\"succeeded\"} 2\n"), "{text}");
        assert!(text.contains("kommando_request_seconds_bucket{operation=\"X\",le=\"0.0025\"} 0\n"), "{text}");
        assert!(text.contains("kommando_request_seconds_bucket{operation=\"X\",le=\"0.005\"} 1\n"), "{text}");
    }

    #[test]
    fn counting_for_nobody_does_nothing() {
        let meters = Meters::default();
        Counters::new(&meters, EXECUTIONS).count("hello", "succeeded");
        assert_eq!(meters.render(), "");
    }
}
