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
    error::Error,
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

    /// Refuse to add a licence
    #[oai(path = "/", method = "post", operation_id = "v1License_AddLicenseFromFile", hidden)]
    async fn add(&self, _caller: Caller) -> Result<(), ErrorResponse<CommonErrors>> {
        Err(Error::ResourceNotServed("License").into())
    }

    /// Refuse the list of licences to choose from
    #[oai(path = "/User/MdoList", method = "get", operation_id = "v1License_GetUserLicensesMDOList", hidden)]
    async fn list_to_choose(&self, _caller: Caller) -> Result<(), ErrorResponse<CommonErrors>> {
        Err(Error::ResourceNotServed("License").into())
    }
}
