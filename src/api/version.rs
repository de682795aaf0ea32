//! What this server is, and what it offers: for everybody.

use std::collections::BTreeMap;

use poem_openapi::{OpenApi, payload::Json};

use super::{
    Operations, Tag,
    carriers::Version,
    faults::{ErrorResponse, NoOwn},
    request::{AcceptsJson, BaseUrl},
};

#[derive(Default)]
pub struct VersionOperations;

/// What each method of each address does.
type Directory = BTreeMap<String, BTreeMap<String, String>>;

#[OpenApi(tag = "Tag::Version")]
impl VersionOperations {
    /// Get the version of the API
    ///
    /// Says which API is served here, where it begins, and what serves it.
    #[oai(path = "/api", method = "get", operation_id = "GetVersion")]
    async fn get_version(&self, _accepts: AcceptsJson, base: BaseUrl) -> Result<Json<Version>, ErrorResponse<NoOwn>> {
        Ok(Json(Version::at(&base.0)))
    }

    /// Get what the API offers
    ///
    /// Lists every address of version 1 with what its methods do.
    #[oai(path = "/api/v1", method = "get", operation_id = "v1_GetOperations")]
    async fn get_operations(
        &self,
        _accepts: AcceptsJson,
        base: BaseUrl,
    ) -> Result<Json<Directory>, ErrorResponse<NoOwn>> {
        let mut directory = Directory::new();
        for path in <Operations as OpenApi>::meta().into_iter().flat_map(|api| api.paths) {
            if path.path.starts_with("/api/v1/") {
                let methods = path.operations.into_iter();
                let methods = methods.map(|one| (one.method.to_string(), one.summary.unwrap_or_default().to_owned()));
                directory.insert(format!("{}{}", base.0, path.path), methods.collect());
            }
        }
        Ok(Json(directory))
    }
}
