//! Credentials of users for other systems (docs/upstream.md §1.8). Upstream has each operation twice: for the caller, and
//! for any user.

use poem_openapi::{Object, OpenApi};

use crate::{
    api::{
        extract::{
            json_body::{JsonBody, PartialUpdate, parse_completed},
            request::NoBody,
        },
        models::UntrustedCredentials,
        openapi::{
            error_responses::{CommonErrors, Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    error::Error,
    users::{
        Caller, UserService,
        secrets::untrusted_credentials::{self as stored, UntrustedCredentialsEdit},
    },
};

#[derive(Default)]
pub struct UntrustedCredentialsOperations;

/// A type of credentials.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUntrustedCredentialsRequest {
    /// The type of the credentials: any text of up to 254 characters, such as the name of the other system.
    r#type: String,
}

/// A user, and a type of credentials.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetUntrustedCredentialsForAssociateRequest {
    /// The id of the user.
    associate_id: i32,
    /// The type of the credentials.
    r#type: String,
}

/// Credentials, and their type.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveUntrustedCredentialsRequest {
    /// The type of the credentials: any text of up to 254 characters, such as the name of the other system.
    r#type: String,
    /// The credentials. Omitted properties stay as they are.
    credentials: PartialUpdate<UntrustedCredentials>,
}

/// Credentials of a user, and their type.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveUntrustedCredentialsForAssociateRequest {
    /// The id of the user.
    associate_id: i32,
    /// The type of the credentials: any text of up to 254 characters, such as the name of the other system.
    r#type: String,
    /// The credentials. Omitted properties stay as they are.
    credentials: PartialUpdate<UntrustedCredentials>,
}

/// The credentials to remove.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct RemoveUntrustedCredentialsRequest {
    /// The type of the credentials.
    r#type: String,
    /// The PublicValue of the credentials.
    public_value: String,
}

/// A user, and the credentials to remove.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct RemoveUntrustedCredentialsForAssociateRequest {
    /// The id of the user.
    associate_id: i32,
    /// The type of the credentials.
    r#type: String,
    /// The PublicValue of the credentials.
    public_value: String,
}

error_responses! {
    /// The errors of reading the caller's credentials and tokens.
    pub enum GetOwnCredentialsError {
        /// Bad request. A property is missing or wrong; the message names it.
        400 BadRequest,
        /// Forbidden. Anonymous users have no secrets.
        403 Forbidden,
    }
}

error_responses! {
    /// The errors of saving and removing the caller's credentials and tokens.
    pub enum ChangeOwnCredentialsError {
        /// Bad request. A property is missing or wrong, or there are too many secrets; the message says which.
        400 BadRequest,
        /// Forbidden. Anonymous users have no secrets.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of reading the credentials of a user.
    pub enum GetCredentialsOfUserError {
        /// Bad request. A property is missing or wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
    }
}

error_responses! {
    /// The errors of saving and removing the credentials of a user.
    pub enum ChangeCredentialsOfUserError {
        /// Bad request. A property is missing or wrong, or there are too many secrets; the message says which.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl UntrustedCredentialsOperations {
    /// Get default credentials
    ///
    /// Returns new credentials, to be completed and saved. Nothing is stored.
    #[oai(
        path = "/CreateDefaultUntrustedCredentials",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultUntrustedCredentials"
    )]
    async fn create_default(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<UntrustedCredentials>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(UntrustedCredentials::blank()))
    }

    /// Get the caller's credentials
    ///
    /// Returns the caller's credentials of a type with their secrets, oldest first.
    #[oai(path = "/GetUntrustedCredentials", method = "post", operation_id = "v1UserAgent_GetUntrustedCredentials")]
    async fn get(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<GetUntrustedCredentialsRequest>,
    ) -> Result<Formatted<Vec<UntrustedCredentials>>, ErrorResponse<GetOwnCredentialsError>> {
        Ok(format.untranslated().answer(list(service, &caller, caller.user_id, &body.0.r#type).await?))
    }

    /// Get the credentials of a user
    ///
    /// Returns a user's credentials of a type, oldest first. Only the user, and system users who may manage
    /// the user, get the secrets.
    #[oai(
        path = "/GetUntrustedCredentialsForAssociate",
        method = "post",
        operation_id = "v1UserAgent_GetUntrustedCredentialsForAssociate"
    )]
    async fn get_of_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<GetUntrustedCredentialsForAssociateRequest>,
    ) -> Result<Formatted<Vec<UntrustedCredentials>>, ErrorResponse<GetCredentialsOfUserError>> {
        Ok(format.untranslated().answer(list(service, &caller, body.0.associate_id, &body.0.r#type).await?))
    }

    /// Save credentials of the caller
    ///
    /// Changes the caller's credentials of this Type with this PublicValue, or makes new ones. Omitted properties stay as
    /// they are. The secret is stored encrypted.
    #[oai(path = "/SaveUntrustedCredentials", method = "post", operation_id = "v1UserAgent_SaveUntrustedCredentials")]
    async fn save(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<SaveUntrustedCredentialsRequest>,
    ) -> Result<Done, ErrorResponse<ChangeOwnCredentialsError>> {
        let JsonBody(SaveUntrustedCredentialsRequest { r#type: credential_type, credentials }) = body;
        save(service, &caller, caller.user_id, credential_type, credentials).await?;
        Ok(Done::NoContent)
    }

    /// Save credentials of a user
    ///
    /// Changes a user's credentials of this Type with this PublicValue, or makes new ones. Omitted properties stay as they
    /// are. The secret is stored encrypted.
    #[oai(
        path = "/SaveUntrustedCredentialsForAssociate",
        method = "post",
        operation_id = "v1UserAgent_SaveUntrustedCredentialsForAssociate"
    )]
    async fn save_of_user(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<SaveUntrustedCredentialsForAssociateRequest>,
    ) -> Result<Done, ErrorResponse<ChangeCredentialsOfUserError>> {
        let JsonBody(request) = body;
        save(service, &caller, request.associate_id, request.r#type, request.credentials).await?;
        Ok(Done::NoContent)
    }

    /// Remove credentials of the caller
    ///
    /// Removes the caller's credentials of this Type with this PublicValue, if there are any.
    #[oai(
        path = "/RemoveUntrustedCredentials",
        method = "post",
        operation_id = "v1UserAgent_RemoveUntrustedCredentials"
    )]
    async fn remove(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<RemoveUntrustedCredentialsRequest>,
    ) -> Result<Done, ErrorResponse<ChangeOwnCredentialsError>> {
        let JsonBody(RemoveUntrustedCredentialsRequest { r#type: credential_type, public_value }) = body;
        stored::remove(service, &caller, caller.user_id, credential_type, public_value).await?;
        Ok(Done::NoContent)
    }

    /// Remove credentials of a user
    ///
    /// Removes a user's credentials of this Type with this PublicValue, if there are any.
    #[oai(
        path = "/RemoveUntrustedCredentialsForAssociate",
        method = "post",
        operation_id = "v1UserAgent_RemoveUntrustedCredentialsForAssociate"
    )]
    async fn remove_of_user(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<RemoveUntrustedCredentialsForAssociateRequest>,
    ) -> Result<Done, ErrorResponse<ChangeCredentialsOfUserError>> {
        let JsonBody(request) = body;
        stored::remove(service, &caller, request.associate_id, request.r#type, request.public_value).await?;
        Ok(Done::NoContent)
    }
}

async fn list(
    service: &UserService,
    caller: &Caller,
    user_id: i32,
    credential_type: &str,
) -> Result<Vec<UntrustedCredentials>, Error> {
    let found = stored::list(service, caller, user_id, credential_type).await?;
    Ok(found.into_iter().map(Into::into).collect())
}

async fn save(
    service: &UserService,
    caller: &Caller,
    user_id: i32,
    credential_type: String,
    given: PartialUpdate<UntrustedCredentials>,
) -> Result<(), Error> {
    let edit = edit(given.entity()?)?;
    stored::save(service, caller, user_id, credential_type, edit).await
}

/// The given properties. An empty secret counts as not given.
fn edit(given: PartialUpdate<UntrustedCredentials>) -> Result<UntrustedCredentialsEdit, Error> {
    let all: UntrustedCredentials = parse_completed(given.clone().into_value())?;
    Ok(UntrustedCredentialsEdit {
        public_value: all.public_value,
        comment: given.has("Comment").then_some(all.comment),
        valid_from: given.has("ValidFrom").then_some(all.valid_from.0),
        valid_to: given.has("ValidTo").then_some(all.valid_to.0),
        is_active: given.has("IsActive").then_some(all.is_active),
        secret: Some(all.secret_value).filter(|secret| !secret.is_empty()).map(Into::into),
    })
}
