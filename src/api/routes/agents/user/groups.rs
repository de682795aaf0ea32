//! User groups.

use std::collections::HashSet;

use poem_openapi::{Object, OpenApi, param::Query};

use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate},
            parameters::Int32,
            request::NoBody,
        },
        models::{Nullable, UserGroup},
        openapi::error_responses::{CommonErrors, Done, ErrorResponse},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::{role_errors::ChangeGroupError, user_group_list::edit_group},
    },
    auth::AgentCaller,
    store::Store,
    users::{self, UserService, user_group},
};

#[derive(Default)]
pub struct Groups;

/// A group to save.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveUserGroupRequest {
    /// The group.
    user_group: PartialUpdate<UserGroup>,
}

/// Options for listing groups.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct GetAllUserGroupsRequest {
    /// Whether to include groups that are no longer in use.
    include_deleted: Option<bool>,
}

/// A group to delete, and the group that replaces it.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteUserGroupRequest {
    /// The id of the group to delete.
    user_group_to_delete: i32,
    /// The id of the group that its users are moved to.
    user_group_to_move_to: i32,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Groups {
    /// Get a user group
    ///
    /// Returns a group by id; null if it does not exist.
    #[oai(path = "/GetUserGroup", method = "post", operation_id = "v1UserAgent_GetUserGroup")]
    async fn get(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the group.
        #[oai(name = "userGroupId", example = "examples::group_id")]
        user_group_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<UserGroup>>, ErrorResponse<CommonErrors>> {
        let group = user_group::find(store.reader(), user_group_id.0.0).await?;
        Ok(format.answer(Nullable(group.map(Into::into))))
    }

    /// Get user groups
    ///
    /// Returns the groups with these ids, sorted by rank and name. Ids that do not exist are ignored.
    #[oai(path = "/GetUserGroupList", method = "post", operation_id = "v1UserAgent_GetUserGroupList")]
    async fn find_many(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        ids: JsonBody<Vec<i32>>,
    ) -> Result<Formatted<Vec<UserGroup>>, ErrorResponse<CommonErrors>> {
        let groups = user_group::list(store.reader()).await?.into_iter();
        let ids: HashSet<i32> = ids.0.into_iter().collect();
        Ok(format.answer(groups.filter(|group| ids.contains(&group.id)).map(Into::into).collect()))
    }

    /// Get all user groups
    ///
    /// Returns the groups that are in use, or all groups on request, sorted by rank and name.
    #[oai(path = "/GetAllUserGroups", method = "post", operation_id = "v1UserAgent_GetAllUserGroups")]
    async fn list_all(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetAllUserGroupsRequest>,
    ) -> Result<Formatted<Vec<UserGroup>>, ErrorResponse<CommonErrors>> {
        let include_deleted = body.0.include_deleted.unwrap_or_default();
        let groups = user_group::list(store.reader()).await?.into_iter();
        Ok(format.answer(groups.filter(|group| include_deleted || !group.deleted).map(Into::into).collect()))
    }

    /// Get a default user group
    ///
    /// Returns a new group to be completed and saved. Nothing is stored.
    #[oai(path = "/CreateUserGroup", method = "post", operation_id = "v1UserAgent_CreateUserGroup")]
    async fn create_default(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<UserGroup>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(user_group::Model::default().into()))
    }

    /// Save a user group
    ///
    /// Updates the group with this Id, or creates a group when Id is 0 or omitted. Omitted properties stay as they are.
    /// Only for administrators.
    #[oai(path = "/SaveUserGroup", method = "post", operation_id = "v1UserAgent_SaveUserGroup")]
    async fn save(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SaveUserGroupRequest>,
    ) -> Result<Formatted<UserGroup>, ErrorResponse<ChangeGroupError>> {
        users::check_is_administrator(&caller)?;
        let given = body.0.user_group;
        let id = given.number("Id");
        let saved = users::request_save_group(service, &caller, id, edit_group(id, given)).await?;
        Ok(format.answer(saved.into()))
    }

    /// Delete a user group
    ///
    /// Moves the users of a group to another group and marks the group as no longer in use. Only for administrators.
    #[oai(path = "/DeleteUserGroup", method = "post", operation_id = "v1UserAgent_DeleteUserGroup")]
    async fn delete(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<DeleteUserGroupRequest>,
    ) -> Result<Done, ErrorResponse<ChangeGroupError>> {
        let JsonBody(DeleteUserGroupRequest { user_group_to_delete: id, user_group_to_move_to: replacement }) = body;
        users::request_delete_group(service, &caller, id, replacement).await?;
        Ok(Done::NoContent)
    }
}
