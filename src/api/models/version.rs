//! The version and the health of the server.

use poem_openapi::{Object, types::Example};

use super::formats::Rfc3339;
use crate::executions::audit::LastVerification;

/// The versions of the API and of the server.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct Version {
    /// The base URL of version 1 of the API.
    #[oai(rename = "v1")]
    pub v1: String,
    /// The version of the API.
    pub version: String,
    /// The name of the server.
    pub net_server: String,
    /// The version of the server.
    pub net_server_version: String,
    /// The name and version of the server as a label for people.
    pub net_server_label: String,
}

impl Version {
    /// The version of this server. `base` is its base URL.
    pub fn at(base: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self {
            v1: format!("{base}/api/v1"),
            version: "v1".to_owned(),
            net_server: "kommando".to_owned(),
            net_server_version: version.to_owned(),
            net_server_label: format!("kommando {version}, an independent server"),
        }
    }
}

impl Example for Version {
    fn example() -> Self {
        Self::at("http://127.0.0.1:8080")
    }
}

/// The health of the server.
#[derive(Clone, Debug, Object)]
#[oai(example)]
pub struct HealthStatus {
    /// Always `ok`. Problems are reported with the status code.
    pub status: String,
}

/// The result of a verification of the audit chain.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuditChainHealth {
    /// Whether all records were intact. The log of the server names the first one that was not.
    pub intact: bool,
    /// When the verification ended.
    pub verified_at: Rfc3339,
}

impl HealthStatus {
    pub fn ok() -> Self {
        Self { status: "ok".to_owned() }
    }
}

impl Example for HealthStatus {
    fn example() -> Self {
        Self::ok()
    }
}

/// Whether the server can take requests.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Readiness {
    /// Always `ok`. Problems are reported with the status code.
    pub status: String,
    /// The result of the last scheduled verification of the audit chain; null before the first one, or without
    /// KOMMANDO_AUDIT_VERIFY.
    #[oai(nullable)]
    pub audit_chain: Option<AuditChainHealth>,
}

impl Readiness {
    pub fn new(last: Option<LastVerification>) -> Self {
        let health = |last: LastVerification| AuditChainHealth {
            intact: last.broken.is_none(),
            verified_at: last.ended_at.into(),
        };
        Self { status: "ok".to_owned(), audit_chain: last.map(health) }
    }
}

impl Example for Readiness {
    fn example() -> Self {
        let verified_at = Rfc3339("2026-11-23T18:35:14.198412Z".to_owned());
        Self { status: "ok".to_owned(), audit_chain: Some(AuditChainHealth { intact: true, verified_at }) }
    }
}
