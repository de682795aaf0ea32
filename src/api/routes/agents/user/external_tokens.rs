//! Tokens of other systems, kept for the caller (docs/upstream.md §1.8).

use poem_openapi::{Object, OpenApi};
use secrecy::ExposeSecret;

use super::untrusted_credentials::{ChangeOwnCredentialsError, GetOwnCredentialsError};
use crate::{
    api::{
        extract::json_body::{JsonBody, PartialUpdate, parse_completed},
        models::{Nullable, TokenManagementInfo},
        openapi::{error_responses::ErrorResponse, tags::Tag},
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    users::{UserService, secrets::external_tokens},
};

#[derive(Default)]
pub struct ExternalTokenOperations;

/// Tokens to keep.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveExternalTokensRequest {
    /// The tokens.
    token_management_info: PartialUpdate<TokenManagementInfo>,
}

/// The key of tokens.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetExternalTokensRequest {
    /// The key that `SaveExternalTokens` returned.
    key: String,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl ExternalTokenOperations {
    /// Save tokens of another system
    ///
    /// Saves tokens for the caller, and returns a key that finds them. They are stored encrypted. The newest 100 tokens of
    /// a user are kept.
    #[oai(path = "/SaveExternalTokens", method = "post", operation_id = "v1UserAgent_SaveExternalTokens")]
    async fn save(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SaveExternalTokensRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<ChangeOwnCredentialsError>> {
        let given = body.0.token_management_info.entity()?;
        let tokens: TokenManagementInfo = parse_completed(given.into_value())?;
        let key = external_tokens::save(service, &caller, tokens.into()).await?;
        Ok(format.untranslated().answer(key.expose_secret().to_owned()))
    }

    /// Get tokens of another system
    ///
    /// Returns the tokens that were saved with this key; null if there are none. Only the user who saved them and system
    /// users get them.
    #[oai(path = "/GetExternalTokens", method = "post", operation_id = "v1UserAgent_GetExternalTokens")]
    async fn get(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<GetExternalTokensRequest>,
    ) -> Result<Formatted<Nullable<TokenManagementInfo>>, ErrorResponse<GetOwnCredentialsError>> {
        let found = external_tokens::find(service, &caller, &body.0.key.into()).await?;
        Ok(format.untranslated().answer(Nullable(found.map(Into::into))))
    }
}
