//! Checks whether a server can start with these settings, without changing anything. `serve` and `config check` share
//! the checks, so that they always agree.

mod database;
pub(super) mod finding;
mod settings;

pub use self::{
    database::{NO_USERS, database, names, no_administrator},
    finding::{FatalFindings, Finding},
};
use super::StartError;
use crate::{commands::Catalog, config::Config};

/// Checks the settings before a start, and returns the definitions.
///
/// # Errors
/// All fatal findings, including those of the database.
pub async fn start(config: &Config, demo: bool) -> Result<Catalog, StartError> {
    let (findings, catalog) = settings::check(config, demo);
    match (catalog, findings.iter().any(Finding::is_fatal)) {
        (Some(catalog), false) => Ok(catalog),
        _ => {
            let fatal = FatalFindings::among(all(config, demo).await).or_else(|| FatalFindings::among(findings));
            Err(StartError::Check(fatal.unwrap_or(FatalFindings(Vec::new()))))
        }
    }
}

/// All findings: of the settings, the listening addresses, and the database.
pub async fn all(config: &Config, demo: bool) -> Vec<Finding> {
    let with_url = config.clone().with_database_url_of_file();
    let config = with_url.as_ref().unwrap_or(config);
    let (mut findings, catalog) = settings::check(config, demo);
    findings.extend(settings::listeners(config));
    match &with_url {
        Ok(config) => findings.extend(database::check(config, demo, catalog.as_ref()).await),
        Err(error) => findings.push(Finding::fatal(error)),
    }
    findings
}
