//! Reads the targets file: each target's URL, the secrets that sign its calls, and the networks it may be in.

use std::{collections::BTreeMap, env, fs, io, path::Path};

use ipnet::IpNet;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use standardwebhooks::Webhook;

/// The targets by name, including their secrets.
pub type Targets = BTreeMap<String, Target>;

/// A target of webhooks.
pub struct Target {
    pub url: Url,
    /// All of them sign every call, so that a secret can be rotated.
    pub signers: Vec<Webhook>,
    pub allow_networks: Vec<IpNet>,
    /// Certificate authorities (PEM) that are trusted in addition to the system's.
    pub authorities: Option<Vec<u8>>,
    /// Changes when anything above changes.
    pub fingerprint: Fingerprint,
}

/// SHA-256 over all values of a target, including its secrets.
pub type Fingerprint = [u8; 32];

/// Why the targets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    #[error("failed to read the targets from {file}: {cause}")]
    Unreadable { file: String, cause: io::Error },
    #[error("{file}: {problem}")]
    Wrong { file: String, problem: String },
    #[error("{}", self.lines().join("\n"))]
    Targets(Vec<TargetError>),
}

/// An error in one target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("target {target}: {problem}")]
pub struct TargetError {
    pub target: String,
    pub problem: String,
}

impl TargetsError {
    /// All errors, one line each.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Targets(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Unreadable { .. } | Self::Wrong { .. } => vec![self.to_string()],
        }
    }
}

/// A target as written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetConfig {
    url: String,
    secrets: Vec<Secret>,
    #[serde(default)]
    allow_networks: Vec<IpNet>,
    ca_file: Option<String>,
}

/// Where to read a secret: from an environment variable or a file.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Secret {
    Env(String),
    File(String),
}

const MAX_SECRETS: usize = 2;

/// Reads the targets and their secrets.
///
/// # Errors
/// The file or a secret cannot be read, or a target is invalid.
pub fn read(file: &Path) -> Result<Targets, TargetsError> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|cause| TargetsError::Unreadable { file: name.clone(), cause })?;
    let written: BTreeMap<String, TargetConfig> =
        serde_saphyr::from_str(&text).map_err(|error: serde_saphyr::Error| TargetsError::Wrong {
            file: name,
            problem: error.without_snippet().to_string(),
        })?;
    let (mut targets, mut errors) = (Targets::new(), Vec::new());
    for (name, written) in written {
        match written.check() {
            Ok(target) => {
                targets.insert(name, target);
            }
            Err(problems) => {
                let error = |problem| TargetError { target: name.clone(), problem };
                errors.extend(problems.into_iter().map(error));
            }
        }
    }
    if errors.is_empty() { Ok(targets) } else { Err(TargetsError::Targets(errors)) }
}

impl TargetConfig {
    /// # Errors
    /// All problems of the target.
    fn check(self) -> Result<Target, Vec<String>> {
        let (url, secrets, authorities) = (self.read_url(), self.read_secrets(), self.read_authorities());
        match (url, secrets, authorities) {
            (Ok(url), Ok((secrets, signers)), Ok(authorities)) => {
                let fingerprint = fingerprint(&url, &secrets, &self.allow_networks, authorities.as_deref());
                Ok(Target { url, signers, allow_networks: self.allow_networks, authorities, fingerprint })
            }
            (url, secrets, authorities) => {
                Err([url.err(), secrets.err(), authorities.err()].into_iter().flatten().collect())
            }
        }
    }

    fn read_url(&self) -> Result<Url, String> {
        let url: Url = self.url.parse().map_err(|error| format!("`url` is not a URL: {error}"))?;
        if !["https", "http"].contains(&url.scheme()) || !url.has_host() {
            return Err("`url` must begin with https:// or http://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("`url` must not contain a user or a password; calls are signed instead".to_owned());
        }
        if url.scheme() == "http" && self.allow_networks.is_empty() {
            return Err("plain http is allowed only for networks in `allow_networks`; use https".to_owned());
        }
        Ok(url)
    }

    fn read_secrets(&self) -> Result<(Vec<SecretString>, Vec<Webhook>), String> {
        if !(1..=MAX_SECRETS).contains(&self.secrets.len()) {
            return Err("`secrets` must name one secret, or two during a rotation".to_owned());
        }
        let secrets = self.secrets.iter().map(Secret::read).collect::<Result<Vec<_>, String>>()?;
        let signers = secrets.iter().map(signer).collect::<Result<_, String>>()?;
        Ok((secrets, signers))
    }

    fn read_authorities(&self) -> Result<Option<Vec<u8>>, String> {
        let read = |file: &String| fs::read(file).map_err(|error| format!("{file}: {error}"));
        self.ca_file.as_ref().map(read).transpose()
    }
}

impl Secret {
    fn read(&self) -> Result<SecretString, String> {
        let value = match self {
            Self::Env(name) => env::var(name).map_err(|_| format!("the variable {name} is not set, or is not text"))?,
            Self::File(file) => fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?,
        };
        Ok(SecretString::from(value.trim_end()))
    }
}

fn fingerprint(url: &Url, secrets: &[SecretString], networks: &[IpNet], authorities: Option<&[u8]>) -> Fingerprint {
    let secrets: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    // The Debug format quotes the parts, so that they cannot run together.
    let parts = format!("{url:?} {secrets:?} {networks:?} {authorities:?}");
    Sha256::digest(parts.as_bytes()).into()
}

fn signer(secret: &SecretString) -> Result<Webhook, String> {
    const SHORTEST: usize = 24;
    let secret = secret.expose_secret();
    let invalid = || {
        "a secret is `whsec_` and at least 24 bytes in base64; `echo whsec_$(openssl rand -base64 32)` makes one"
            .to_owned()
    };
    let key = secret.strip_prefix("whsec_").unwrap_or(secret);
    let is_long_enough = key.trim_end_matches('=').len() * 3 / 4 >= SHORTEST;
    Webhook::new(secret).ok().filter(|_| is_long_enough).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Targets, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        fs::write(&secret, "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=\n").expect("a file");
        fs::write(folder.path().join("weak"), "d2Vhaw==").expect("a file");
        let file = folder.path().join("targets.yaml");
        let folder_name = folder.path().display().to_string();
        fs::write(&file, text.replace("HERE", &folder_name)).expect("a file");
        read(&file).map_err(|error| error.to_string())
    }

    #[test]
    fn a_target_has_a_url_secrets_and_networks() {
        let text =
            "hr:\n  url: http://10.1.2.3/hook\n  secrets: [{file: HERE/secret}]\n  allow_networks: [10.0.0.0/8]\n";
        let targets = read_text(text).expect("targets");
        assert_eq!(targets["hr"].url.as_str(), "http://10.1.2.3/hook");
        assert_eq!((targets["hr"].signers.len(), targets["hr"].allow_networks.len()), (1, 1));
    }

    #[test]
    fn an_error_in_a_target_names_the_target() {
        for (target, problem) in [
            ("{url: nowhere, secrets: []}", "`url` is not a URL"),
            ("{url: 'ftp://a/b', secrets: []}", "`url` must begin with https://"),
            ("{url: 'https://me:it@a/b', secrets: []}", "`url` must not contain a user or a password"),
            ("{url: 'http://a/b', secrets: [{file: HERE/secret}]}", "plain http is allowed only for networks"),
            ("{url: 'https://a/b', secrets: []}", "`secrets` must name one secret"),
            ("{url: 'https://a/b', secrets: [{env: SURELY_NOT_SET}]}", "the variable SURELY_NOT_SET"),
            ("{url: 'https://a/b', secrets: [{file: HERE/none}]}", "No such file"),
            ("{url: 'https://a/b', secrets: [{file: HERE/weak}]}", "at least 24 bytes"),
        ] {
            let error = read_text(&format!("hr: {target}")).err().expect("an error");
            assert!(error.starts_with("target hr: ") && error.contains(problem), "{error}");
        }
        let errors = read_text(
            "hr: {url: nowhere, secrets: [], ca_file: /none}\nit: {url: 'https://a/b', secrets: []}\nok: {url: \
             'https://a/b', secrets: [{file: HERE/secret}]}",
        );
        let errors = errors.err().expect("errors");
        let of: Vec<_> = errors.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(of, ["target hr", "target hr", "target hr", "target it"], "{errors}");
        let error = read_text("hr: {url: 'https://a/b', secret: x}").err().expect("an error");
        assert!(error.contains("targets.yaml") && error.contains("secret"), "{error}");
    }
}
