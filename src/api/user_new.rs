//! Making a user: the defaults, what would be wrong, and saving it.

use std::collections::BTreeMap;

use poem_openapi::{ApiResponse, OpenApi, param::Query};

use super::{
    Tag,
    body::{Body, Partial},
    carriers::{CredentialType, User, UserType, UserWithLinks},
    parameters::{AnyCase, AnyPerson},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn, Refusals},
    request::BaseUrl,
    user_change::ChangeUser,
    user_input::{blank, faults, save},
};
use crate::{auth::UserAgent, users::UserService};

#[derive(Default)]
pub struct MakeUser;

#[derive(Default)]
pub struct BeforeUser;

/// The refusals of a new user.
pub struct BlankUser;

impl Refusals for BlankUser {
    const LIST: &'static [(u16, &'static str)] = &[
        (400, "Bad request. There is no such person, or no role for users of this type."),
        (403, "Forbidden. The caller may not see this person."),
    ];
}

#[derive(ApiResponse)]
pub enum SavedResponse {
    /// The user as it was saved.
    #[oai(status = 200)]
    Ok(Answer<UserWithLinks>),
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl MakeUser {
    /// Create a user
    ///
    /// Makes a user. Only Name is needed: role and group are the default ones when they are left out, a person is made and
    /// named after Name when none is given, and a password may stand among the Credentials, as the Value of one of Type
    /// `CRM5/PASSWORD`. With the AssociateId of a user who is there, that one is changed, as by PUT.
    #[oai(path = "/User", method = "post", operation_id = "v1User_PostUser")]
    async fn post_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        base: BaseUrl,
        user: Body<Partial<User>>,
    ) -> Result<SavedResponse, ErrorResponse<ChangeUser>> {
        let user = save(service, &caller, user.0.entity()?).await?;
        Ok(SavedResponse::Ok(reader.answer(UserWithLinks::new(user, &base.0))))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl BeforeUser {
    /// Get a default user
    ///
    /// Gets a new user of this type, with the default role and group, to be filled in and saved. Nothing is stored.
    #[oai(path = "/User/Default", method = "get", operation_id = "v1User_CreateDefaultUserFromUserTypeAndPersonId")]
    async fn default_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        /// The type; `InternalAssociate` when omitted.
        #[oai(name = "userType")]
        user_type: Query<Option<AnyCase<UserType>>>,
        /// The person who is to stand behind the user; a new one when omitted or 0.
        #[oai(name = "personId")]
        person_id: Query<Option<AnyPerson>>,
    ) -> Result<Answer<User>, ErrorResponse<BlankUser>> {
        let user_type = user_type.0.map_or(UserType::InternalAssociate, |AnyCase(user_type)| user_type);
        let person_id = person_id.0.map_or(0, |AnyPerson(id)| id);
        Ok(reader.answer(blank(service, &caller, user_type, person_id).await?))
    }

    /// Validate a user
    ///
    /// Gets what is wrong with a user, by property; nothing when it can be saved. Nothing is stored.
    #[oai(path = "/User/Validate", method = "post", operation_id = "v1User_ValidateUser")]
    async fn validate_user(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        user: Body<Partial<User>>,
    ) -> Result<Answer<BTreeMap<String, String>>, ErrorResponse<ChangeUser>> {
        Ok(reader.answer(faults(service, &caller, user.0).await?))
    }

    /// Get the credential types
    ///
    /// Gets the kinds of credentials that users can have.
    #[oai(path = "/User/CredentialTypes", method = "get", operation_id = "v1User_GetCredentialTypes")]
    async fn get_credential_types(
        &self,
        _caller: UserAgent,
        reader: Reader,
    ) -> Result<Answer<Vec<CredentialType>>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(vec![CredentialType::password()]))
    }
}
