//! The custom fields and the foreign keys of users.

use std::collections::BTreeMap;

use poem_openapi::{OpenApi, param::Path};

use super::user::{GetUserError, visible};
use crate::{
    api::{
        extract::{examples, parameters::Int32},
        models::FieldInfoBase,
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    error::Error,
    store::Store,
    users::{self, Caller, UserCache},
};

#[derive(Default)]
pub struct FieldOperations;

error_responses! {
    /// The errors of reading one field.
    pub enum GetFieldError {
        /// Not Found.
        404 NotFound,
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl FieldOperations {
    /// Get the custom fields
    ///
    /// Returns the custom fields that have a value for at least one user. Custom fields need no definition: a field
    /// exists as soon as a user has a value for it in CustomFields. All values are texts.
    #[oai(path = "/User/CustomField", method = "get", operation_id = "v1User_GetCustomFieldInfoList")]
    async fn list_custom_fields(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        store: &Store,
    ) -> Result<Formatted<Vec<FieldInfoBase>>, ErrorResponse<CommonErrors>> {
        let names = users::custom_field_names(store.reader()).await?;
        Ok(format.answer(names.into_iter().map(FieldInfoBase::text).collect()))
    }

    /// Get a custom field
    ///
    /// Returns a custom field by name, such as `x_foo` or `SuperOffice:3`.
    #[oai(path = "/User/CustomField/:fieldName", method = "get", operation_id = "v1User_GetCustomFieldInfo")]
    async fn get_custom_field(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// The name of the field.
        #[oai(name = "fieldName", example = "examples::field_name")]
        field_name: Path<String>,
    ) -> Result<Formatted<FieldInfoBase>, ErrorResponse<GetFieldError>> {
        let names = users::custom_field_names(store.reader()).await?;
        let found = names.into_iter().find(|name| name.eq_ignore_ascii_case(&field_name.0));
        Ok(format.answer(found.map(FieldInfoBase::text).ok_or(Error::NoSuchField)?))
    }

    /// Get the foreign keys of a user
    ///
    /// Returns the ids that other systems have for this user. This server stores no foreign keys, so the result is
    /// always empty.
    #[oai(path = "/User/:id/ForeignKey", method = "get", operation_id = "v1User_GetAllForeignKeysOnEntity")]
    async fn list_foreign_keys(
        &self,
        caller: Caller,
        format: ResponseFormat,
        users: &UserCache,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<GetUserError>> {
        visible(users, &caller, id.0.0).await?;
        Ok(format.answer(BTreeMap::new()))
    }
}
