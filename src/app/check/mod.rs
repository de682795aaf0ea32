//! Whether a server can start with these settings. `serve` and `config check` both ask here: what one refuses, the other finds.
//! Nothing is changed.

mod database;
mod finding;
mod settings;

pub use self::{
    database::{NO_USERS, database, names, no_administrator},
    finding::{Finding, Refusals},
};
use super::StartError;
use crate::{commands::Catalog, config::Config};

/// The definitions, if nothing in the settings prevents the start.
///
/// # Errors
/// All reasons that prevent it, those of the database included.
pub async fn start(config: &Config, demo: bool) -> Result<Catalog, StartError> {
    let (findings, catalog) = settings::check(config, demo);
    match (catalog, findings.iter().any(Finding::is_refusal)) {
        (Some(catalog), false) => Ok(catalog),
        _ => {
            let refusals = Refusals::among(all(config, demo).await).or_else(|| Refusals::among(findings));
            Err(StartError::Refused(refusals.unwrap_or(Refusals(Vec::new()))))
        }
    }
}

/// Everything that there is to say: of the settings, and of what they lead to.
pub async fn all(config: &Config, demo: bool) -> Vec<Finding> {
    let (mut findings, catalog) = settings::check(config, demo);
    findings.extend(settings::listeners(config));
    findings.extend(database::check(config, demo, catalog.as_ref()).await);
    findings
}
