//! What this server is, and what it offers: for everybody.

use std::{collections::BTreeMap, sync::LazyLock};

use poem_openapi::{OpenApi, payload::Json, registry::MetaOperation};

use super::{
    Operations, Tag,
    carriers::Version,
    refusals::{ErrorResponse, NoOwn},
    request::BaseUrl,
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
    async fn get_version(&self, base: BaseUrl) -> Result<Json<Version>, ErrorResponse<NoOwn>> {
        Ok(Json(Version::at(&base.0)))
    }

    /// Get what the API offers
    ///
    /// Lists every address of version 1 with what its methods do.
    #[oai(path = "/api/v1", method = "get", operation_id = "GetOperations")]
    async fn get_operations(&self, base: BaseUrl) -> Result<Json<Directory>, ErrorResponse<NoOwn>> {
        let at = |(path, methods): &(String, BTreeMap<String, String>)| (format!("{}{path}", base.0), methods.clone());
        Ok(Json(OFFERS.iter().map(at).collect()))
    }
}

/// The paths of version 1, with what their methods do.
static OFFERS: LazyLock<Vec<(String, BTreeMap<String, String>)>> = LazyLock::new(|| {
    let paths = <Operations as OpenApi>::meta().into_iter().flat_map(|api| api.paths);
    let methods = |operations: Vec<MetaOperation>| {
        let summary = |one: MetaOperation| (one.method.to_string(), one.summary.unwrap_or_default().to_owned());
        operations.into_iter().map(summary).collect()
    };
    let own = paths.filter(|path| path.path.starts_with("/api/v1/"));
    own.map(|path| (path.path, methods(path.operations))).collect()
});
