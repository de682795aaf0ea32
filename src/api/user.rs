//! Users, by id and by name.

use std::sync::Arc;

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
};

use super::{
    Tag,
    carriers::{User, UserWithLinks},
    conditions::{LastModified, ModifiedSince, NoneMatch, is_current},
    parameters::{Flag, UserId, UserName},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, Refusals},
    request::BaseUrl,
    written::Written,
};
use crate::{
    auth::UserAgent,
    error::Error,
    store::Store,
    users::{self, Account, Caller, UserCache, account},
};

#[derive(Default)]
pub struct UserById {
    written: Written<Account>,
}

/// The same paths with a name where the id stands. One document cannot show both, so this one is served and described
/// in words.
#[derive(Default)]
pub struct UserByName;

/// The refusals of reading a user.
pub struct GetUser;

impl Refusals for GetUser {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, "Forbidden. The caller may not see this user, whether or not there is one."), (404, "Not Found.")];
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it is made once for each request, and sent at once")]
pub enum UserResponse {
    /// User found.
    #[oai(status = 200)]
    Ok(
        Answer<UserWithLinks>,
        /// When the user was last changed; missing in the second of the change.
        #[oai(header = "Last-Modified")]
        Option<LastModified>,
    ),
    /// The user was not changed since the date of If-Modified-Since, or If-None-Match is `*`.
    #[oai(status = 304)]
    NotModified,
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "it is made once for each request, and sent at once")]
pub enum NamedUserResponse {
    /// User found.
    #[oai(status = 200)]
    Ok(Answer<User>, #[oai(header = "Last-Modified")] Option<LastModified>),
    /// The user was not changed since the date of If-Modified-Since, or If-None-Match is `*`.
    #[oai(status = 304)]
    NotModified,
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserById {
    /// Get a user
    ///
    /// Gets a user by id. A Name or UserName may stand in place of the id (upstream's `v1User_GetUserFromName`); then
    /// the answer has no `_Links`. Digits are always an id.
    #[oai(path = "/User/:id", method = "get", operation_id = "v1User_GetUser")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        users: &UserCache,
        base: BaseUrl,
        /// The user's id (AssociateId).
        id: Path<UserId>,
        /// Whether foreign keys stand in ExtraFields. Accepted; has no effect in this version.
        #[oai(name = "fk")]
        _fk: Query<Option<Flag>>,
        /// The Last-Modified of the user that the client has: nothing is sent unless the user was changed later. Renaming
        /// the role or a group is no change of the user.
        #[oai(name = "If-Modified-Since")]
        modified_since: Header<Option<ModifiedSince>>,
        /// Users have no ETag: `*` is answered with 304; any other ETag gets the user. If-Modified-Since is then ignored.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<NoneMatch>>,
    ) -> Result<UserResponse, ErrorResponse<GetUser>> {
        let account = visible(users, &caller, id.0.0).await?;
        let changed_at = account.changed_at();
        if is_current(none_match.0, modified_since.0, changed_at) {
            return Ok(UserResponse::NotModified);
        }
        let carrier = |account: &Account, base: &str| UserWithLinks::new(account.clone().into(), base);
        let answer = self.written.answer(account, base.0, reader, carrier);
        Ok(UserResponse::Ok(answer, LastModified::of(changed_at)))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserByName {
    /// Get a user by name
    #[oai(path = "/User/:userName", method = "get", operation_id = "v1User_GetUserFromName", hidden)]
    async fn get_user_from_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        #[oai(name = "userName")] user_name: Path<UserName>,
        #[oai(name = "If-Modified-Since")] modified_since: Header<Option<ModifiedSince>>,
        #[oai(name = "If-None-Match")] none_match: Header<Option<NoneMatch>>,
    ) -> Result<NamedUserResponse, ErrorResponse<GetUser>> {
        if users::is_reserved(&user_name.0.0) {
            return Err(Error::NoRoute.into()); // a word of upstream's paths that is not served
        }
        let account = visible_by_name(store, &caller, &user_name.0.0).await?;
        let changed_at = account.changed_at();
        if is_current(none_match.0, modified_since.0, changed_at) {
            return Ok(NamedUserResponse::NotModified);
        }
        Ok(NamedUserResponse::Ok(reader.answer(account.into()), LastModified::of(changed_at)))
    }
}

/// The user with this id, for this caller.
///
/// # Errors
/// The caller may not see the user, there is none, or the database does not answer.
pub async fn visible(users: &UserCache, caller: &Caller, id: i32) -> Result<Arc<Account>, Error> {
    if !caller.may_read(id) {
        return Err(Error::MayNotReadUser);
    }
    users.account(id).await?.ok_or(Error::NoSuchUser)
}

/// The user of this name, for this caller.
///
/// # Errors
/// The caller may not see the user, there is none, or the database does not answer.
pub async fn visible_by_name(store: &Store, caller: &Caller, name: &str) -> Result<Account, Error> {
    let account = account::find_by_login(store.reader(), name).await?;
    // Whoever may not see others is not told either whether a name exists.
    let may_read = match &account {
        Some(account) => caller.may_read(account.user.user.id),
        None => caller.may_read_others(),
    };
    if may_read { account.ok_or(Error::NoSuchUserName) } else { Err(Error::MayNotReadUser) }
}
