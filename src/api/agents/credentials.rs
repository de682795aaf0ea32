//! Passwords: setting, changing and checking them, and the credentials that they are.

use poem::web::RemoteAddr;
use poem_openapi::{Enum, Object, OpenApi};
use secrecy::SecretString;

use super::{
    super::{
        Tag,
        body::{Body, Partial},
        carriers::{Credential, CredentialType, UserType, UserValidationResult},
        reader::{Answer, Reader},
        refusals::{ErrorResponse, NoOwn},
        request::NoBody,
        user_change::ChangeUser,
    },
    requests::{AssociateNameRequest, AssociateRequest, UserTypeRequest},
};
use crate::{
    auth::{Authenticator, UserAgent},
    error::Error,
    users::{Caller, UserRef, UserService, credential},
};

#[derive(Default)]
pub struct Credentials;

/// A user, by id, and a password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetPasswordRequest {
    /// The user's id.
    associate_id: i32,
    /// The new password.
    password: String,
}

/// A user, by name, and a password.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetPasswordFromNameRequest {
    /// The user's Name or UserName.
    associate_name: String,
    /// The new password.
    password: String,
}

/// The present password and the next one.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangeOwnPasswordRequest {
    /// The present password.
    old_password: String,
    /// The new one.
    new_password: String,
}

/// A user, by id, the present password and the next one.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangePasswordRequest {
    /// The user's id.
    associate_id: i32,
    /// The present password.
    old_password: String,
    /// The new one.
    new_password: String,
}

/// A user, by name, the present password and the next one.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ChangePasswordFromNameRequest {
    /// The user's Name or UserName.
    associate_name: String,
    /// The present password.
    old_password: String,
    /// The new one.
    new_password: String,
}

/// A password that a user might have.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct IsPasswordValidRequest {
    /// Accepted; makes no difference.
    associate_id: Option<i32>,
    /// Accepted; makes no difference.
    r#type: Option<UserType>,
    /// Accepted; makes no difference.
    person_id: Option<i32>,
    /// The password.
    password: String,
}

/// A user, and a credential.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveCredentialRequest {
    /// The user's id.
    user_id: i32,
    /// The credential: its Type is `CRM5/PASSWORD`, its Value the password.
    credential: Partial<Credential>,
}

/// A user, and a type of credentials.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteCredentialRequest {
    /// The user's id.
    user_id: i32,
    /// The type: `CRM5/PASSWORD`.
    credential_type: String,
}

/// How a password can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChangePasswordType {
    /// By a letter to the user.
    Email,
    /// By whoever knows the present one.
    Password,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Credentials {
    /// Get the credential types
    ///
    /// Gets the kinds of credentials that users can have.
    #[oai(path = "/GetCredentialTypes", method = "post", operation_id = "v1UserAgent_GetCredentialTypes")]
    async fn types(
        &self,
        _caller: UserAgent,
        reader: Reader,
        _body: NoBody,
    ) -> Result<Answer<Vec<CredentialType>>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(vec![CredentialType::password()]))
    }

    /// Get the credential types of a type of users
    ///
    /// Gets the kinds of credentials that users of this type can have.
    #[oai(
        path = "/GetCredentialTypesForUserType",
        method = "post",
        operation_id = "v1UserAgent_GetCredentialTypesForUserType"
    )]
    async fn types_for_user_type(
        &self,
        _caller: UserAgent,
        reader: Reader,
        body: Body<UserTypeRequest>,
    ) -> Result<Answer<Vec<CredentialType>>, ErrorResponse<NoOwn>> {
        let can_log_in = ![UserType::Unknown, UserType::ResourceAssociate].contains(&body.0.user_type);
        Ok(reader.answer(can_log_in.then(CredentialType::password).into_iter().collect()))
    }

    /// Save a credential
    ///
    /// Gives a user this password in place of any other.
    #[oai(path = "/SaveCredential", method = "post", operation_id = "v1UserAgent_SaveCredential")]
    async fn save(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<SaveCredentialRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        let Body(SaveCredentialRequest { user_id, credential }) = body;
        check_type(credential.text("/Type/Type").unwrap_or_default())?;
        let password = credential.text("/Value").unwrap_or_default();
        service.set_password(&caller, UserRef::Id(user_id), password).await?;
        Ok(reader.answer(true))
    }

    /// Delete a credential
    ///
    /// Takes a user's password, and the tickets that were issued. False when there was none.
    #[oai(path = "/DeleteCredential", method = "post", operation_id = "v1UserAgent_DeleteCredential")]
    async fn delete(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<DeleteCredentialRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        let Body(DeleteCredentialRequest { user_id, credential_type }) = body;
        check_type(&credential_type)?;
        Ok(reader.answer(service.delete_password(&caller, UserRef::Id(user_id)).await?))
    }

    /// Set a password
    ///
    /// Gives a user this password. Tickets that were issued before are revoked.
    #[oai(path = "/SetPassword", method = "post", operation_id = "v1UserAgent_SetPassword")]
    async fn set_password(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<SetPasswordRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        service.set_password(&caller, UserRef::Id(body.0.associate_id), &body.0.password).await?;
        Ok(reader.answer(true))
    }

    /// Set a password by name
    ///
    /// Gives the user whose Name or UserName this is this password.
    #[oai(path = "/SetPasswordFromName", method = "post", operation_id = "v1UserAgent_SetPasswordFromName")]
    async fn set_password_from_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<SetPasswordFromNameRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        let Body(SetPasswordFromNameRequest { associate_name, password }) = body;
        service.set_password(&caller, UserRef::Name(associate_name), &password).await?;
        Ok(reader.answer(true))
    }

    /// Set a generated password
    ///
    /// Gives a user a random password, and shows it this once.
    #[oai(path = "/SetGeneratedPassword", method = "post", operation_id = "v1UserAgent_SetGeneratedPassword")]
    async fn set_generated(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<AssociateRequest>,
    ) -> Result<Answer<String>, ErrorResponse<ChangeUser>> {
        Ok(reader.answer(service.set_generated_password(&caller, UserRef::Id(body.0.associate_id)).await?))
    }

    /// Set a generated password by name
    ///
    /// Gives the user whose Name or UserName this is a random password, and shows it this once.
    #[oai(
        path = "/SetGeneratedPasswordFromName",
        method = "post",
        operation_id = "v1UserAgent_SetGeneratedPasswordFromName"
    )]
    async fn set_generated_from_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<AssociateNameRequest>,
    ) -> Result<Answer<String>, ErrorResponse<ChangeUser>> {
        Ok(reader.answer(service.set_generated_password(&caller, UserRef::Name(body.0.associate_name)).await?))
    }

    /// Change the own password
    ///
    /// Gives the caller a new password. False, and no change, when the present one is wrong.
    #[oai(path = "/ChangeOwnPassword", method = "post", operation_id = "v1UserAgent_ChangeOwnPassword")]
    async fn change_own(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        body: Body<ChangeOwnPasswordRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        let Body(ChangeOwnPasswordRequest { old_password, new_password }) = body;
        let user = UserRef::Id(caller.user_id);
        let change = change_password(service, authenticator, remote, &caller, user, old_password, &new_password);
        Ok(reader.answer(change.await?))
    }

    /// Change a password
    ///
    /// Gives a user a new password. False, and no change, when the present one is wrong.
    #[oai(path = "/ChangePassword", method = "post", operation_id = "v1UserAgent_ChangePassword")]
    async fn change(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        body: Body<ChangePasswordRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        let Body(ChangePasswordRequest { associate_id, old_password, new_password }) = body;
        let user = UserRef::Id(associate_id);
        let change = change_password(service, authenticator, remote, &caller, user, old_password, &new_password);
        Ok(reader.answer(change.await?))
    }

    /// Change a password by name
    ///
    /// Gives the user whose Name or UserName this is a new password. False, and no change, when the present one is wrong.
    #[oai(path = "/ChangePasswordFromName", method = "post", operation_id = "v1UserAgent_ChangePasswordFromName")]
    async fn change_from_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        body: Body<ChangePasswordFromNameRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<ChangeUser>> {
        let Body(ChangePasswordFromNameRequest { associate_name, old_password, new_password }) = body;
        let user = UserRef::Name(associate_name);
        let change = change_password(service, authenticator, remote, &caller, user, old_password, &new_password);
        Ok(reader.answer(change.await?))
    }

    /// Check a password
    ///
    /// Tells whether this can be a password. It is not compared with anybody's.
    #[oai(path = "/IsPasswordValid", method = "post", operation_id = "v1UserAgent_IsPasswordValid")]
    async fn is_valid(
        &self,
        _caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<IsPasswordValidRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(service.passwords.policy().accept(&body.0.password).is_ok()))
    }

    /// Check a password, and say why not
    ///
    /// Tells whether this can be a password, and if not, why.
    #[oai(path = "/IsPasswordValidWithReason", method = "post", operation_id = "v1UserAgent_IsPasswordValidWithReason")]
    async fn is_valid_with_reason(
        &self,
        _caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<IsPasswordValidRequest>,
    ) -> Result<Answer<UserValidationResult>, ErrorResponse<NoOwn>> {
        let fault = service.passwords.policy().accept(&body.0.password).err();
        Ok(reader.answer(fault.map(|fault| fault.to_string()).into()))
    }

    /// Check whether a password can be changed
    ///
    /// Tells whether the caller can change the password of this user: one's own, or as an administrator.
    #[oai(path = "/CanChangePassword", method = "post", operation_id = "v1UserAgent_CanChangePassword")]
    async fn can_change(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<AssociateRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(service.may_manage(&caller, UserRef::Id(body.0.associate_id)).await?))
    }

    /// Get how a password can be changed
    ///
    /// Gets how the password of this user can be changed: by whoever knows the present one, or not at all.
    #[oai(
        path = "/GetSupportedChangePasswordTypes",
        method = "post",
        operation_id = "v1UserAgent_GetSupportedChangePasswordTypes"
    )]
    async fn supported_changes(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<AssociateRequest>,
    ) -> Result<Answer<Vec<ChangePasswordType>>, ErrorResponse<NoOwn>> {
        let may = service.may_manage(&caller, UserRef::Id(body.0.associate_id)).await?;
        Ok(reader.answer(may.then_some(ChangePasswordType::Password).into_iter().collect()))
    }
}

/// Gives a user a new password, for a caller who knows the old one. False, and no change, when that is wrong.
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
    let is_right = authenticator.is_password(caller, &found.user, &old, present.as_ref(), remote.into()).await?;
    match present.filter(|_| is_right) {
        Some(proved) => service.change_password(caller, user, new, proved).await,
        None => Ok(false),
    }
}

fn check_type(credential_type: &str) -> Result<(), Error> {
    match credential_type {
        credential::PASSWORD => Ok(()),
        _ => Err(Error::Validation(format!("Credential: its Type is {}", credential::PASSWORD))),
    }
}
