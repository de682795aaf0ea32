//! User groups as items of a list: upstream's `List/UserGroup/Items`.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    types::{ToJSON, Type},
};

use super::role_errors::ChangeGroupError;
use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate, parse_completed},
            parameters::{Boolean, Int32},
            schema_coercion::merge,
        },
        models::UserGroup,
        openapi::{
            error_responses::{CommonErrors, Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{self, Caller, UserService, user_group},
};

#[derive(Default)]
pub struct UserGroupListOperations;

error_responses! {
    /// The errors of reading a group.
    pub enum GetGroupError {
        /// Not Found.
        404 NotFound,
    }
}

#[OpenApi(prefix_path = "/api/v1/List/UserGroup", tag = "Tag::List", ignore_case = true)]
impl UserGroupListOperations {
    /// List user groups
    ///
    /// Returns the groups that are in use, or all groups on request, sorted by rank and name.
    #[oai(path = "/Items", method = "get", operation_id = "v1UserGroupList_GetAllUserGroup")]
    async fn list(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// Whether to include groups that are no longer in use.
        #[oai(name = "includeDeleted")]
        include_deleted: Query<Option<Boolean>>,
    ) -> Result<Formatted<Vec<UserGroup>>, ErrorResponse<CommonErrors>> {
        let include_deleted = include_deleted.0.is_some_and(|Boolean(is_included)| is_included);
        let groups = user_group::list(store.reader()).await?.into_iter();
        Ok(format.answer(groups.filter(|group| include_deleted || !group.deleted).map(Into::into).collect()))
    }

    /// Create a user group
    ///
    /// Creates a group; only Value, its name, is required. Only for administrators.
    #[oai(path = "/Items", method = "post", operation_id = "v1UserGroupList_PostUserGroup")]
    async fn post(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        group: JsonBody<PartialUpdate<UserGroup>>,
    ) -> Result<Formatted<UserGroup>, ErrorResponse<ChangeGroupError>> {
        let group: UserGroup = parse_completed(group.0.entity()?.into_value())?;
        Ok(format.answer(users::request_save_group(service, &caller, group.into()).await?.into()))
    }

    /// Get a user group
    ///
    /// Returns a group by id.
    #[oai(path = "/Items/:id", method = "get", operation_id = "v1UserGroupList_GetUserGroup")]
    async fn get(
        &self,
        _caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the group.
        #[oai(example = "examples::group_id")]
        id: Path<Int32>,
    ) -> Result<Formatted<UserGroup>, ErrorResponse<GetGroupError>> {
        let group = user_group::find(store.reader(), id.0.0).await?.ok_or(Error::NoSuchGroup)?;
        Ok(format.answer(group.into()))
    }

    /// Update a user group
    ///
    /// Updates a group: name, tooltip, rank, and whether it is in use. Omitted properties stay as they are. Only for
    /// administrators.
    #[oai(path = "/Items/:id", method = "put", operation_id = "v1UserGroupList_PutUserGroup")]
    async fn put(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        /// The id of the group.
        #[oai(example = "examples::group_id")]
        id: Path<Int32>,
        group: JsonBody<PartialUpdate<UserGroup>>,
    ) -> Result<Formatted<UserGroup>, ErrorResponse<ChangeGroupError>> {
        users::check_is_administrator(&caller)?;
        let id = id.0.0;
        let given = group.0.number("Id");
        if id == 0 || given != 0 && given != id {
            let message = format!("Body: Id is {given}, but the path has {id}.");
            return Err(Error::InvalidArgument(message).into());
        }
        let missing = || Error::Validation(format!("Id: there is no group {id}"));
        let stored = user_group::find(service.store.reader(), id).await?.ok_or_else(missing)?;
        let present = UserGroup::from(stored).to_json().unwrap_or_default();
        let value = merge(&UserGroup::schema_ref(), present, group.0.entity()?.into_value());
        let group: UserGroup = parse_completed(value)?;
        let group = user_group::Model { id, ..group.into() };
        Ok(format.answer(users::request_save_group(service, &caller, group).await?.into()))
    }

    /// Retire a user group
    ///
    /// Marks a group as no longer in use. Its users stay in it; the agent's DeleteUserGroup moves them. The last group in
    /// use cannot be retired. Only for administrators.
    #[oai(path = "/Items/:id", method = "delete", operation_id = "v1UserGroupList_DeleteUserGroup")]
    async fn delete(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the group.
        #[oai(example = "examples::group_id")]
        id: Path<Int32>,
    ) -> Result<Done, ErrorResponse<ChangeGroupError>> {
        users::request_retire_group(service, &caller, id.0.0).await?;
        Ok(Done::NoContent)
    }
}
