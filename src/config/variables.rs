//! The environment variables of the settings.

use std::{collections::BTreeSet, ffi::OsString};

use clap::{Args, Command};

use super::{Config, SECRETS, error::ConfigError};
use crate::nearest;

/// The prefix of all our environment variables.
const PREFIX: &str = "KOMMANDO_";

impl Config {
    /// The variables of all settings, including the secrets.
    pub fn variables() -> BTreeSet<String> {
        let settings = Self::augment_args(Command::new("kommando"));
        let variables = settings.get_arguments().filter_map(|argument| argument.get_env());
        let mut names: BTreeSet<_> = variables.map(|name| name.to_string_lossy().into_owned()).collect();
        names.extend(SECRETS.iter().map(|(name, _)| (*name).to_owned()));
        names
    }
}

/// Rejects unknown `KOMMANDO_*` variables. Otherwise a misspelt setting would silently keep its default.
///
/// # Errors
/// There is an unknown variable.
pub fn check_variables(environment: impl Iterator<Item = OsString>) -> Result<(), ConfigError> {
    unknown_variables(environment).into_iter().next().map_or(Ok(()), Err)
}

/// An error for each unknown `KOMMANDO_*` variable.
pub fn unknown_variables(environment: impl Iterator<Item = OsString>) -> Vec<ConfigError> {
    let known = Config::variables();
    let names = environment.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(PREFIX));
    let names: BTreeSet<_> = names.collect();
    let services = kubernetes_services(&names);
    let is_unknown = |name: &&String| !known.contains(*name) && !services.iter().any(|service| service.has(name));
    let unknown = names.iter().filter(is_unknown).map(|name| {
        let suggestion = nearest::suggestion(name, known.iter().map(String::as_str));
        ConfigError::Unknown { name: name.clone(), suggestion }
    });
    unknown.collect()
}

/// A Kubernetes Service with a name that begins with `kommando`. Kubernetes gives each pod its address in variables, such as
/// `KOMMANDO_SERVICE_HOST` and `KOMMANDO_PORT_8080_TCP_ADDR`.
struct KubernetesService<'a>(&'a str);

impl KubernetesService<'_> {
    /// Whether Kubernetes sets this variable for the Service.
    fn has(&self, variable: &str) -> bool {
        let rest = variable.strip_prefix(self.0);
        rest.is_some_and(|rest| {
            rest == "_PORT" || ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"].iter().any(|part| rest.starts_with(part))
        })
    }
}

/// The Services of which there are both variables that each of them has.
fn kubernetes_services(variables: &BTreeSet<String>) -> Vec<KubernetesService<'_>> {
    let names = variables.iter().filter_map(|name| name.strip_suffix("_SERVICE_HOST"));
    names.filter(|name| variables.contains(&format!("{name}_SERVICE_PORT"))).map(KubernetesService).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str]) -> Result<(), String> {
        check_variables(names.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_misspelt_variable_is_refused_with_the_nearest_name() {
        let error = check(&["PATH", "KOMMANDO_LISTN"]).expect_err("an error");
        assert_eq!(error, "there is no setting KOMMANDO_LISTN; did you mean `KOMMANDO_LISTEN`?");
    }

    #[test]
    fn every_setting_and_every_secrets_file_is_known() {
        assert_eq!(check(&["KOMMANDO_LISTEN", "KOMMANDO_ADMIN_PASSWORD", "KOMMANDO_ADMIN_PASSWORD_FILE"]), Ok(()));
        assert!(check(&["KOMMANDO_LISTEN_FILE"]).is_err());
    }

    #[test]
    fn variables_of_kubernetes_services_are_not_settings() {
        let of_service = [
            "KOMMANDO_SERVICE_HOST",
            "KOMMANDO_SERVICE_PORT",
            "KOMMANDO_SERVICE_PORT_HTTP",
            "KOMMANDO_PORT",
            "KOMMANDO_PORT_8080_TCP",
            "KOMMANDO_PORT_8080_TCP_PROTO",
            "KOMMANDO_PORT_8080_TCP_PORT",
            "KOMMANDO_PORT_8080_TCP_ADDR",
        ];
        assert_eq!(check(&of_service), Ok(()));
        let of_other = ["KOMMANDO_POSTGRES_SERVICE_HOST", "KOMMANDO_POSTGRES_SERVICE_PORT", "KOMMANDO_POSTGRES_PORT"];
        assert_eq!(check(&of_other), Ok(()));
        assert!(check(&["KOMMANDO_PORT"]).is_err(), "there is no such Service");
        assert!(check(&["KOMMANDO_LISTEN_PORT", "KOMMANDO_SERVICE_HOST", "KOMMANDO_SERVICE_PORT"]).is_err());
    }
}
