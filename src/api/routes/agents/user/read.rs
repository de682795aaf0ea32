//! Reading users by id, by name and by person.

use std::sync::Arc;

use poem_openapi::{Object, OpenApi, param::Query};

use super::read_user_error::ReadUserError;
use crate::{
    api::{
        extract::{examples, json_body::JsonBody, parameters::Int32, request::NoBody},
        models::{Nullable, User},
        openapi::error_responses::ErrorResponse,
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::user::{visible, visible_by_name},
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{UserCache, UserDetails, user_details},
};

#[derive(Default)]
pub struct Read;

/// A user by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUserFromNameRequest {
    /// The Name or UserName of the user.
    user_name: String,
}

/// A person by id.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUserFromPersonIdRequest {
    /// The id of the person.
    person_id: i32,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Read {
    /// Get a user
    ///
    /// Returns a user by id; null if the user does not exist.
    #[oai(path = "/GetUser", method = "post", operation_id = "v1UserAgent_GetUser")]
    async fn get_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        users: &UserCache,
        /// The id of the user (AssociateId).
        #[oai(name = "userId", example = "examples::user_id")]
        user_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<User>>, ErrorResponse<ReadUserError>> {
        answer(format, visible(users, &caller, user_id.0.0).await.map(Arc::unwrap_or_clone))
    }

    /// Get a user by name
    ///
    /// Returns the user with this Name or UserName; null if the user does not exist.
    #[oai(path = "/GetUserFromName", method = "post", operation_id = "v1UserAgent_GetUserFromName")]
    async fn get_user_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetUserFromNameRequest>,
    ) -> Result<Formatted<Nullable<User>>, ErrorResponse<ReadUserError>> {
        answer(format, visible_by_name(store, &caller, &body.0.user_name).await)
    }

    /// Get the users of a person
    ///
    /// Returns the users of this person that the caller may see.
    #[oai(path = "/GetUserFromPersonId", method = "post", operation_id = "v1UserAgent_GetUserFromPersonId")]
    async fn get_user_from_person_id(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetUserFromPersonIdRequest>,
    ) -> Result<Formatted<Vec<User>>, ErrorResponse<ReadUserError>> {
        let found = user_details::list_by_person(store.reader(), body.0.person_id).await?.into_iter();
        let visible = found.filter(|details| caller.may_read(details.user.user.id));
        Ok(format.answer(visible.map(Into::into).collect()))
    }
}

/// Answers with null for a missing user, which is not an error in the agent.
fn answer(
    format: ResponseFormat,
    found: Result<UserDetails, Error>,
) -> Result<Formatted<Nullable<User>>, ErrorResponse<ReadUserError>> {
    match found {
        Ok(details) => Ok(format.answer(Nullable(Some(details.into())))),
        Err(Error::NoSuchUser | Error::NoSuchUserName) => Ok(format.answer(Nullable(None))),
        Err(error) => Err(error.into()),
    }
}
