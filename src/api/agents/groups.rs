//! User groups.

use std::collections::HashSet;

use poem_openapi::{Object, OpenApi, param::Query};

use super::super::{
    Tag,
    body::{Body, Partial, parse_completed},
    carriers::{Maybe, UserGroup},
    parameters::AnyId,
    reader::{Answer, Reader},
    refusals::{Done, ErrorResponse, NoOwn},
    request::NoBody,
    user_change::ChangeUser,
};
use crate::{
    auth::UserAgent,
    store::{Store, Touched},
    users::{self, UserService, user_group},
};

#[derive(Default)]
pub struct Groups;

/// A group to be saved.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveUserGroupRequest {
    /// The group.
    user_group: Partial<UserGroup>,
}

/// Whether to get groups that are no longer used.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAllUserGroupsRequest {
    /// Whether to get those that are no longer used, too.
    include_deleted: Option<bool>,
}

/// A group to be deleted, and the one that takes its place.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteUserGroupRequest {
    /// The group to delete.
    user_group_to_delete: i32,
    /// The group that its users move to.
    user_group_to_move_to: i32,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Groups {
    /// Get a user group
    ///
    /// Gets a group by id; null when there is none.
    #[oai(path = "/GetUserGroup", method = "post", operation_id = "v1UserAgent_GetUserGroup")]
    async fn get(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        /// The group's id.
        #[oai(name = "userGroupId")]
        user_group_id: Query<AnyId>,
        _body: NoBody,
    ) -> Result<Answer<Maybe<UserGroup>>, ErrorResponse<NoOwn>> {
        let group = user_group::find(store.reader(), user_group_id.0.0).await?;
        Ok(reader.answer(Maybe(group.map(Into::into))))
    }

    /// Get user groups
    ///
    /// Gets the groups with these ids, by rank and name; those that do not exist are left out.
    #[oai(path = "/GetUserGroupList", method = "post", operation_id = "v1UserAgent_GetUserGroupList")]
    async fn list_some(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        ids: Body<Vec<i32>>,
    ) -> Result<Answer<Vec<UserGroup>>, ErrorResponse<NoOwn>> {
        let groups = user_group::list(store.reader()).await?.into_iter();
        let ids: HashSet<i32> = ids.0.into_iter().collect();
        Ok(reader.answer(groups.filter(|group| ids.contains(&group.id)).map(Into::into).collect()))
    }

    /// Get all user groups
    ///
    /// Gets the groups that are in use, by rank and name; on request all of them.
    #[oai(path = "/GetAllUserGroups", method = "post", operation_id = "v1UserAgent_GetAllUserGroups")]
    async fn list_all(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<GetAllUserGroupsRequest>,
    ) -> Result<Answer<Vec<UserGroup>>, ErrorResponse<NoOwn>> {
        let all = body.0.include_deleted.unwrap_or_default();
        let groups = user_group::list(store.reader()).await?.into_iter();
        Ok(reader.answer(groups.filter(|group| all || !group.deleted).map(Into::into).collect()))
    }

    /// Get a default user group
    ///
    /// Gets a new group, to be filled in and saved. Nothing is stored.
    #[oai(path = "/CreateUserGroup", method = "post", operation_id = "v1UserAgent_CreateUserGroup")]
    async fn create_default(
        &self,
        _caller: UserAgent,
        reader: Reader,
        _body: NoBody,
    ) -> Result<Answer<UserGroup>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(user_group::Model::default().into()))
    }

    /// Save a user group
    ///
    /// Changes the group with this Id, or makes one when it is 0 or left out. For administrators.
    #[oai(path = "/SaveUserGroup", method = "post", operation_id = "v1UserAgent_SaveUserGroup")]
    async fn save(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<SaveUserGroupRequest>,
    ) -> Result<Answer<UserGroup>, ErrorResponse<ChangeUser>> {
        let group: UserGroup = parse_completed(body.0.user_group.into_value())?;
        let group = user_group::Model::from(group);
        let own = group.clone();
        let check = users::check_save_group(service.store.reader(), &caller, &group);
        let work = service.write(&caller, check, move |db, caller, ()| {
            Box::pin(async move { Ok((users::save_group(db, caller, own).await?, Touched::Everything)) })
        });
        Ok(reader.answer(work.await?.into()))
    }

    /// Delete a user group
    ///
    /// Moves the users of a group to another one, and marks it as no longer used. For administrators.
    #[oai(path = "/DeleteUserGroup", method = "post", operation_id = "v1UserAgent_DeleteUserGroup")]
    async fn delete(
        &self,
        caller: UserAgent,
        service: &UserService,
        body: Body<DeleteUserGroupRequest>,
    ) -> Result<Done, ErrorResponse<ChangeUser>> {
        let Body(DeleteUserGroupRequest { user_group_to_delete: id, user_group_to_move_to: heir }) = body;
        let check = async { users::check_delete_group(service.store.reader(), &caller, id, heir).await.map(drop) };
        let work = service.write(&caller, check, move |db, caller, ()| {
            Box::pin(async move { Ok((users::delete_group(db, caller, id, heir).await?, Touched::Everything)) })
        });
        work.await?;
        Ok(Done::NoContent)
    }
}
