//! An access token of the caller.

use poem_openapi::{Object, OpenApi};
use secrecy::SecretString;

use super::read_user_error::ReadUserError;
use crate::{
    api::{
        extract::json_body::JsonBody,
        openapi::{error_responses::ErrorResponse, tags::Tag},
        respond::format::{Formatted, ResponseFormat},
        routes::current_user::access_token,
    },
    auth::{AgentCaller, Authenticator},
    error::Error,
    users::application,
};

#[derive(Default)]
pub struct AccessTokens;

/// The application that the token is for.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAccessTokenRequest {
    /// The token of an application that `kommando app add` made; the application of the request when omitted.
    #[oai(nullable)]
    app_token: Option<String>,
    /// Must be false or omitted: this server has no sessions of SuperOffice Service.
    #[oai(nullable)]
    include_cs_session: Option<bool>,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl AccessTokens {
    /// Get an access token
    ///
    /// Returns an access token of the caller for `Authorization: Bearer`, valid for an hour, like
    /// `GET /api/v1/User/currentToken`.
    #[oai(path = "/GetAccessToken", method = "post", operation_id = "v1UserAgent_GetAccessToken")]
    async fn get_access_token(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        authenticator: &Authenticator,
        body: JsonBody<GetAccessTokenRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<ReadUserError>> {
        let JsonBody(GetAccessTokenRequest { app_token, include_cs_session }) = body;
        if include_cs_session.unwrap_or_default() {
            let message = "Body: IncludeCsSession must be false: there are no sessions of SuperOffice Service.";
            return Err(Error::InvalidArgument(message.to_owned()).into());
        }
        let application_id = match app_token.filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => {
                let found =
                    application::find_by_token(authenticator.store.reader(), &SecretString::from(token)).await?;
                let unknown =
                    || Error::InvalidArgument("Body: AppToken is not the token of an application.".to_owned());
                Some(found.ok_or_else(unknown)?.id)
            }
        };
        Ok(format.answer(access_token(authenticator, caller.into_authenticated(), application_id).await?))
    }
}
