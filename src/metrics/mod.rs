//! Metrics, and the context of a request: its trace and its caller.
//!
//! A module that counts gets its handles from [`MetricsRegistry`] once and keeps them. The log is set up in
//! `telemetry`.

pub mod definitions;
mod registry;
mod request_context;

pub use definitions::MetricDef;
pub use registry::{CounterVec, HistogramVec, MetricsRegistry};
pub use request_context::{RequestContext, caller, note_caller, trace};
