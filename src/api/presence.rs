//! Whether a user can be reached.

use poem_openapi::{OpenApi, param::Path};

use super::{
    Tag,
    body::Body,
    carriers::UserPresenceStatus,
    parameters::UserId,
    reader::{Answer, Reader},
    refusals::ErrorResponse,
    user::{GetUser, visible},
    user_change::ChangeUser,
};
use crate::{
    auth::UserAgent,
    users::{UserCache, UserRef, UserService},
};

#[derive(Default)]
pub struct PresenceOperations;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl PresenceOperations {
    /// Get a user's presence
    ///
    /// Gets whether a user can be reached, and the message that goes with it.
    #[oai(
        path = "/User/:associateId/UserPresenceStatus",
        method = "get",
        operation_id = "v1User_GetUserPresenceStatus"
    )]
    async fn get_presence(
        &self,
        caller: UserAgent,
        reader: Reader,
        users: &UserCache,
        /// The user's id (AssociateId).
        #[oai(name = "associateId")]
        id: Path<UserId>,
    ) -> Result<Answer<UserPresenceStatus>, ErrorResponse<GetUser>> {
        Ok(reader.answer(visible(users, &caller, id.0.0).await?.user.user.clone().into()))
    }

    /// Set a user's presence
    ///
    /// Says whether a user can be reached: oneself, or by an administrator.
    #[oai(
        path = "/User/:associateId/UserPresenceStatus",
        method = "put",
        operation_id = "v1User_SetUserPresenceStatus"
    )]
    async fn set_presence(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        /// The user's id (AssociateId).
        #[oai(name = "associateId")]
        id: Path<UserId>,
        presence: Body<UserPresenceStatus>,
    ) -> Result<Answer<UserPresenceStatus>, ErrorResponse<ChangeUser>> {
        let mut presence = presence.0;
        let message = presence.message.get_or_insert_default().clone();
        service.set_presence(&caller, UserRef::Id(id.0.0), presence.status.into(), message).await?;
        Ok(reader.answer(presence))
    }
}
