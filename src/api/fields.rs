//! What an installation adds to users: custom fields, and foreign keys.

use std::collections::BTreeMap;

use poem_openapi::{OpenApi, param::Path};

use super::{
    Tag,
    carriers::FieldInfoBase,
    parameters::{FieldName, UserId},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn, Refusals},
    user::{GetUser, visible},
};
use crate::{
    error::Error,
    store::Store,
    users::{self, Caller, UserCache},
};

#[derive(Default)]
pub struct FieldOperations;

/// The refusals of reading one field.
pub struct GetField;

impl Refusals for GetField {
    const LIST: &'static [(u16, &'static str)] = &[(404, "Not Found.")];
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl FieldOperations {
    /// Get the custom fields
    ///
    /// Gets the custom fields that users have values of. They need no definition: a field is there as soon as a user has
    /// a value of it in CustomFields, which is always a text.
    #[oai(path = "/User/CustomField", method = "get", operation_id = "v1User_GetCustomFieldInfoList")]
    async fn list_custom_fields(
        &self,
        _caller: Caller,
        reader: Reader,
        store: &Store,
    ) -> Result<Answer<Vec<FieldInfoBase>>, ErrorResponse<NoOwn>> {
        let names = users::custom_field_names(store.reader()).await?;
        Ok(reader.answer(names.into_iter().map(FieldInfoBase::text).collect()))
    }

    /// Get a custom field
    ///
    /// Gets a custom field by name, such as `x_foo` or `SuperOffice:3`.
    #[oai(path = "/User/CustomField/:fieldName", method = "get", operation_id = "v1User_GetCustomFieldInfo")]
    async fn get_custom_field(
        &self,
        _caller: Caller,
        reader: Reader,
        store: &Store,
        /// The field's name.
        #[oai(name = "fieldName")]
        field_name: Path<FieldName>,
    ) -> Result<Answer<FieldInfoBase>, ErrorResponse<GetField>> {
        let names = users::custom_field_names(store.reader()).await?;
        let found = names.into_iter().find(|name| name.eq_ignore_ascii_case(&field_name.0.0));
        Ok(reader.answer(found.map(FieldInfoBase::text).ok_or(Error::NoSuchField)?))
    }

    /// Get the foreign keys of a user
    ///
    /// Gets what other systems call this user. This server keeps no foreign keys: the answer is empty.
    #[oai(path = "/User/:id/ForeignKey", method = "get", operation_id = "v1User_GetAllForeignKeysOnEntity")]
    async fn list_foreign_keys(
        &self,
        caller: Caller,
        reader: Reader,
        users: &UserCache,
        /// The user's id (AssociateId).
        id: Path<UserId>,
    ) -> Result<Answer<BTreeMap<String, String>>, ErrorResponse<GetUser>> {
        visible(users, &caller, id.0.0).await?;
        Ok(reader.answer(BTreeMap::new()))
    }
}
