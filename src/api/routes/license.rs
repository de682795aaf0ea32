//! Licences. This server has none, so that every list is empty (docs/upstream.md §1.4).

use poem_openapi::{OpenApi, param::Path};

use super::user::{GetUserError, visible};
use crate::{
    api::{
        extract::{examples, parameters::Int32},
        models::{ExtendedLicenseInfo, LicenseOwner},
        openapi::{
            error_responses::{CommonErrors, ErrorResponse},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    users::{Caller, UserCache},
};

#[derive(Default)]
pub struct LicenseOperations;

#[OpenApi(prefix_path = "/api/v1/License", tag = "Tag::License", ignore_case = true)]
impl LicenseOperations {
    /// List licences
    ///
    /// Returns an empty list: this server has no licences, and needs none.
    #[oai(path = "/", method = "get", operation_id = "v1License_GetLicenseForAllOwnersFromDB")]
    async fn list(
        &self,
        _caller: Caller,
        format: ResponseFormat,
    ) -> Result<Formatted<Vec<ExtendedLicenseInfo>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(Vec::new()))
    }

    /// Get the licences of a user
    ///
    /// Returns an empty list: no user has a licence, and none needs one.
    #[oai(path = "/User/:associateId", method = "get", operation_id = "v1License_GetUserLicenses")]
    async fn of_user(
        &self,
        caller: Caller,
        format: ResponseFormat,
        users: &UserCache,
        /// The id of the user.
        #[oai(name = "associateId", example = "examples::user_id")]
        id: Path<Int32>,
    ) -> Result<Formatted<Vec<LicenseOwner>>, ErrorResponse<GetUserError>> {
        visible(users, &caller, id.0.0).await?;
        Ok(format.answer(Vec::new()))
    }
}
