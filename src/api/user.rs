//! Users, by id and by name.

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    Tag,
    carriers::{User, UserWithLinks},
    faults::{ErrorResponse, Faults},
    parameters::{UserId, UserName},
    request::{AcceptsJson, BaseUrl},
};
use crate::{
    error::Error,
    store::Store,
    users::{self, Caller, credential},
};

#[derive(Default)]
pub struct UserById;

/// The same paths with a name where the id stands. One document cannot show both, so this one is served and described
/// in words.
#[derive(Default)]
pub struct UserByName;

/// The refusals of reading a user.
pub struct GetUser;

impl Faults for GetUser {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, "Forbidden. The caller may not see this user, whether or not there is one."), (404, "Not Found.")];
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserById {
    /// Get a user
    ///
    /// Gets a user by id. A Name or UserName may stand in place of the id (upstream's `v1User_GetUserFromName`); then
    /// the answer has no `_Links`. Digits are always an id.
    #[oai(path = "/User/:id", method = "get", operation_id = "v1User_GetUser")]
    async fn get_user(
        &self,
        caller: Caller,
        _accepts: AcceptsJson,
        store: Data<&Store>,
        base: BaseUrl,
        /// The user's id (AssociateId).
        id: Path<UserId>,
    ) -> Result<Json<UserWithLinks>, ErrorResponse<GetUser>> {
        if !caller.may_read(id.0.0) {
            return Err(Error::MayNotReadUser.into());
        }
        let user = users::find(store.reader(), id.0.0).await?.ok_or(Error::NoSuchUser)?;
        Ok(Json(UserWithLinks::new(carrier(&store, user).await?, &base.0)))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl UserByName {
    /// Get a user by name
    #[oai(path = "/User/:userName", method = "get", operation_id = "v1User_GetUserFromName", hidden)]
    async fn get_user_from_name(
        &self,
        caller: Caller,
        _accepts: AcceptsJson,
        store: Data<&Store>,
        #[oai(name = "userName")] user_name: Path<UserName>,
    ) -> Result<Json<User>, ErrorResponse<GetUser>> {
        let user = users::find_by_login(store.reader(), &user_name.0.0).await?;
        // Whoever may not see others is not told either whether a name exists.
        let may_read = match &user {
            Some(user) => caller.may_read(user.user.id),
            None => caller.may_read_others(),
        };
        if !may_read {
            return Err(Error::MayNotReadUser.into());
        }
        Ok(Json(carrier(&store, user.ok_or(Error::NoSuchUser)?).await?))
    }
}

/// A user's carrier, with what stands in tables of its own.
pub async fn carrier(store: &Store, user: users::User) -> Result<User, Error> {
    let id = user.user.id;
    let other_groups = users::other_groups(store.reader(), id).await?;
    let credentials = credential::list(store.reader(), id).await?;
    Ok(User::new(user, other_groups, credentials))
}
