//! Whether a user can be reached.

use poem_openapi::{Object, OpenApi};

use super::{
    super::{
        Tag,
        body::Body,
        carriers::UserPresenceStatus,
        reader::{Answer, Reader},
        refusals::ErrorResponse,
        user::{GetUser, visible},
        user_change::ChangeUser,
    },
    requests::AssociateRequest,
};
use crate::{
    auth::UserAgent,
    users::{UserCache, UserRef, UserService},
};

#[derive(Default)]
pub struct Presence;

/// A user, and whether it can be reached.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetUserPresenceStatusRequest {
    /// The user's id.
    associate_id: i32,
    /// Whether the user can be reached.
    user_presence_status: UserPresenceStatus,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Presence {
    /// Get a user's presence
    ///
    /// Gets whether a user can be reached, and the message that goes with it.
    #[oai(path = "/GetUserPresenceStatus", method = "post", operation_id = "v1UserAgent_GetUserPresenceStatus")]
    async fn get_presence(
        &self,
        caller: UserAgent,
        reader: Reader,
        users: &UserCache,
        body: Body<AssociateRequest>,
    ) -> Result<Answer<UserPresenceStatus>, ErrorResponse<GetUser>> {
        Ok(reader.answer(visible(users, &caller, body.0.associate_id).await?.user.user.clone().into()))
    }

    /// Set a user's presence
    ///
    /// Says whether a user can be reached: oneself, or by an administrator.
    #[oai(path = "/SetUserPresenceStatus", method = "post", operation_id = "v1UserAgent_SetUserPresenceStatus")]
    async fn set_presence(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<SetUserPresenceStatusRequest>,
    ) -> Result<Answer<UserPresenceStatus>, ErrorResponse<ChangeUser>> {
        let Body(SetUserPresenceStatusRequest { associate_id, user_presence_status: mut presence }) = body;
        let message = presence.message.get_or_insert_default().clone();
        service.set_presence(&caller, UserRef::Id(associate_id), presence.status.into(), message).await?;
        Ok(reader.answer(presence))
    }
}
