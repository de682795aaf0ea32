//! How the installation logs in to other services: the operations on `ServiceAuth` (docs/upstream.md §1.8).

use poem_openapi::{OpenApi, param::Query};

use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate, parse_completed},
            parameters::Int32,
            request::NoBody,
        },
        models::{Nullable, ServiceAuth},
        openapi::{
            error_responses::{CommonErrors, Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    error::Error,
    users::{
        self, UserService,
        secrets::service_auth::{self, ServiceAuthEdit},
    },
};

#[derive(Default)]
pub struct ServiceAuthOperations;

error_responses! {
    /// The errors of reading a service authentication.
    pub enum GetServiceAuthError {
        /// Forbidden. The caller is neither an administrator nor a system user.
        403 Forbidden,
    }
}

error_responses! {
    /// The errors of deleting a service authentication.
    pub enum DeleteServiceAuthError {
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of saving a service authentication.
    pub enum SaveServiceAuthError {
        /// Bad request. A property is wrong, there is no service authentication with this id, or there are too many; the message
        /// says which.
        400 BadRequest,
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl ServiceAuthOperations {
    /// Get a default service authentication
    ///
    /// Returns a new service authentication, to be completed and saved. Nothing is stored.
    #[oai(path = "/CreateDefaultServiceAuth", method = "post", operation_id = "v1UserAgent_CreateDefaultServiceAuth")]
    async fn create_default(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<ServiceAuth>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(ServiceAuth::blank()))
    }

    /// Get a service authentication
    ///
    /// Returns a service authentication with its password; null if there is none with this id. Only for administrators and
    /// system users.
    #[oai(path = "/GetServiceAuth", method = "post", operation_id = "v1UserAgent_GetServiceAuth")]
    async fn get(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        /// The id of the service authentication.
        #[oai(name = "serviceAuthId", example = "examples::service_auth_id")]
        id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<ServiceAuth>>, ErrorResponse<GetServiceAuthError>> {
        let found = service_auth::find(service, &caller, id.0.0).await?;
        Ok(format.untranslated().answer(Nullable(found.map(Into::into))))
    }

    /// Save a service authentication
    ///
    /// Updates the service authentication with this ServiceAuthId, or creates one when it is 0 or omitted. Omitted
    /// properties stay as they are. Only for administrators.
    #[oai(path = "/SaveServiceAuth", method = "post", operation_id = "v1UserAgent_SaveServiceAuth")]
    async fn save(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<PartialUpdate<ServiceAuth>>,
    ) -> Result<Formatted<ServiceAuth>, ErrorResponse<SaveServiceAuthError>> {
        users::check_is_administrator(&caller)?;
        let given = body.0.entity()?;
        let saved = service_auth::save(service, &caller, given.number("ServiceAuthId"), edit(given)?).await?;
        Ok(format.untranslated().answer(saved.into()))
    }

    /// Delete a service authentication
    ///
    /// Deletes a service authentication with its password, if there is one with this id. Only for administrators.
    #[oai(path = "/DeleteServiceAuth", method = "post", operation_id = "v1UserAgent_DeleteServiceAuth")]
    async fn delete(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the service authentication.
        #[oai(name = "serviceAuthId", example = "examples::service_auth_id")]
        id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Done, ErrorResponse<DeleteServiceAuthError>> {
        service_auth::delete(service, &caller, id.0.0).await?;
        Ok(Done::NoContent)
    }
}

/// The given properties. An empty password counts as not given.
fn edit(given: PartialUpdate<ServiceAuth>) -> Result<ServiceAuthEdit, Error> {
    let all: ServiceAuth = parse_completed(given.clone().into_value())?;
    Ok(ServiceAuthEdit {
        server: given.has("Server").then_some(all.server),
        port: given.has("Port").then_some(all.port),
        auth_type: given.has("AuthType").then_some(all.auth_type),
        user_name: given.has("Username").then_some(all.username),
        password: Some(all.password).filter(|password| !password.is_empty()).map(Into::into),
    })
}
