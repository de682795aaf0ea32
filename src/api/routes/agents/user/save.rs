//! Creating, updating and deactivating users.

use std::collections::BTreeMap;

use poem_openapi::{Object, OpenApi, param::Query};

use super::requests::{UserRequest, UserTypeRequest};
use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate},
            json_edit::{blank, save, update, validate},
            parameters::Int32,
            request::NoBody,
            user_patch::UserPatch,
        },
        models::{User, UserType},
        openapi::error_responses::{Done, ErrorResponse},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::{
            create_user::{BlankUserError, ValidateUserError},
            update_user::{ChangeUserError, DeleteUserError},
        },
    },
    auth::AgentCaller,
    users::{Precondition, UserRef, UserService},
};

#[derive(Default)]
pub struct Save;

/// A type of user, and a person.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct CreateDefaultUserRequest {
    /// The type of user.
    user_type: UserType,
    /// The id of the user's person; a new person when omitted or 0.
    #[oai(nullable)]
    person_id: Option<i32>,
}

/// A user by name, and the properties to change.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveUserFromNameRequest {
    /// The Name or UserName of the user.
    user_name: String,
    /// The properties to change. Omitted properties stay unchanged.
    user: PartialUpdate<User>,
}

/// A user by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteUserFromNameRequest {
    /// The Name or UserName of the user.
    user_name: String,
}

/// A user by id, and whether the user is retired.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct MakeRetiredRequest {
    /// The id of the user.
    associate_id: i32,
    /// True deactivates the user; false reactivates the user.
    retired: bool,
}

/// A user, and a new type.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangeUserTypeRequest {
    /// The user.
    user: PartialUpdate<User>,
    /// The new type.
    user_type: UserType,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Save {
    /// Get a default user
    ///
    /// Returns a new user with the default role and group, to be completed and saved. Nothing is stored.
    #[oai(path = "/CreateDefaultUser", method = "post", operation_id = "v1UserAgent_CreateDefaultUser")]
    async fn create_default(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        _body: NoBody,
    ) -> Result<Formatted<User>, ErrorResponse<BlankUserError>> {
        Ok(format.answer(blank(service, &caller, UserType::InternalAssociate, 0).await?))
    }

    /// Get a default user of a type
    ///
    /// Returns a new user of this type with the default role and group. Nothing is stored.
    #[oai(
        path = "/CreateDefaultUserFromUserType",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultUserFromUserType"
    )]
    async fn create_default_of_type(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<UserTypeRequest>,
    ) -> Result<Formatted<User>, ErrorResponse<BlankUserError>> {
        Ok(format.answer(blank(service, &caller, body.0.user_type, 0).await?))
    }

    /// Get a default user of a type for a person
    ///
    /// Returns a new user of this type for this person. Nothing is stored.
    #[oai(
        path = "/CreateDefaultUserFromUserTypeAndPersonId",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultUserFromUserTypeAndPersonId"
    )]
    async fn create_default_for_person(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<CreateDefaultUserRequest>,
    ) -> Result<Formatted<User>, ErrorResponse<BlankUserError>> {
        Ok(format.answer(blank(service, &caller, body.0.user_type, body.0.person_id.unwrap_or_default()).await?))
    }

    /// Save a user
    ///
    /// Updates the user with this AssociateId, or creates a user when AssociateId is 0 or omitted, like
    /// `POST /api/v1/User`.
    #[oai(path = "/SaveUser", method = "post", operation_id = "v1UserAgent_SaveUser")]
    async fn save_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        user: JsonBody<PartialUpdate<User>>,
    ) -> Result<Formatted<User>, ErrorResponse<ChangeUserError>> {
        Ok(format.answer(save(service, &caller, user.0.entity()?).await?))
    }

    /// Save a user by name
    ///
    /// Updates the user with this Name or UserName.
    #[oai(path = "/SaveUserFromName", method = "post", operation_id = "v1UserAgent_SaveUserFromName")]
    async fn save_user_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SaveUserFromNameRequest>,
    ) -> Result<Formatted<User>, ErrorResponse<ChangeUserError>> {
        let JsonBody(SaveUserFromNameRequest { user_name, user }) = body;
        let change = UserPatch::Properties(user.entity()?);
        Ok(format.answer(update(service, &caller, UserRef::Name(user_name), change, Precondition::default()).await?))
    }

    /// Change the type of a user
    ///
    /// Changes the type of a user, sets the default role of that type, and saves the user.
    #[oai(path = "/ChangeUserType", method = "post", operation_id = "v1UserAgent_ChangeUserType")]
    async fn change_user_type(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<ChangeUserTypeRequest>,
    ) -> Result<Formatted<User>, ErrorResponse<ChangeUserError>> {
        let JsonBody(ChangeUserTypeRequest { user, user_type }) = body;
        Ok(format.answer(save(service, &caller, user.of_type(user_type)).await?))
    }

    /// Delete a user
    ///
    /// Deactivates a user, like `DELETE /api/v1/User/{id}`.
    #[oai(path = "/DeleteUser", method = "post", operation_id = "v1UserAgent_DeleteUser")]
    async fn delete_user(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the user (AssociateId).
        #[oai(name = "userId", example = "examples::user_id")]
        user_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Done, ErrorResponse<DeleteUserError>> {
        service.set_retired(&caller, UserRef::Id(user_id.0.0), true, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Delete a user by name
    ///
    /// Deactivates the user with this Name or UserName.
    #[oai(path = "/DeleteUserFromName", method = "post", operation_id = "v1UserAgent_DeleteUserFromName")]
    async fn delete_user_from_name(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<DeleteUserFromNameRequest>,
    ) -> Result<Done, ErrorResponse<DeleteUserError>> {
        service.set_retired(&caller, UserRef::Name(body.0.user_name), true, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Deactivate or reactivate a user
    ///
    /// Removes or restores the access of a user. Revoked tickets stay revoked.
    #[oai(path = "/MakeRetired", method = "post", operation_id = "v1UserAgent_MakeRetired")]
    async fn make_retired(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<MakeRetiredRequest>,
    ) -> Result<Done, ErrorResponse<DeleteUserError>> {
        service.set_retired(&caller, UserRef::Id(body.0.associate_id), body.0.retired, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Validate a user
    ///
    /// Returns the validation errors of a user by property; empty when the user can be saved.
    #[oai(path = "/ValidateUser", method = "post", operation_id = "v1UserAgent_ValidateUser")]
    async fn validate_user(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<UserRequest>,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<ValidateUserError>> {
        Ok(format.answer(validate(service, &caller, body.0.user).await?))
    }
}
