//! Users in short.

use poem_openapi::{OpenApi, param::Query};

use super::{
    super::{
        Tag,
        body::Body,
        carriers::{Maybe, UserInfo},
        parameters::AnyUser,
        reader::{Answer, Reader},
        refusals::ErrorResponse,
        request::NoBody,
        user,
    },
    Look,
};
use crate::{
    auth::UserAgent,
    error::Error,
    store::Store,
    users::{self, UserCache},
};

#[derive(Default)]
pub struct Info;

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Info {
    /// Get a user in short
    ///
    /// Gets what others need to know of a user; null when there is none.
    #[oai(path = "/GetUserInfo", method = "post", operation_id = "v1UserAgent_GetUserInfo")]
    async fn get(
        &self,
        caller: UserAgent,
        reader: Reader,
        users: &UserCache,
        /// The user's id (AssociateId).
        #[oai(name = "userInfoId")]
        user_id: Query<AnyUser>,
        _body: NoBody,
    ) -> Result<Answer<Maybe<UserInfo>>, ErrorResponse<Look>> {
        match user::visible(users, &caller, user_id.0.0).await {
            Ok(account) => Ok(reader.answer(Maybe(Some(users::User::clone(&account.user).into())))),
            Err(Error::NoSuchUser) => Ok(reader.answer(Maybe(None))),
            Err(error) => Err(error.into()),
        }
    }

    /// Get users in short
    ///
    /// Gets the users with these ids, by id; those who do not exist, or whom the caller may not see, are left out.
    #[oai(path = "/GetUserInfoList", method = "post", operation_id = "v1UserAgent_GetUserInfoList")]
    async fn list(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        ids: Body<Vec<i32>>,
    ) -> Result<Answer<Vec<UserInfo>>, ErrorResponse<Look>> {
        let ids = ids.0.into_iter().filter(|id| caller.may_read(*id)).collect();
        let users = users::list_some(store.reader(), ids).await?;
        Ok(reader.answer(users.into_iter().map(Into::into).collect()))
    }
}
