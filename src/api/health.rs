//! Whether the server lives, and whether it can serve.

use poem_openapi::{OpenApi, payload::Json};

use super::{
    Tag,
    carriers::HealthStatus,
    refusals::{ErrorResponse, Refusals},
};
use crate::store::Store;

#[derive(Default)]
pub struct HealthOperations;

/// The refusals of readiness.
pub struct GetReadiness;

impl Refusals for GetReadiness {
    const LIST: &'static [(u16, &'static str)] = &[(503, "The database does not answer.")];
}

#[OpenApi(prefix_path = "/health", tag = "Tag::Health")]
impl HealthOperations {
    /// Say whether the server lives
    ///
    /// Answers as long as the process does. Restart it when this does not answer.
    #[oai(path = "/live", method = "get", operation_id = "GetLiveness")]
    async fn get_liveness(&self) -> Json<HealthStatus> {
        Json(HealthStatus::ok())
    }

    /// Say whether the server can serve
    ///
    /// Asks the database. Send requests elsewhere while this is 503.
    #[oai(path = "/ready", method = "get", operation_id = "GetReadiness")]
    async fn get_readiness(&self, store: &Store) -> Result<Json<HealthStatus>, ErrorResponse<GetReadiness>> {
        store.ping().await?;
        Ok(Json(HealthStatus::ok()))
    }
}
