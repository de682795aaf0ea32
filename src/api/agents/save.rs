//! Making users, changing them and retiring them.

use std::collections::BTreeMap;

use poem_openapi::{Object, OpenApi, param::Query};

use super::{
    super::{
        Tag,
        body::{Body, Partial},
        carriers::{User, UserType},
        change::Change,
        parameters::AnyUser,
        reader::{Answer, Reader},
        refusals::{Done, ErrorResponse},
        request::NoBody,
        user_change::{ChangeUser, DeleteUser},
        user_input::{blank, faults, save, update},
        user_new::BlankUser,
    },
    requests::{UserRequest, UserTypeRequest},
};
use crate::{
    auth::UserAgent,
    users::{Precondition, UserRef, UserService},
};

#[derive(Default)]
pub struct Save;

/// A type of users, and a person.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct CreateDefaultUserRequest {
    /// The type.
    user_type: UserType,
    /// The person who is to stand behind the user; a new one when left out or 0.
    person_id: Option<i32>,
}

/// A user's name, and what the user is to be.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveUserFromNameRequest {
    /// The user's Name or UserName.
    user_name: String,
    /// What to change; what is left out stays as it is.
    user: Partial<User>,
}

/// A user's name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteUserFromNameRequest {
    /// The user's Name or UserName.
    user_name: String,
}

/// A user, and whether to retire it.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct MakeRetiredRequest {
    /// The user's id.
    associate_id: i32,
    /// Whether the user is to be retired; false takes that back.
    retired: bool,
}

/// A user, and what type it is to become.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangeUserTypeRequest {
    /// The user.
    user: Partial<User>,
    /// The type.
    user_type: UserType,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Save {
    /// Get a default user
    ///
    /// Gets a new user with the default role and group, to be filled in and saved. Nothing is stored.
    #[oai(path = "/CreateDefaultUser", method = "post", operation_id = "v1UserAgent_CreateDefaultUser")]
    async fn create_default(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        _body: NoBody,
    ) -> Result<Answer<User>, ErrorResponse<BlankUser>> {
        Ok(reader.answer(blank(service, &caller, UserType::InternalAssociate, 0).await?))
    }

    /// Get a default user of a type
    ///
    /// Gets a new user of this type, with the default role and group. Nothing is stored.
    #[oai(
        path = "/CreateDefaultUserFromUserType",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultUserFromUserType"
    )]
    async fn create_default_of_type(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<UserTypeRequest>,
    ) -> Result<Answer<User>, ErrorResponse<BlankUser>> {
        Ok(reader.answer(blank(service, &caller, body.0.user_type, 0).await?))
    }

    /// Get a default user of a type, for a person
    ///
    /// Gets a new user of this type, behind whom this person stands. Nothing is stored.
    #[oai(
        path = "/CreateDefaultUserFromUserTypeAndPersonId",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultUserFromUserTypeAndPersonId"
    )]
    async fn create_default_for_person(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<CreateDefaultUserRequest>,
    ) -> Result<Answer<User>, ErrorResponse<BlankUser>> {
        Ok(reader.answer(blank(service, &caller, body.0.user_type, body.0.person_id.unwrap_or_default()).await?))
    }

    /// Save a user
    ///
    /// Changes the user with this AssociateId, or makes one when it is 0 or left out, as `POST /api/v1/User` does.
    #[oai(path = "/SaveUser", method = "post", operation_id = "v1UserAgent_SaveUser")]
    async fn save_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        user: Body<Partial<User>>,
    ) -> Result<Answer<User>, ErrorResponse<ChangeUser>> {
        Ok(reader.answer(save(service, &caller, user.0.entity()?).await?))
    }

    /// Save a user by name
    ///
    /// Changes the user whose Name or UserName this is.
    #[oai(path = "/SaveUserFromName", method = "post", operation_id = "v1UserAgent_SaveUserFromName")]
    async fn save_user_from_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<SaveUserFromNameRequest>,
    ) -> Result<Answer<User>, ErrorResponse<ChangeUser>> {
        let Body(SaveUserFromNameRequest { user_name, user }) = body;
        let change = Change::Properties(user.entity()?);
        Ok(reader.answer(update(service, &caller, UserRef::Name(user_name), change, Precondition::default()).await?))
    }

    /// Change the type of a user
    ///
    /// Makes a user one of this type, with the default role of the type, and saves it.
    #[oai(path = "/ChangeUserType", method = "post", operation_id = "v1UserAgent_ChangeUserType")]
    async fn change_user_type(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<ChangeUserTypeRequest>,
    ) -> Result<Answer<User>, ErrorResponse<ChangeUser>> {
        let Body(ChangeUserTypeRequest { user, user_type }) = body;
        Ok(reader.answer(save(service, &caller, user.of_type(user_type)).await?))
    }

    /// Delete a user
    ///
    /// Retires a user, as `DELETE /api/v1/User/{id}` does.
    #[oai(path = "/DeleteUser", method = "post", operation_id = "v1UserAgent_DeleteUser")]
    async fn delete_user(
        &self,
        caller: UserAgent,
        service: &UserService,
        /// The user's id (AssociateId).
        #[oai(name = "userId")]
        user_id: Query<AnyUser>,
        _body: NoBody,
    ) -> Result<Done, ErrorResponse<DeleteUser>> {
        service.set_retired(&caller, UserRef::Id(user_id.0.0), true, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Delete a user by name
    ///
    /// Retires the user whose Name or UserName this is.
    #[oai(path = "/DeleteUserFromName", method = "post", operation_id = "v1UserAgent_DeleteUserFromName")]
    async fn delete_user_from_name(
        &self,
        caller: UserAgent,
        service: &UserService,
        body: Body<DeleteUserFromNameRequest>,
    ) -> Result<Done, ErrorResponse<DeleteUser>> {
        service.set_retired(&caller, UserRef::Name(body.0.user_name), true, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Retire a user, or take that back
    ///
    /// Ends the access of a user, or gives it again. Tickets that were revoked stay so.
    #[oai(path = "/MakeRetired", method = "post", operation_id = "v1UserAgent_MakeRetired")]
    async fn make_retired(
        &self,
        caller: UserAgent,
        service: &UserService,
        body: Body<MakeRetiredRequest>,
    ) -> Result<Done, ErrorResponse<DeleteUser>> {
        service.set_retired(&caller, UserRef::Id(body.0.associate_id), body.0.retired, Precondition::default()).await?;
        Ok(Done::NoContent)
    }

    /// Validate a user
    ///
    /// Gets what is wrong with a user, by property; nothing when it can be saved.
    #[oai(path = "/ValidateUser", method = "post", operation_id = "v1UserAgent_ValidateUser")]
    async fn validate_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<UserRequest>,
    ) -> Result<Answer<BTreeMap<String, String>>, ErrorResponse<ChangeUser>> {
        Ok(reader.answer(faults(service, &caller, body.0.user).await?))
    }
}
