//! Passwords and credentials: setting, changing, checking and deleting them.

use poem::web::RemoteAddr;
use poem_openapi::{Enum, Object, OpenApi};
use secrecy::SecretString;

use super::requests::{AssociateNameRequest, AssociateRequest, UserTypeRequest};
use crate::{
    api::{
        extract::{
            json_body::{JsonBody, PartialUpdate},
            request::NoBody,
        },
        models::{Credential, CredentialType, UserType, UserValidationResult},
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::{AgentCaller, Authenticator},
    error::Error,
    users::{Caller, UserRef, UserService, credential},
};

#[derive(Default)]
pub struct CredentialOperations;

/// A user by id, and a new password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetPasswordRequest {
    /// The id of the user.
    associate_id: i32,
    /// The new password.
    password: String,
}

/// A user by name, and a new password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetPasswordFromNameRequest {
    /// The Name or UserName of the user.
    associate_name: String,
    /// The new password.
    password: String,
}

/// The present and the new password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangeOwnPasswordRequest {
    /// The present password.
    old_password: String,
    /// The new password.
    new_password: String,
}

/// A user by id, with the present and the new password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangePasswordRequest {
    /// The id of the user.
    associate_id: i32,
    /// The present password.
    old_password: String,
    /// The new password.
    new_password: String,
}

/// A user by name, with the present and the new password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangePasswordFromNameRequest {
    /// The Name or UserName of the user.
    associate_name: String,
    /// The present password.
    old_password: String,
    /// The new password.
    new_password: String,
}

/// A password to check.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct IsPasswordValidRequest {
    /// Accepted, but has no effect.
    #[oai(nullable)]
    associate_id: Option<i32>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    r#type: Option<UserType>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    person_id: Option<i32>,
    /// The password to check.
    password: String,
}

/// A user and a new credential.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveCredentialRequest {
    /// The id of the user.
    user_id: i32,
    /// The credential, with the Type `CRM5/PASSWORD` and the password as its Value.
    credential: PartialUpdate<Credential>,
}

/// A user and a type of credential.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteCredentialRequest {
    /// The id of the user.
    user_id: i32,
    /// The type of the credential: `CRM5/PASSWORD`.
    credential_type: String,
}

/// A way to change a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChangePasswordType {
    /// By an e-mail to the user. This server does not support it.
    Email,
    /// By giving the present password.
    Password,
}

error_responses! {
    /// The errors of changing the own password.
    pub enum ChangeOwnPasswordError {
        /// Bad request. A property is missing or wrong, or the new password is too short; the message says which.
        400 BadRequest,
        /// Forbidden. The caller may not change their own password.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of setting, changing and removing a password.
    pub enum SetPasswordError {
        /// Bad request. A property is missing or wrong, or the new password is too short; the message says which.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user, or would delete the password of the last administrator.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl CredentialOperations {
    /// Get the credential types
    ///
    /// Returns the types of credentials that users can have.
    #[oai(path = "/GetCredentialTypes", method = "post", operation_id = "v1UserAgent_GetCredentialTypes")]
    async fn types(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<Vec<CredentialType>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(vec![CredentialType::password()]))
    }

    /// Get the credential types of a user type
    ///
    /// Returns the types of credentials that users of this type can have.
    #[oai(
        path = "/GetCredentialTypesForUserType",
        method = "post",
        operation_id = "v1UserAgent_GetCredentialTypesForUserType"
    )]
    async fn types_for_user_type(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        body: JsonBody<UserTypeRequest>,
    ) -> Result<Formatted<Vec<CredentialType>>, ErrorResponse<CommonErrors>> {
        let can_log_in = ![UserType::Unknown, UserType::ResourceAssociate].contains(&body.0.user_type);
        Ok(format.answer(can_log_in.then(CredentialType::password).into_iter().collect()))
    }

    /// Save a credential
    ///
    /// Sets the password of a user, replacing any present one.
    #[oai(path = "/SaveCredential", method = "post", operation_id = "v1UserAgent_SaveCredential")]
    async fn save(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SaveCredentialRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<SetPasswordError>> {
        let JsonBody(SaveCredentialRequest { user_id, credential }) = body;
        check_type(credential.text("/Type/Type").unwrap_or_default())?;
        let password = credential.text("/Value").unwrap_or_default();
        service.set_password(&caller, UserRef::Id(user_id), password).await?;
        Ok(format.answer(true))
    }

    /// Delete a credential
    ///
    /// Deletes the password of a user and revokes the user's tickets. Returns false if the user had no password.
    #[oai(path = "/DeleteCredential", method = "post", operation_id = "v1UserAgent_DeleteCredential")]
    async fn delete(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<DeleteCredentialRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<SetPasswordError>> {
        let JsonBody(DeleteCredentialRequest { user_id, credential_type }) = body;
        check_type(&credential_type)?;
        Ok(format.answer(service.delete_password(&caller, UserRef::Id(user_id)).await?))
    }

    /// Set a password
    ///
    /// Sets the password of a user and revokes the user's tickets.
    #[oai(path = "/SetPassword", method = "post", operation_id = "v1UserAgent_SetPassword")]
    async fn set_password(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SetPasswordRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<SetPasswordError>> {
        service.set_password(&caller, UserRef::Id(body.0.associate_id), &body.0.password).await?;
        Ok(format.answer(true))
    }

    /// Set a password by name
    ///
    /// Sets the password of the user with this Name or UserName.
    #[oai(path = "/SetPasswordFromName", method = "post", operation_id = "v1UserAgent_SetPasswordFromName")]
    async fn set_password_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<SetPasswordFromNameRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<SetPasswordError>> {
        let JsonBody(SetPasswordFromNameRequest { associate_name, password }) = body;
        service.set_password(&caller, UserRef::Name(associate_name), &password).await?;
        Ok(format.answer(true))
    }

    /// Set a generated password
    ///
    /// Sets a random password for a user and returns it. The server shows it only once.
    #[oai(path = "/SetGeneratedPassword", method = "post", operation_id = "v1UserAgent_SetGeneratedPassword")]
    async fn set_generated(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<AssociateRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<SetPasswordError>> {
        Ok(format.answer(service.set_generated_password(&caller, UserRef::Id(body.0.associate_id)).await?))
    }

    /// Set a generated password by name
    ///
    /// Sets a random password for the user with this Name or UserName and returns it. The server shows it only once.
    #[oai(
        path = "/SetGeneratedPasswordFromName",
        method = "post",
        operation_id = "v1UserAgent_SetGeneratedPasswordFromName"
    )]
    async fn set_generated_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<AssociateNameRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<SetPasswordError>> {
        Ok(format.answer(service.set_generated_password(&caller, UserRef::Name(body.0.associate_name)).await?))
    }

    /// Change your own password
    ///
    /// Changes the password of the calling user. Returns false and changes nothing if the present password is wrong.
    #[oai(path = "/ChangeOwnPassword", method = "post", operation_id = "v1UserAgent_ChangeOwnPassword")]
    async fn change_own(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        body: JsonBody<ChangeOwnPasswordRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<ChangeOwnPasswordError>> {
        let JsonBody(ChangeOwnPasswordRequest { old_password, new_password }) = body;
        let user = UserRef::Id(caller.user_id);
        let change = change_password(service, authenticator, remote, &caller, user, old_password, &new_password);
        Ok(format.answer(change.await?))
    }

    /// Change a password
    ///
    /// Changes the password of a user. Returns false and changes nothing if the present password is wrong.
    #[oai(path = "/ChangePassword", method = "post", operation_id = "v1UserAgent_ChangePassword")]
    async fn change(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        body: JsonBody<ChangePasswordRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<SetPasswordError>> {
        let JsonBody(ChangePasswordRequest { associate_id, old_password, new_password }) = body;
        let user = UserRef::Id(associate_id);
        let change = change_password(service, authenticator, remote, &caller, user, old_password, &new_password);
        Ok(format.answer(change.await?))
    }

    /// Change a password by name
    ///
    /// Changes the password of the user with this Name or UserName. Returns false and changes nothing if the present
    /// password is wrong.
    #[oai(path = "/ChangePasswordFromName", method = "post", operation_id = "v1UserAgent_ChangePasswordFromName")]
    async fn change_from_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        body: JsonBody<ChangePasswordFromNameRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<SetPasswordError>> {
        let JsonBody(ChangePasswordFromNameRequest { associate_name, old_password, new_password }) = body;
        let user = UserRef::Name(associate_name);
        let change = change_password(service, authenticator, remote, &caller, user, old_password, &new_password);
        Ok(format.answer(change.await?))
    }

    /// Check a password
    ///
    /// Tells whether a password meets the password policy. The password is not compared with that of any user.
    #[oai(path = "/IsPasswordValid", method = "post", operation_id = "v1UserAgent_IsPasswordValid")]
    async fn is_valid(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<IsPasswordValidRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(service.passwords.policy().accept(&body.0.password).is_ok()))
    }

    /// Check a password, with a reason
    ///
    /// Tells whether a password meets the password policy and, if not, why.
    #[oai(path = "/IsPasswordValidWithReason", method = "post", operation_id = "v1UserAgent_IsPasswordValidWithReason")]
    async fn is_valid_with_reason(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<IsPasswordValidRequest>,
    ) -> Result<Formatted<UserValidationResult>, ErrorResponse<CommonErrors>> {
        let error = service.passwords.policy().accept(&body.0.password).err();
        Ok(format.answer(error.map(|error| error.to_string()).into()))
    }

    /// Check whether a password can be changed
    ///
    /// Tells whether the caller can change the password of this user. Users can change their own password and
    /// those of the users that they may manage.
    #[oai(path = "/CanChangePassword", method = "post", operation_id = "v1UserAgent_CanChangePassword")]
    async fn can_change(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<AssociateRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(service.may_manage(&caller, UserRef::Id(body.0.associate_id)).await?))
    }

    /// Get the ways to change a password
    ///
    /// Returns the ways in which the caller can change the password of this user: by giving the present password, or
    /// none.
    #[oai(
        path = "/GetSupportedChangePasswordTypes",
        method = "post",
        operation_id = "v1UserAgent_GetSupportedChangePasswordTypes"
    )]
    async fn supported_changes(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<AssociateRequest>,
    ) -> Result<Formatted<Vec<ChangePasswordType>>, ErrorResponse<CommonErrors>> {
        let may_manage = service.may_manage(&caller, UserRef::Id(body.0.associate_id)).await?;
        Ok(format.answer(may_manage.then_some(ChangePasswordType::Password).into_iter().collect()))
    }
}

/// Changes a password. False, without a change, if the old password is wrong.
async fn change_password(
    service: &UserService,
    authenticator: &Authenticator,
    remote: &RemoteAddr,
    caller: &Caller,
    user: UserRef,
    old: String,
    new: &str,
) -> Result<bool, Error> {
    let (found, present) = service.find_password(caller, &user).await?;
    let old = SecretString::from(old);
    let is_correct = authenticator.is_password(caller, &found.user, &old, present.as_ref(), remote.into()).await?;
    match present.filter(|_| is_correct) {
        Some(verified) => service.change_password(caller, user, new, verified).await,
        None => Ok(false),
    }
}

/// Only passwords are credentials here.
pub fn check_type(credential_type: &str) -> Result<(), Error> {
    match credential_type {
        credential::PASSWORD => Ok(()),
        _ => Err(Error::Validation(format!("Credential: Type must be {}", credential::PASSWORD))),
    }
}
