//! User groups as items of a list: upstream's `List/UserGroup/Items`.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::role_errors::ChangeGroupError;
use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate},
            parameters::{Boolean, Int32},
            request::BaseUrl,
        },
        models::UserGroup,
        openapi::{
            error_responses::{CommonErrors, Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::{
            format::{Formatted, ResponseFormat},
            saved::Saved,
        },
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
    /// Creates a group; only Value, its name, is required. With the Id of an existing group, that group is updated. Only
    /// for administrators.
    #[oai(path = "/Items", method = "post", operation_id = "v1UserGroupList_PostUserGroup")]
    async fn post(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        base: BaseUrl,
        group: JsonBody<PartialUpdate<UserGroup>>,
    ) -> Result<Saved<UserGroup>, ErrorResponse<ChangeGroupError>> {
        users::check_is_administrator(&caller)?;
        let id = group.0.number("Id");
        let saved = users::request_save_group(service, &caller, id, edit_group(id, group.0.entity()?)).await?;
        let location = format!("{}/api/v1/List/UserGroup/Items/{}", base.0, saved.id);
        Ok(Saved::new(format.answer(saved.into()), &location)?)
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
        let id = group.0.check_id("Id", id.0.0)?;
        let saved = users::request_save_group(service, &caller, id, edit_group(id, group.0.entity()?)).await?;
        Ok(format.answer(saved.into()))
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

/// What the given properties change in the stored group. The id 0 stands for a new group.
pub fn edit_group(
    id: i32,
    given: PartialUpdate<UserGroup>,
) -> impl FnOnce(Option<user_group::Model>) -> Result<user_group::Model, Error> + Clone {
    move |stored| {
        let group = given.applied_to(stored.map(Into::into))?;
        Ok(user_group::Model { id, ..group.into() })
    }
}
