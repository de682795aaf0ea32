//! The caller's own user.

use std::sync::Arc;

use poem_openapi::OpenApi;
use secrecy::ExposeSecret;

use super::{
    Tag,
    carriers::{Associate, SoPrincipalCarrier, User},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn, Refusals},
};
use crate::{
    auth::{Authenticated, Authenticator, Proof, UserAgent},
    error::Error,
    store::Touched,
    users::{Account, Caller, UserCache, ticket},
};

#[derive(Default)]
pub struct CurrentOperations;

/// The refusals of reading the own user.
pub struct GetCurrentUser;

impl Refusals for GetCurrentUser {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, "Forbidden. In an online installation the User agent takes an application that was granted it.")];
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl CurrentOperations {
    /// Get the current user
    ///
    /// Gets the user who calls.
    #[oai(path = "/User/current", method = "get", operation_id = "v1User_GetCurrentUser")]
    async fn get_current_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        users: &UserCache,
    ) -> Result<Answer<User>, ErrorResponse<GetCurrentUser>> {
        Ok(reader.answer(current(users, &caller).await?.into()))
    }

    /// Get the current principal
    ///
    /// Gets who is logged in: the user who calls, with person, group, role and rights.
    #[oai(path = "/User/currentPrincipal", method = "get", operation_id = "v1User_GetCurrentPrincipal")]
    async fn get_current_principal(
        &self,
        caller: Caller,
        reader: Reader,
        users: &UserCache,
    ) -> Result<Answer<SoPrincipalCarrier>, ErrorResponse<NoOwn>> {
        let Account { user, other_groups, .. } = current(users, &caller).await?;
        Ok(reader.answer(SoPrincipalCarrier::new(Arc::unwrap_or_clone(user), &other_groups)))
    }

    /// Get the current token
    ///
    /// Gets an access token for `Authorization: Bearer`, valid for an hour. Whoever calls with one gets that one.
    #[oai(path = "/User/currentToken", method = "get", operation_id = "v1User_GetCurrentToken")]
    async fn get_current_token(
        &self,
        authenticated: Authenticated,
        reader: Reader,
        authenticator: &Authenticator,
    ) -> Result<Answer<String>, ErrorResponse<NoOwn>> {
        let Authenticated { caller, proof, .. } = authenticated;
        if let Proof::Bearer(token) = proof {
            return Ok(reader.answer(token.expose_secret().to_owned()));
        }
        let confirming = authenticator.clone();
        let issue = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                let (id, application_id) = (caller.user_id, caller.application_id);
                confirming.confirm(transaction, id, &proof).await?;
                Ok::<_, Error>((
                    ticket::issue_access_token(transaction, id, application_id).await?,
                    Touched::access([id]),
                ))
            })
        });
        Ok(reader.answer(issue.await?.expose_secret().to_owned()))
    }

    /// Get the current associate
    ///
    /// Gets the user who calls, in short.
    #[oai(path = "/User/currentAssociate", method = "get", operation_id = "v1User_GetCurrentAssociate")]
    async fn get_current_associate(
        &self,
        caller: Caller,
        reader: Reader,
        users: &UserCache,
    ) -> Result<Answer<Associate>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(Arc::unwrap_or_clone(current(users, &caller).await?.user).into()))
    }
}

async fn current(users: &UserCache, caller: &Caller) -> Result<Account, Error> {
    let account = users.account(caller.user_id).await?;
    account.map(Arc::unwrap_or_clone).ok_or(Error::Unauthenticated)
}
