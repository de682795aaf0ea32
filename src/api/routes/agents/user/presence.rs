//! The presence of a user.

use poem_openapi::{Object, OpenApi};

use super::requests::AssociateRequest;
use crate::{
    api::{
        extract::json_body::JsonBody,
        models::UserPresenceStatus,
        openapi::error_responses::ErrorResponse,
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::{
            presence::SetPresenceError,
            user::{GetUserError, visible},
        },
    },
    auth::AgentCaller,
    users::{UserCache, UserRef, UserService},
};

#[derive(Default)]
pub struct Presence;

/// A user and a presence.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetUserPresenceStatusRequest {
    /// The id of the user.
    associate_id: i32,
    /// The new presence of the user.
    user_presence_status: UserPresenceStatus,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Presence {
    /// Get a user's presence
    ///
    /// Returns the presence status of a user and its message.
    #[oai(path = "/GetUserPresenceStatus", method = "post", operation_id = "v1UserAgent_GetUserPresenceStatus")]
    async fn get_presence(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        users: &UserCache,
        body: JsonBody<AssociateRequest>,
    ) -> Result<Formatted<UserPresenceStatus>, ErrorResponse<GetUserError>> {
        Ok(format.answer(visible(users, &caller, body.0.associate_id).await?.user.user.clone().into()))
    }

    /// Set a user's presence
    ///
    /// Sets the presence status of a user and its message. Users can set their own presence and that of the users
    /// that they may manage.
    #[oai(path = "/SetUserPresenceStatus", method = "post", operation_id = "v1UserAgent_SetUserPresenceStatus")]
    async fn set_presence(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SetUserPresenceStatusRequest>,
    ) -> Result<Formatted<UserPresenceStatus>, ErrorResponse<SetPresenceError>> {
        let JsonBody(SetUserPresenceStatusRequest { associate_id, user_presence_status: mut presence }) = body;
        let message = presence.message.get_or_insert_default().clone();
        service.set_presence(&caller, UserRef::Id(associate_id), presence.status.into(), message).await?;
        Ok(format.answer(presence))
    }
}
