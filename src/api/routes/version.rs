//! The version and the operations of the API. Both are public.

use std::{collections::BTreeMap, sync::LazyLock};

use poem_openapi::{OpenApi, payload::Json};

use crate::api::{
    extract::request::BaseUrl,
    models::Version,
    openapi::error_responses::{CommonErrors, ErrorResponse},
    openapi::tags::Tag,
};

/// The paths of version 1, each with the summary of each method.
type Summaries = Vec<(String, BTreeMap<String, String>)>;

pub struct VersionOperations {
    /// The paths of version 1 with the summaries of their operations by method.
    summaries: LazyLock<Summaries>,
}

impl VersionOperations {
    pub fn new(summaries: fn() -> Summaries) -> Self {
        Self { summaries: LazyLock::new(summaries) }
    }
}

/// The summaries of operations, by URL and method.
type Directory = BTreeMap<String, BTreeMap<String, String>>;

#[OpenApi(tag = "Tag::Version")]
impl VersionOperations {
    /// Get the version of the API
    ///
    /// Returns the version of the API, its base URL, and the name and version of the server.
    #[oai(path = "/api", method = "get", operation_id = "GetVersion")]
    async fn get_version(&self, base: BaseUrl) -> Result<Json<Version>, ErrorResponse<CommonErrors>> {
        Ok(Json(Version::at(&base.0)))
    }

    /// List the operations of the API
    ///
    /// Lists all URLs of version 1 with the summaries of their operations by method.
    #[oai(path = "/api/v1", method = "get", operation_id = "GetOperations")]
    async fn get_operations(&self, base: BaseUrl) -> Result<Json<Directory>, ErrorResponse<CommonErrors>> {
        let at = |(path, methods): &(String, BTreeMap<String, String>)| (format!("{}{path}", base.0), methods.clone());
        Ok(Json(self.summaries.iter().map(at).collect()))
    }
}
