//! `UserInfo`: the data of a user that other users need.

use poem_openapi::{OpenApi, param::Query};

use super::read_user_error::ReadUserError;
use crate::{
    api::{
        extract::{examples, json_body::JsonBody, parameters::Int32, request::NoBody},
        models::{Nullable, UserInfo},
        openapi::error_responses::ErrorResponse,
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::user,
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{self, UserCache},
};

#[derive(Default)]
pub struct Info;

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Info {
    /// Get the info of a user
    ///
    /// Returns the data of a user that other users need; null if the user does not exist.
    #[oai(path = "/GetUserInfo", method = "post", operation_id = "v1UserAgent_GetUserInfo")]
    async fn get(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        users: &UserCache,
        /// The id of the user (AssociateId).
        #[oai(name = "userInfoId", example = "examples::user_id")]
        user_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<UserInfo>>, ErrorResponse<ReadUserError>> {
        match user::visible(users, &caller, user_id.0.0).await {
            Ok(details) => Ok(format.answer(Nullable(Some(users::User::clone(&details.user).into())))),
            Err(Error::NoSuchUser) => Ok(format.answer(Nullable(None))),
            Err(error) => Err(error.into()),
        }
    }

    /// Get the info of several users
    ///
    /// Returns the data of the users with these ids, sorted by id. Users that do not exist, or that the caller may not
    /// see, are left out.
    #[oai(path = "/GetUserInfoList", method = "post", operation_id = "v1UserAgent_GetUserInfoList")]
    async fn list(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        ids: JsonBody<Vec<i32>>,
    ) -> Result<Formatted<Vec<UserInfo>>, ErrorResponse<ReadUserError>> {
        let ids = ids.0.into_iter().filter(|id| caller.may_read(*id)).collect();
        let users = users::find_many(store.reader(), ids).await?;
        Ok(format.answer(users.into_iter().map(Into::into).collect()))
    }
}
