//! Creating a user: default values, validation, and saving.

use std::collections::BTreeMap;

use poem_openapi::{OpenApi, param::Query};

use crate::{
    api::{
        extract::{
            json_body::{JsonBody, PartialUpdate},
            json_edit::{blank, save, validate},
            parameters::{CaseInsensitive, Int32},
            request::BaseUrl,
        },
        models::{CredentialType, User, UserType, UserWithLinks},
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::{
            format::{Formatted, ResponseFormat},
            saved::Saved,
        },
    },
    auth::AgentCaller,
    users::UserService,
};

#[derive(Default)]
pub struct CreateUser;

/// The operations that prepare a new user.
#[derive(Default)]
pub struct PrepareUser;

error_responses! {
    /// The errors of creating a user.
    pub enum CreateUserError {
        /// Bad request. Entity to save is not in request body, or a property of it is wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller may not manage other users, or may not assign this role.
        403 Forbidden,
        /// There is no user with the AssociateId of the body.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of creating a user from a request that cannot name an existing one.
    pub enum CreateNewUserError {
        /// Bad request. A property of the body is missing or wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller may not manage other users, or may not assign this role.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of validating a user.
    pub enum ValidateUserError {
        /// Forbidden. The caller may not see other users.
        403 Forbidden,
    }
}

error_responses! {
    /// The errors of a new user.
    pub enum BlankUserError {
        /// Bad request. There is no such person, or no role for users of this type.
        400 BadRequest,
        /// Forbidden. The caller may not see this person.
        403 Forbidden,
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl CreateUser {
    /// Create a user
    ///
    /// Creates a user. Only Name is required. When role and group are omitted, the default ones are used. When no
    /// person is given, a person named after Name is created. Credentials may contain a password: a credential of Type
    /// `CRM5/PASSWORD`, with the password as its Value. With the AssociateId of an existing user, that user is updated
    /// as by PUT.
    #[oai(path = "/User", method = "post", operation_id = "v1User_PostUser")]
    async fn post_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        base: BaseUrl,
        user: JsonBody<PartialUpdate<User>>,
    ) -> Result<Saved<UserWithLinks>, ErrorResponse<CreateUserError>> {
        let user = save(service, &caller, user.0.entity()?).await?;
        let location = format!("{}/api/v1/User/{}", base.0, user.associate_id);
        Ok(Saved::new(format.answer(UserWithLinks::new(user, &base.0)), &location)?)
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl PrepareUser {
    /// Get a default user
    ///
    /// Returns a new user of the given type with the default role and group, to be completed and saved. Nothing is
    /// stored.
    #[oai(path = "/User/Default", method = "get", operation_id = "v1User_CreateDefaultUserFromUserTypeAndPersonId")]
    async fn default_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        /// The type of the user; `InternalAssociate` when omitted.
        #[oai(name = "userType")]
        user_type: Query<Option<CaseInsensitive<UserType>>>,
        /// The id of the user's person; a new person when omitted or 0.
        #[oai(name = "personId")]
        person_id: Query<Option<Int32>>,
    ) -> Result<Formatted<User>, ErrorResponse<BlankUserError>> {
        let user_type = user_type.0.map_or(UserType::InternalAssociate, |CaseInsensitive(user_type)| user_type);
        let person_id = person_id.0.map_or(0, |Int32(id)| id);
        Ok(format.answer(blank(service, &caller, user_type, person_id).await?))
    }

    /// Validate a user
    ///
    /// Returns the validation errors of a user by property; empty when the user can be saved. Nothing is stored.
    #[oai(path = "/User/Validate", method = "post", operation_id = "v1User_ValidateUser")]
    async fn validate_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        user: JsonBody<PartialUpdate<User>>,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<ValidateUserError>> {
        Ok(format.answer(validate(service, &caller, user.0).await?))
    }

    /// Get the credential types
    ///
    /// Returns the types of credentials that users can have.
    #[oai(path = "/User/CredentialTypes", method = "get", operation_id = "v1User_GetCredentialTypes")]
    async fn get_credential_types(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
    ) -> Result<Formatted<Vec<CredentialType>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(vec![CredentialType::password()]))
    }
}
