//! Health checks: liveness and readiness.

use poem_openapi::{OpenApi, payload::Json};

use crate::{
    api::{
        models::{HealthStatus, Readiness},
        openapi::error_responses::{ErrorResponse, error_responses},
        openapi::tags::Tag,
    },
    executions::audit::VerificationStatus,
    store::Store,
};

#[derive(Default)]
pub struct HealthOperations;

error_responses! {
    /// The errors of readiness.
    pub enum GetReadinessError {
        /// The database does not answer.
        503 ServiceUnavailable,
    }
}

#[OpenApi(prefix_path = "/health", tag = "Tag::Health")]
impl HealthOperations {
    /// Check liveness
    ///
    /// Answers as long as the process works. Restart the server when this operation does not answer.
    #[oai(path = "/live", method = "get", operation_id = "GetLiveness")]
    async fn get_liveness(&self) -> Json<HealthStatus> {
        Json(HealthStatus::ok())
    }

    /// Check readiness
    ///
    /// Checks the database. While the answer is 503, send requests to another server. `auditChain` says whether the
    /// audit chain is intact; that does not change the status.
    #[oai(path = "/ready", method = "get", operation_id = "GetReadiness")]
    async fn get_readiness(
        &self,
        store: &Store,
        verification: &VerificationStatus,
    ) -> Result<Json<Readiness>, ErrorResponse<GetReadinessError>> {
        store.ping().await?;
        Ok(Json(Readiness::new(verification.get())))
    }
}
