//! The registry of metrics. Counters and histograms are registered once; gauges are set when the metrics are read.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::definitions::{ALL, BATCHES, MetricDef, MetricKind, SECONDS, WRITER_BATCH};

const METADATA: Metadata<'static> = Metadata::new("kommando", Level::INFO, None);

/// The metrics of one server. The default registry is disabled and counts nothing.
#[derive(Clone, Default)]
pub struct MetricsRegistry(Option<Arc<Prometheus>>);

struct Prometheus {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for MetricsRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsRegistry")
    }
}

impl MetricsRegistry {
    pub fn new() -> Self {
        let buckets = |builder: PrometheusBuilder, name: &str, bounds: &[f64]| {
            let Ok(builder) = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds) else {
                unreachable!("there are bounds")
            };
            builder
        };
        let histograms = ALL.iter().filter(|metric| metric.kind == MetricKind::Histogram);
        let builder =
            histograms.fold(PrometheusBuilder::new(), |builder, metric| match metric.name == WRITER_BATCH.name {
                true => buckets(builder, metric.name, &BATCHES),
                false => buckets(builder, metric.name, &SECONDS),
            });
        let recorder = builder.build_recorder();
        for MetricDef { name, kind, meaning, .. } in ALL {
            match kind {
                MetricKind::Counter => recorder.describe_counter((*name).into(), None, (*meaning).into()),
                MetricKind::Gauge => recorder.describe_gauge((*name).into(), None, (*meaning).into()),
                MetricKind::Histogram => recorder.describe_histogram((*name).into(), None, (*meaning).into()),
            }
        }
        Self(Some(Arc::new(Prometheus { handle: recorder.handle(), recorder })))
    }

    /// Registers a counter. Keep the handle, because registering takes a lock.
    pub fn counter(&self, metric: &MetricDef, values: &[&str]) -> Counter {
        let register = |registry: &Arc<Prometheus>| registry.recorder.register_counter(&key(metric, values), &METADATA);
        self.0.as_ref().map_or_else(Counter::noop, register)
    }

    /// Registers a histogram. Keep the handle.
    pub fn histogram(&self, metric: &MetricDef, values: &[&str]) -> Histogram {
        let register =
            |registry: &Arc<Prometheus>| registry.recorder.register_histogram(&key(metric, values), &METADATA);
        self.0.as_ref().map_or_else(Histogram::noop, register)
    }

    /// Sets a gauge.
    pub fn set(&self, metric: &MetricDef, values: &[&str], value: f64) {
        if let Some(registry) = &self.0 {
            registry.recorder.register_gauge(&key(metric, values), &METADATA).set(value);
        }
    }

    /// All metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        self.0.as_ref().map(|registry| registry.handle.render()).unwrap_or_default()
    }

    /// Sorts measurements into buckets. Until then, each measurement takes memory.
    pub fn tidy(&self) {
        if let Some(registry) = &self.0 {
            registry.handle.run_upkeep();
        }
    }
}

fn key(metric: &MetricDef, values: &[&str]) -> Key {
    let labels = metric.labels.iter().zip(values).map(|(name, value)| Label::new(*name, (*value).to_owned()));
    Key::from_parts(metric.name, labels.collect::<Vec<_>>())
}

/// The counters of a metric with two labels. A counter is registered at its first use; after that, counting does not
/// allocate.
pub struct CounterVec {
    metrics: MetricsRegistry,
    metric: MetricDef,
    known: RwLock<HashMap<String, HashMap<String, Counter>>>,
}

impl fmt::Debug for CounterVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric.name)
    }
}

impl CounterVec {
    pub fn new(metrics: &MetricsRegistry, metric: MetricDef) -> Self {
        Self { metrics: metrics.clone(), metric, known: RwLock::default() }
    }

    /// Adds one to the counter with these label values. Both come from bounded sets, never from a request.
    pub fn count(&self, first: &str, second: &str) {
        if self.count_known(first, second).is_some() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let register = || self.metrics.counter(&self.metric, &[first, second]);
        known.entry(first.to_owned()).or_default().entry(second.to_owned()).or_insert_with(register).increment(1);
    }

    fn count_known(&self, first: &str, second: &str) -> Option<()> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(first)?.get(second).map(|counter| counter.increment(1))
    }
}

/// The histograms of a metric with one label.
pub struct HistogramVec {
    metrics: MetricsRegistry,
    metric: MetricDef,
    known: RwLock<HashMap<String, Histogram>>,
}

impl HistogramVec {
    pub fn new(metrics: &MetricsRegistry, metric: MetricDef) -> Self {
        Self { metrics: metrics.clone(), metric, known: RwLock::default() }
    }

    /// Records a duration for this label value, which comes from a bounded set.
    pub fn note(&self, kind: &str, took: Duration) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(kind) {
            return histogram.record(took);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let register = || self.metrics.histogram(&self.metric, &[kind]);
        known.entry(kind.to_owned()).or_insert_with(register).record(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::definitions::{EXECUTIONS, REQUEST_SECONDS};

    #[test]
    fn metrics_are_rendered_as_prometheus_text() {
        let metrics = MetricsRegistry::new();
        let counters = CounterVec::new(&metrics, EXECUTIONS);
        counters.count("hello", "succeeded");
        counters.count("hello", "succeeded");
        HistogramVec::new(&metrics, REQUEST_SECONDS).note("X", Duration::from_millis(3));
        let text = metrics.render();
        assert!(text.contains("# TYPE kommando_executions_total counter\n"), "{text}");
        assert!(text.contains("kommando_executions_total{command=\"hello\",outcome=\"succeeded\"} 2\n"), "{text}");
        assert!(text.contains("kommando_request_seconds_bucket{operation=\"X\",le=\"0.0025\"} 0\n"), "{text}");
        assert!(text.contains("kommando_request_seconds_bucket{operation=\"X\",le=\"0.005\"} 1\n"), "{text}");
    }

    #[test]
    fn a_disabled_registry_counts_nothing() {
        let metrics = MetricsRegistry::default();
        CounterVec::new(&metrics, EXECUTIONS).count("hello", "succeeded");
        assert_eq!(metrics.render(), "");
    }
}
