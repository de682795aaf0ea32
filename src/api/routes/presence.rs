//! The presence of a user.

use poem_openapi::{OpenApi, param::Path};

use super::user::{GetUserError, visible};
use crate::{
    api::{
        extract::{examples, json_body::JsonBody, parameters::Int32},
        models::UserPresenceStatus,
        openapi::error_responses::{ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    users::{UserCache, UserRef, UserService},
};

#[derive(Default)]
pub struct PresenceOperations;

error_responses! {
    /// The errors of setting a presence.
    pub enum SetPresenceError {
        /// Bad request. The message is too long, or a property is wrong.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl PresenceOperations {
    /// Get a user's presence
    ///
    /// Returns the presence status of a user and its message.
    #[oai(
        path = "/User/:associateId/UserPresenceStatus",
        method = "get",
        operation_id = "v1User_GetUserPresenceStatus"
    )]
    async fn get_presence(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        users: &UserCache,
        /// The id of the user (AssociateId).
        #[oai(name = "associateId", example = "examples::user_id")]
        id: Path<Int32>,
    ) -> Result<Formatted<UserPresenceStatus>, ErrorResponse<GetUserError>> {
        Ok(format.answer(visible(users, &caller, id.0.0).await?.user.user.clone().into()))
    }

    /// Set a user's presence
    ///
    /// Sets the presence status of a user and its message. Users can set their own presence and that of the users
    /// that they may manage.
    #[oai(
        path = "/User/:associateId/UserPresenceStatus",
        method = "put",
        operation_id = "v1User_SetUserPresenceStatus"
    )]
    async fn set_presence(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        /// The id of the user (AssociateId).
        #[oai(name = "associateId", example = "examples::user_id")]
        id: Path<Int32>,
        presence: JsonBody<UserPresenceStatus>,
    ) -> Result<Formatted<UserPresenceStatus>, ErrorResponse<SetPresenceError>> {
        let mut presence = presence.0;
        let message = presence.message.get_or_insert_default().clone();
        service.set_presence(&caller, UserRef::Id(id.0.0), presence.status.into(), message).await?;
        Ok(format.answer(presence))
    }
}
