//! Reading a user, by id and by name.

use std::sync::Arc;

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
};

use crate::{
    api::{
        extract::{
            conditions::{LastModified, ModifiedSince, NoneMatch, is_current},
            examples,
            parameters::{Boolean, Int32},
            request::BaseUrl,
        },
        models::{User, UserWithLinks},
        openapi::error_responses::{ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::{
            format::{Formatted, ResponseFormat},
            response_cache::ResponseCache,
        },
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{self, Caller, UserCache, UserDetails, user_details},
};

#[derive(Default)]
pub struct UserById {
    responses: ResponseCache<UserDetails>,
}

/// The same paths with a name instead of an id. OpenAPI does not allow two such paths, so the document mentions this
/// one only in descriptions.
#[derive(Default)]
pub struct UserByName;

error_responses! {
    /// The errors of reading a user.
    pub enum GetUserError {
        /// Forbidden. The caller may not see this user; the answer is the same for users that do not exist.
        403 Forbidden,
        /// Not Found.
        404 NotFound,
    }
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it is made once for each request, and sent at once")]
pub enum UserResponse {
    /// The user.
    #[oai(status = 200)]
    Ok(
        Formatted<UserWithLinks>,
        /// The time of the last change. Absent until the second of that change is over.
        #[oai(header = "Last-Modified")]
        Option<LastModified>,
    ),
    /// The user was not changed after the date of If-Modified-Since, or If-None-Match is `*`.
    #[oai(status = 304)]
    NotModified,
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it is made once for each request, and sent at once")]
pub enum NamedUserResponse {
    /// The user.
    #[oai(status = 200)]
    Ok(Formatted<User>, #[oai(header = "Last-Modified")] Option<LastModified>),
    /// The user was not changed after the date of If-Modified-Since, or If-None-Match is `*`.
    #[oai(status = 304)]
    NotModified,
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserById {
    /// Get a user
    ///
    /// Returns a user by id. The path also accepts a Name or UserName instead of the id (upstream's
    /// `v1User_GetUserFromName`); the response then has no `_Links`. A segment of digits is always an id.
    #[oai(path = "/User/:id", method = "get", operation_id = "v1User_GetUser")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        users: &UserCache,
        base: BaseUrl,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
        /// Whether ExtraFields include foreign keys. Accepted, but has no effect in this version.
        #[oai(name = "fk")]
        _fk: Query<Option<Boolean>>,
        /// The Last-Modified of the client's copy of the user. If the user was not changed later, the answer is 304.
        /// Renaming the role or a group does not count as a change of the user.
        #[oai(name = "If-Modified-Since")]
        modified_since: Header<Option<ModifiedSince>>,
        /// Users have no ETag, so `*` is answered with 304, and any other value returns the user. If-Modified-Since is
        /// ignored when this header is present.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<NoneMatch>>,
    ) -> Result<UserResponse, ErrorResponse<GetUserError>> {
        let user = visible(users, &caller, id.0.0).await?;
        let changed_at = user.changed_at();
        if is_current(none_match.0, modified_since.0, changed_at) {
            return Ok(UserResponse::NotModified);
        }
        let model = |user: &UserDetails, base: &str| UserWithLinks::new(user.clone().into(), base);
        let response = self.responses.answer(user, base.0, format, model);
        Ok(UserResponse::Ok(response, LastModified::of(changed_at)))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserByName {
    /// Get a user by name
    #[oai(path = "/User/:userName", method = "get", operation_id = "v1User_GetUserFromName", hidden)]
    async fn get_user_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        #[oai(name = "userName")] user_name: Path<String>,
        #[oai(name = "If-Modified-Since")] modified_since: Header<Option<ModifiedSince>>,
        #[oai(name = "If-None-Match")] none_match: Header<Option<NoneMatch>>,
    ) -> Result<NamedUserResponse, ErrorResponse<GetUserError>> {
        if users::is_reserved(&user_name.0) {
            return Err(Error::NoRoute.into()); // a segment of upstream's paths that this server does not have
        }
        let user = visible_by_name(store, &caller, &user_name.0).await?;
        let changed_at = user.changed_at();
        if is_current(none_match.0, modified_since.0, changed_at) {
            return Ok(NamedUserResponse::NotModified);
        }
        Ok(NamedUserResponse::Ok(format.answer(user.into()), LastModified::of(changed_at)))
    }
}

/// The user with this id, if the caller may see it.
///
/// # Errors
/// [`Error::MayNotReadUser`], or [`Error::NoSuchUser`].
pub async fn visible(users: &UserCache, caller: &Caller, id: i32) -> Result<Arc<UserDetails>, Error> {
    if !caller.may_read(id) {
        return Err(Error::MayNotReadUser);
    }
    users.user_details(id).await?.ok_or(Error::NoSuchUser)
}

/// The user with this Name or UserName, if the caller may see it.
///
/// # Errors
/// [`Error::MayNotReadUser`], or [`Error::NoSuchUserName`].
pub async fn visible_by_name(store: &Store, caller: &Caller, name: &str) -> Result<UserDetails, Error> {
    let user = user_details::find_by_login(store.reader(), name).await?;
    // A caller who may not see other users must not learn whether a name exists.
    let may_read = match &user {
        Some(user) => caller.may_read(user.user.user.id),
        None => caller.may_read_others(),
    };
    if may_read { user.ok_or(Error::NoSuchUserName) } else { Err(Error::MayNotReadUser) }
}
