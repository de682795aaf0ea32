//! The caller's own user.

use std::sync::Arc;

use poem_openapi::OpenApi;
use secrecy::ExposeSecret;

use crate::{
    api::{
        models::{Associate, SoPrincipalCarrier, User},
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::{AgentCaller, Authenticated, Authenticator, Proof},
    error::Error,
    store::Touched,
    users::{Caller, UserCache, UserDetails, ticket},
};

#[derive(Default)]
pub struct CurrentOperations;

error_responses! {
    /// The errors of reading the own user.
    pub enum GetCurrentUserError {
        /// Forbidden. In an online installation, the User agent is only for applications that were granted it.
        403 Forbidden,
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl CurrentOperations {
    /// Get the current user
    ///
    /// Returns the calling user.
    #[oai(path = "/User/current", method = "get", operation_id = "v1User_GetCurrentUser")]
    async fn get_current_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        users: &UserCache,
    ) -> Result<Formatted<User>, ErrorResponse<GetCurrentUserError>> {
        Ok(format.answer(current(users, &caller).await?.into()))
    }

    /// Get the current principal
    ///
    /// Returns the calling user with person, group, role and rights.
    #[oai(path = "/User/currentPrincipal", method = "get", operation_id = "v1User_GetCurrentPrincipal")]
    async fn get_current_principal(
        &self,
        caller: Caller,
        format: ResponseFormat,
        users: &UserCache,
    ) -> Result<Formatted<SoPrincipalCarrier>, ErrorResponse<CommonErrors>> {
        let UserDetails { user, other_groups, .. } = current(users, &caller).await?;
        Ok(format.answer(SoPrincipalCarrier::new(Arc::unwrap_or_clone(user), &other_groups)))
    }

    /// Get the current token
    ///
    /// Returns an access token for `Authorization: Bearer`. It is valid for an hour. A caller who already uses an
    /// access token gets the same token back.
    #[oai(path = "/User/currentToken", method = "get", operation_id = "v1User_GetCurrentToken")]
    async fn get_current_token(
        &self,
        authenticated: Authenticated,
        format: ResponseFormat,
        authenticator: &Authenticator,
    ) -> Result<Formatted<String>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(access_token(authenticator, authenticated, None).await?))
    }

    /// Get the current associate
    ///
    /// Returns a short form of the calling user.
    #[oai(path = "/User/currentAssociate", method = "get", operation_id = "v1User_GetCurrentAssociate")]
    async fn get_current_associate(
        &self,
        caller: Caller,
        format: ResponseFormat,
        users: &UserCache,
    ) -> Result<Formatted<Associate>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(Arc::unwrap_or_clone(current(users, &caller).await?.user).into()))
    }
}

/// An access token of the caller: the one that the request was sent with, or a new one. It is issued to the application,
/// if given, otherwise to that of the request.
///
/// # Errors
/// The credentials are not valid any more.
pub async fn access_token(
    authenticator: &Authenticator,
    authenticated: Authenticated,
    application_id: Option<i32>,
) -> Result<String, Error> {
    let Authenticated { caller, proof, .. } = authenticated;
    if let Proof::Bearer(token) = &proof {
        if application_id.is_none_or(|id| Some(id) == caller.application_id) {
            return Ok(token.expose_secret().to_owned());
        }
        let message = "Body: AppToken: a token for another application needs a password, a ticket or a session.";
        return Err(Error::InvalidArgument(message.to_owned()));
    }
    let revalidator = authenticator.clone();
    let issue = authenticator.store.write(move |transaction| {
        Box::pin(async move {
            let (id, application_id) = (caller.user_id, application_id.or(caller.application_id));
            revalidator.revalidate(transaction, id, &proof).await?;
            let token = ticket::issue_access_token(transaction, id, application_id).await?;
            Ok::<_, Error>((token, Touched::access([id])))
        })
    });
    Ok(issue.await?.expose_secret().to_owned())
}

async fn current(users: &UserCache, caller: &Caller) -> Result<UserDetails, Error> {
    let details = users.user_details(caller.user_id).await?;
    details.map(Arc::unwrap_or_clone).ok_or(Error::Unauthenticated)
}
