//! Updating, patching and deleting a user, by id and by name.

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path},
};

use crate::{
    api::{
        extract::{
            conditions::UnmodifiedSince,
            examples,
            json_body::{JsonBody, PartialUpdate},
            json_edit::update,
            parameters::Int32,
            request::BaseUrl,
            user_patch::{PatchBody, UserPatch},
        },
        models::{User, UserWithLinks},
        openapi::error_responses::{Done, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    users::{UserRef, UserService},
};

#[derive(Default)]
pub struct ChangeById;

/// The same paths with a name instead of an id. The document mentions them only in descriptions.
#[derive(Default)]
pub struct ChangeByName;

error_responses! {
    /// The errors of changing a user.
    pub enum ChangeUserError {
        /// Bad request. Entity to save is not in request body, or a property of it is wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user, or make this change, or the user is the last administrator.
        403 Forbidden,
        /// Not Found.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of replacing a user.
    pub enum PutUserError {
        /// Bad request. Entity to save is not in request body, or a property of it is wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user, or make this change, or the user is the last administrator.
        403 Forbidden,
        /// Not Found.
        404 NotFound,
        /// The user was changed after the date of If-Unmodified-Since; nothing happened.
        412 PreconditionFailed,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of patching a user. The texts of 404 and 409 are upstream's.
    pub enum PatchUserError {
        /// Forbidden. The caller may not manage this user, or make this change, or the user is the last administrator.
        403 Forbidden,
        /// User with given id does not exist in the db.
        404 NotFound,
        /// Update blocked because a 'test' operation has detected a conflict with the entity value.
        409 Conflict,
        /// The user was changed after the date of If-Unmodified-Since; nothing happened.
        412 PreconditionFailed,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of deleting a user, with If-Unmodified-Since.
    pub enum DeleteUserIfError {
        /// Forbidden. The caller may not manage this user, or make this change, or the user is the last administrator.
        403 Forbidden,
        /// Not Found.
        404 NotFound,
        /// The user was changed after the date of If-Unmodified-Since; nothing happened.
        412 PreconditionFailed,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of deactivating or reactivating a user.
    pub enum DeleteUserError {
        /// Forbidden. The caller may not manage this user, or make this change, or the user is the last administrator.
        403 Forbidden,
        /// Not Found.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[derive(ApiResponse)]
pub enum UpdatedResponse {
    /// The updated user.
    #[oai(status = 200)]
    Ok(Formatted<UserWithLinks>),
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl ChangeById {
    /// Update a user
    ///
    /// Replaces the given properties of a user and its person. Properties that are omitted or null stay unchanged.
    /// Lists and maps are replaced as a whole. A role or group may be given by its name (Value) instead of its Id.
    /// Callers with the right `manage-users` can change users whose role does not outrank theirs; others can change
    /// their own NickName, Tooltip, IsOnTravel and person. The path also accepts a Name or UserName instead of the id
    /// (upstream's `v1User_SaveUserFromName`); the response then has no `_Links`.
    #[oai(path = "/User/:id", method = "put", operation_id = "v1User_PutUser")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn put_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        base: BaseUrl,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
        /// The Last-Modified of the client's copy of the user. If the user was changed later, nothing is changed and
        /// the answer is 412.
        #[oai(name = "If-Unmodified-Since")]
        unmodified_since: Header<Option<UnmodifiedSince>>,
        user: JsonBody<PartialUpdate<User>>,
    ) -> Result<UpdatedResponse, ErrorResponse<PutUserError>> {
        let change = UserPatch::Properties(user.0.entity()?);
        let user = update(service, &caller, UserRef::Id(id.0.0), change, unmodified_since.0).await?;
        Ok(UpdatedResponse::Ok(format.answer(UserWithLinks::new(user, &base.0))))
    }

    /// Patch a user
    ///
    /// Changes some properties of a user. A list is a JSON Patch (RFC 6902) with the operations `add`, `replace`,
    /// `remove` and `test`. An object is a merge patch (RFC 7396); unlike in the RFC, an object in place of a list is
    /// appended to the list. Both may also be sent as `application/json`. A removed property becomes empty; a removed
    /// role or group becomes the default one. If a `test` fails, nothing is changed.
    #[oai(path = "/User/:id", method = "patch", operation_id = "v1User_PatchUser")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn patch_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        base: BaseUrl,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
        /// The Last-Modified of the client's copy of the user. If the user was changed later, nothing is changed and
        /// the answer is 412.
        #[oai(name = "If-Unmodified-Since")]
        unmodified_since: Header<Option<UnmodifiedSince>>,
        patch: PatchBody,
    ) -> Result<UpdatedResponse, ErrorResponse<PatchUserError>> {
        let user = update(service, &caller, UserRef::Id(id.0.0), patch.0, unmodified_since.0).await?;
        Ok(UpdatedResponse::Ok(format.answer(UserWithLinks::new(user, &base.0))))
    }

    /// Delete a user
    ///
    /// Deactivates a user, as upstream does: the user and its person are kept, but the user has no access any more. The
    /// path also accepts a Name or UserName instead of the id (upstream's `v1User_DeleteUserFromName`).
    #[oai(path = "/User/:id", method = "delete", operation_id = "v1User_DeleteUser")]
    async fn delete_user(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
        /// The Last-Modified of the client's copy of the user. If the user was changed later, nothing is changed and
        /// the answer is 412.
        #[oai(name = "If-Unmodified-Since")]
        unmodified_since: Header<Option<UnmodifiedSince>>,
    ) -> Result<Done, ErrorResponse<DeleteUserIfError>> {
        service.set_retired(&caller, UserRef::Id(id.0.0), true, unmodified_since.0.into()).await?;
        Ok(Done::NoContent)
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl ChangeByName {
    /// Update a user by name
    #[oai(path = "/User/:userName", method = "put", operation_id = "v1User_SaveUserFromName", hidden)]
    async fn save_user_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        #[oai(name = "userName")] user_name: Path<String>,
        #[oai(name = "If-Unmodified-Since")] unmodified_since: Header<Option<UnmodifiedSince>>,
        user: JsonBody<PartialUpdate<User>>,
    ) -> Result<Formatted<User>, ErrorResponse<PutUserError>> {
        let change = UserPatch::Properties(user.0.entity()?);
        let user = UserRef::Name(user_name.0);
        Ok(format.answer(update(service, &caller, user, change, unmodified_since.0).await?))
    }

    /// Delete a user by name
    #[oai(path = "/User/:userName", method = "delete", operation_id = "v1User_DeleteUserFromName", hidden)]
    async fn delete_user_from_name(
        &self,
        caller: AgentCaller,
        service: &UserService,
        #[oai(name = "userName")] user_name: Path<String>,
        #[oai(name = "If-Unmodified-Since")] unmodified_since: Header<Option<UnmodifiedSince>>,
    ) -> Result<Done, ErrorResponse<DeleteUserIfError>> {
        service.set_retired(&caller, UserRef::Name(user_name.0), true, unmodified_since.0.into()).await?;
        Ok(Done::NoContent)
    }
}
