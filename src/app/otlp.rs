//! Sends the spans of [`crate::traces`] by OTLP to the collector that the standard variables name. Needs the feature
//! `otlp`; without it, a server that finds the variables says so.

#[cfg(feature = "otlp")]
mod exporter;
#[cfg(not(feature = "otlp"))]
mod missing;
#[cfg(feature = "otlp")]
mod rules;
mod variables;

#[cfg(feature = "otlp")]
pub use exporter::{Exporter, check, start};
#[cfg(not(feature = "otlp"))]
pub use missing::{Exporter, check, start};
pub use variables::{OtlpError, warning_without_feature};
