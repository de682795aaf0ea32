//! Replacing, patching and deleting a user, by id and by name.

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path},
};

use super::{
    Tag,
    body::{Body, Partial},
    carriers::{User, UserWithLinks},
    change::{Change, PatchBody},
    conditions::UnmodifiedSince,
    parameters::{UserId, UserName},
    reader::{Answer, Reader},
    refusals::{Done, ErrorResponse, Refusals},
    request::BaseUrl,
    user_input::update,
};
use crate::{
    auth::UserAgent,
    users::{UserRef, UserService},
};

#[derive(Default)]
pub struct ChangeById;

/// The same paths with a name where the id stands: served, and described in words.
#[derive(Default)]
pub struct ChangeByName;

/// The refusals of changing a user.
pub struct ChangeUser;

/// The refusals of replacing a user.
pub struct PutUser;

const MODIFIED: &str = "The user was changed after the date of If-Unmodified-Since; nothing happened.";
const MAY_NOT: &str =
    "Forbidden. The caller may not manage this user, or not make this of it, or it is the last administrator.";

const NO_ENTITY: &str =
    "Bad request. Entity to save is not in request body, or a property of it is wrong; the message names it.";

impl Refusals for ChangeUser {
    const LIST: &'static [(u16, &'static str)] = &[
        (400, NO_ENTITY),
        (403, MAY_NOT),
        (404, "Not Found."),
        (507, "The server has no room to store anything; nothing happened."),
    ];
}

impl Refusals for PutUser {
    const LIST: &'static [(u16, &'static str)] = &[
        (400, NO_ENTITY),
        (403, MAY_NOT),
        (404, "Not Found."),
        (412, MODIFIED),
        (507, "The server has no room to store anything; nothing happened."),
    ];
}

/// The refusals of patching a user. The texts of 404 and 409 are upstream's.
pub struct PatchUser;

impl Refusals for PatchUser {
    const LIST: &'static [(u16, &'static str)] = &[
        (403, MAY_NOT),
        (404, "User with given id does not exist in the db."),
        (409, "Update blocked because a 'test' operation has detected a conflict with the entity value."),
        (412, MODIFIED),
        (507, "The server has no room to store anything; nothing happened."),
    ];
}

/// The refusals of retiring a user.
pub struct DeleteUser;

/// The refusals of deleting a user by its address, where a condition may stand beside it.
pub struct DeleteUserIf;

impl Refusals for DeleteUserIf {
    const LIST: &'static [(u16, &'static str)] = &[
        (403, MAY_NOT),
        (404, "Not Found."),
        (412, MODIFIED),
        (507, "The server has no room to store anything; nothing happened."),
    ];
}

impl Refusals for DeleteUser {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, MAY_NOT), (404, "Not Found."), (507, "The server has no room to store anything; nothing happened.")];
}

#[derive(ApiResponse)]
pub enum UpdatedResponse {
    /// User updated.
    #[oai(status = 200)]
    Ok(Answer<UserWithLinks>),
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl ChangeById {
    /// Update a user
    ///
    /// Puts the given properties in place of the present ones, the person's too. What is left out or null stays as it
    /// is; lists and maps are replaced as a whole. A role or group may be given by its name (Value) in place of its Id.
    /// Administrators change every user; other users change their own NickName,
    /// Tooltip, IsOnTravel and person. A Name or UserName may stand in place of the id (upstream's
    /// `v1User_SaveUserFromName`); then the answer has no `_Links`.
    #[oai(path = "/User/:id", method = "put", operation_id = "v1User_PutUser")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn put_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        base: BaseUrl,
        /// The user's id (AssociateId).
        id: Path<UserId>,
        /// The Last-Modified of the user that the client has: nothing is done, with 412, if the user was changed later.
        #[oai(name = "If-Unmodified-Since")]
        unmodified_since: Header<Option<UnmodifiedSince>>,
        user: Body<Partial<User>>,
    ) -> Result<UpdatedResponse, ErrorResponse<PutUser>> {
        let change = Change::Properties(user.0.entity()?);
        let user = update(service, &caller, UserRef::Id(id.0.0), change, unmodified_since.0).await?;
        Ok(UpdatedResponse::Ok(reader.answer(UserWithLinks::new(user, &base.0))))
    }

    /// Patch a user
    ///
    /// Changes some of a user. A list is a JSON Patch (RFC 6902) with `add`, `replace`, `remove` and `test`; an object is
    /// a merge patch (RFC 7396), in which an object in the place of a list is added to the list; each may also be sent as
    /// `application/json`. What is removed is empty then, and a role or group that is removed becomes the default one.
    /// When a `test` fails, nothing is changed.
    #[oai(path = "/User/:id", method = "patch", operation_id = "v1User_PatchUser")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn patch_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        base: BaseUrl,
        /// The user's id (AssociateId).
        id: Path<UserId>,
        /// The Last-Modified of the user that the client has: nothing is done, with 412, if the user was changed later.
        #[oai(name = "If-Unmodified-Since")]
        unmodified_since: Header<Option<UnmodifiedSince>>,
        patch: PatchBody,
    ) -> Result<UpdatedResponse, ErrorResponse<PatchUser>> {
        let user = update(service, &caller, UserRef::Id(id.0.0), patch.0, unmodified_since.0).await?;
        Ok(UpdatedResponse::Ok(reader.answer(UserWithLinks::new(user, &base.0))))
    }

    /// Delete a user
    ///
    /// Retires a user, as upstream does: user and person are kept, and the user has no access any more. A Name or UserName
    /// may stand in place of the id (upstream's `v1User_DeleteUserFromName`).
    #[oai(path = "/User/:id", method = "delete", operation_id = "v1User_DeleteUser")]
    async fn delete_user(
        &self,
        caller: UserAgent,
        service: &UserService,
        /// The user's id (AssociateId).
        id: Path<UserId>,
        /// The Last-Modified of the user that the client has: nothing is done, with 412, if the user was changed later.
        #[oai(name = "If-Unmodified-Since")]
        unmodified_since: Header<Option<UnmodifiedSince>>,
    ) -> Result<Done, ErrorResponse<DeleteUserIf>> {
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
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        #[oai(name = "userName")] user_name: Path<UserName>,
        #[oai(name = "If-Unmodified-Since")] unmodified_since: Header<Option<UnmodifiedSince>>,
        user: Body<Partial<User>>,
    ) -> Result<Answer<User>, ErrorResponse<PutUser>> {
        let change = Change::Properties(user.0.entity()?);
        let user = UserRef::Name(user_name.0.0);
        Ok(reader.answer(update(service, &caller, user, change, unmodified_since.0).await?))
    }

    /// Delete a user by name
    #[oai(path = "/User/:userName", method = "delete", operation_id = "v1User_DeleteUserFromName", hidden)]
    async fn delete_user_from_name(
        &self,
        caller: UserAgent,
        service: &UserService,
        #[oai(name = "userName")] user_name: Path<UserName>,
        #[oai(name = "If-Unmodified-Since")] unmodified_since: Header<Option<UnmodifiedSince>>,
    ) -> Result<Done, ErrorResponse<DeleteUserIf>> {
        service.set_retired(&caller, UserRef::Name(user_name.0.0), true, unmodified_since.0.into()).await?;
        Ok(Done::NoContent)
    }
}
