//! The state of a tenant, which clients of an online installation ask for before they call (docs/upstream.md §1.5).

use chrono::TimeDelta;
use poem_openapi::{OpenApi, param::Path, payload::Json};

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
        let valid_until = clock::now() + VALID_FOR;
        let Some(tenant) = state.tenant.as_ref().filter(|known| known.is(&tenant.0)) else {
            return Ok(Json(TenantStatus::unknown(tenant.0, valid_until)));
        };
        let is_running = state.store.ping().await.is_ok();
        let state = if is_running { TenantState::Running } else { TenantState::OfflineMaintenance };
        Ok(Json(TenantStatus::at(&root.0, tenant.to_string(), state, valid_until)))
    }
}
