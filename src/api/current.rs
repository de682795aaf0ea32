//! The caller's own user.

use poem::web::Data;
use poem_openapi::OpenApi;

use super::{
    Tag,
    carriers::{Associate, SoPrincipalCarrier, User},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn},
    user::carrier,
};
use crate::{
    error::Error,
    store::Store,
    users::{self, Caller},
};

#[derive(Default)]
pub struct CurrentOperations;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl CurrentOperations {
    /// Get the current user
    ///
    /// Gets the user who calls.
    #[oai(path = "/User/current", method = "get", operation_id = "v1User_GetCurrentUser")]
    async fn get_current_user(
        &self,
        caller: Caller,
        reader: Reader,
        store: Data<&Store>,
    ) -> Result<Answer<User>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(carrier(store.reader(), current(&store, &caller).await?).await?))
    }

    /// Get the current principal
    ///
    /// Gets who is logged in: the user who calls, with person, group, role and rights.
    #[oai(path = "/User/currentPrincipal", method = "get", operation_id = "v1User_GetCurrentPrincipal")]
    async fn get_current_principal(
        &self,
        caller: Caller,
        reader: Reader,
        store: Data<&Store>,
    ) -> Result<Answer<SoPrincipalCarrier>, ErrorResponse<NoOwn>> {
        let user = current(&store, &caller).await?;
        let other_groups = users::other_groups(store.reader(), caller.user_id).await?;
        Ok(reader.answer(SoPrincipalCarrier::new(user, &other_groups)))
    }

    /// Get the current associate
    ///
    /// Gets the user who calls, in short.
    #[oai(path = "/User/currentAssociate", method = "get", operation_id = "v1User_GetCurrentAssociate")]
    async fn get_current_associate(
        &self,
        caller: Caller,
        reader: Reader,
        store: Data<&Store>,
    ) -> Result<Answer<Associate>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(current(&store, &caller).await?.into()))
    }
}

async fn current(store: &Store, caller: &Caller) -> Result<users::User, Error> {
    users::find(store.reader(), caller.user_id).await?.ok_or(Error::Unauthenticated)
}
