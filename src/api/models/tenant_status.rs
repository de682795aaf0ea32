//! The state of a tenant (docs/upstream.md §1.5).

use chrono::{DateTime, SecondsFormat, Utc};
use poem_openapi::{Enum, Object, types::Example};

/// Where the API of a tenant is, and whether it can be called.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct TenantStatus {
    /// The id of the tenant.
    pub context_identifier: String,
    /// The base URL of the tenant; empty for an unknown tenant.
    pub endpoint: String,
    /// The state of the tenant.
    pub state: TenantState,
    /// Whether the API can be called.
    pub is_running: bool,
    /// Until when this answer may be kept, in UTC.
    pub valid_until: String,
    /// The base URL of the API: `/v1/User` is below it. Empty for an unknown tenant.
    pub api: String,
}

/// The state of a tenant. Upstream has more; these two and `Unknown` occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TenantState {
    /// This server does not serve the tenant.
    Unknown,
    Running,
    /// The database does not answer.
    OfflineMaintenance,
}

impl TenantStatus {
    pub fn unknown(context_identifier: String, valid_until: DateTime<Utc>) -> Self {
        Self {
            context_identifier,
            endpoint: String::new(),
            state: TenantState::Unknown,
            is_running: false,
            valid_until: valid_until.to_rfc3339_opts(SecondsFormat::Secs, true),
            api: String::new(),
        }
    }

    /// `root` is the URL of the server.
    pub fn at(root: &str, context_identifier: String, state: TenantState, valid_until: DateTime<Utc>) -> Self {
        let endpoint = format!("{root}/{context_identifier}");
        Self {
            api: format!("{endpoint}/api"),
            endpoint,
            state,
            is_running: state == TenantState::Running,
            ..Self::unknown(context_identifier, valid_until)
        }
    }
}

impl Example for TenantStatus {
    fn example() -> Self {
        let valid_until = DateTime::from_timestamp(1_795_700_000, 0).unwrap_or_default();
        Self::at("http://127.0.0.1:8080", "Cust12345".to_owned(), TenantState::Running, valid_until)
    }
}
