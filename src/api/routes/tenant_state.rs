//! The state of a tenant, which clients of an online installation ask for before they call (docs/upstream.md §1.5).

use std::time::Duration;

use chrono::TimeDelta;
use poem_openapi::{OpenApi, param::Path, payload::Json};
use tokio::time::timeout;

use crate::{
    api::{
        extract::{examples, request::RootUrl},
        models::{TenantState, TenantStatus},
        openapi::{
            error_responses::{CommonErrors, ErrorResponse},
            tags::Tag,
        },
        state::AppState,
    },
    clock,
};

/// How long a client may keep the answer.
const VALID_FOR: TimeDelta = TimeDelta::hours(1);
/// The same while the API cannot be called, or the tenant is unknown.
const BRIEFLY_VALID_FOR: TimeDelta = TimeDelta::minutes(1);
/// How long the database may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct TenantStateOperations;

#[OpenApi(tag = "Tag::Version")]
impl TenantStateOperations {
    /// Get the state of a tenant
    ///
    /// Returns where the API of a tenant is, and whether it can be called. `KOMMANDO_TENANT` names the tenant of this
    /// server; every other one is `Unknown`.
    #[oai(path = "/api/state/:contextIdentifier", method = "get", operation_id = "GetTenantState")]
    async fn get_state(
        &self,
        state: &AppState,
        root: RootUrl,
        /// The id of the tenant, such as `Cust12345`.
        #[oai(name = "contextIdentifier", example = "examples::tenant")]
        tenant: Path<String>,
    ) -> Result<Json<TenantStatus>, ErrorResponse<CommonErrors>> {
        let now = clock::now();
        let Some(tenant) = state.tenant.as_ref().filter(|known| known.is(&tenant.0)) else {
            return Ok(Json(TenantStatus::unknown(tenant.0, now + BRIEFLY_VALID_FOR)));
        };
        let is_running = matches!(timeout(PING_TIMEOUT, state.store.ping()).await, Ok(Ok(())));
        let (state, valid_for) = match is_running {
            true => (TenantState::Running, VALID_FOR),
            false => (TenantState::OfflineMaintenance, BRIEFLY_VALID_FOR),
        };
        Ok(Json(TenantStatus::at(&root.0, tenant.to_string(), state, now + valid_for)))
    }
}
