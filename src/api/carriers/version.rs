//! What the server says of itself.

use poem_openapi::{Object, types::Example};

/// Which API this is, and what serves it.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct Version {
    /// Where version 1 of the API begins.
    #[oai(rename = "v1")]
    pub v1: String,
    /// The version of the API.
    pub version: String,
    /// What serves it.
    pub net_server: String,
    /// The version of what serves it.
    pub net_server_version: String,
    /// The same, for people.
    pub net_server_label: String,
}

impl Version {
    /// This server, reached at `base`.
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

/// How the server is.
#[derive(Clone, Debug, Object)]
#[oai(example)]
pub struct HealthStatus {
    /// `ok`; anything else is told by the status code.
    pub status: String,
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
