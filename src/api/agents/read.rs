//! Users, by id, by name and by person.

use std::sync::Arc;

use poem_openapi::{Object, OpenApi, param::Query};

use super::{
    super::{
        Tag,
        body::Body,
        carriers::{Maybe, User},
        parameters::AnyUser,
        reader::{Answer, Reader},
        refusals::ErrorResponse,
        request::NoBody,
        user::{visible, visible_by_name},
    },
    Look,
};
use crate::{
    auth::UserAgent,
    error::Error,
    store::Store,
    users::{Account, UserCache, account},
};

#[derive(Default)]
pub struct Read;

/// A user's name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUserFromNameRequest {
    /// The user's Name or UserName.
    user_name: String,
}

/// A person.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUserFromPersonIdRequest {
    /// The person's id.
    person_id: i32,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Read {
    /// Get a user
    ///
    /// Gets a user by id; null when there is none.
    #[oai(path = "/GetUser", method = "post", operation_id = "v1UserAgent_GetUser")]
    async fn get_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        users: &UserCache,
        /// The user's id (AssociateId).
        #[oai(name = "userId")]
        user_id: Query<AnyUser>,
        _body: NoBody,
    ) -> Result<Answer<Maybe<User>>, ErrorResponse<Look>> {
        answer(reader, visible(users, &caller, user_id.0.0).await.map(Arc::unwrap_or_clone))
    }

    /// Get a user by name
    ///
    /// Gets the user whose Name or UserName this is; null when there is none.
    #[oai(path = "/GetUserFromName", method = "post", operation_id = "v1UserAgent_GetUserFromName")]
    async fn get_user_from_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<GetUserFromNameRequest>,
    ) -> Result<Answer<Maybe<User>>, ErrorResponse<Look>> {
        answer(reader, visible_by_name(store, &caller, &body.0.user_name).await)
    }

    /// Get the users of a person
    ///
    /// Gets the users behind whom this person stands, as far as the caller may see them.
    #[oai(path = "/GetUserFromPersonId", method = "post", operation_id = "v1UserAgent_GetUserFromPersonId")]
    async fn get_user_from_person_id(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<GetUserFromPersonIdRequest>,
    ) -> Result<Answer<Vec<User>>, ErrorResponse<Look>> {
        let accounts = account::list_by_person(store.reader(), body.0.person_id).await?.into_iter();
        let visible = accounts.filter(|account| caller.may_read(account.user.user.id));
        Ok(reader.answer(visible.map(Into::into).collect()))
    }
}

/// A user who is not there is null here, not an error.
fn answer(reader: Reader, found: Result<Account, Error>) -> Result<Answer<Maybe<User>>, ErrorResponse<Look>> {
    match found {
        Ok(account) => Ok(reader.answer(Maybe(Some(account.into())))),
        Err(Error::NoSuchUser | Error::NoSuchUserName) => Ok(reader.answer(Maybe(None))),
        Err(error) => Err(error.into()),
    }
}
