//! Stands for the exporter in a program without it.

use super::variables::{self, OtlpError};

/// Sends nothing.
pub struct Exporter;

/// Finds no errors: the variables are not used.
pub fn check() -> Result<(), OtlpError> {
    Ok(())
}

/// Warns if the variables ask for traces.
pub fn start() -> Result<Exporter, OtlpError> {
    if let Some(warning) = variables::warning_without_feature() {
        tracing::warn!("{warning}");
    }
    Ok(Exporter)
}

impl Exporter {
    pub async fn finish(self) {}
}
