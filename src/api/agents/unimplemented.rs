//! Operations of upstream's agent that this server does not have: they say so.

use poem_openapi::{OpenApi, param::Path};

use super::super::{
    Tag,
    parameters::OperationName,
    refusals::{ErrorResponse, NoOwn},
};
use crate::{error::Error, users::Caller};

/// Their names, in upstream's order; the last one is known from the client only. The README has the same list, and a test holds the two together.
pub const UNIMPLEMENTED: [&str; 92] = [
    "SetPasswordFromName",
    "SetPassword",
    "ChangeOwnPassword",
    "ChangePasswordFromName",
    "IsUserNameValid",
    "IsPasswordValid",
    "SetGeneratedPassword",
    "SetGeneratedPasswordFromName",
    "IsPasswordValidWithReason",
    "IsUserNameValidWithReason",
    "ChangeUserType",
    "CreateDefaultUserFromUserTypeAndCredential",
    "GetValidUserName",
    "RemoveLicenses",
    "MakeRetired",
    "AddOwnerContact",
    "RemoveOwnerContact",
    "ResolveUserFromInfo",
    "GetAccessToken",
    "GetValidUserNameForNewUser",
    "GetDefaultAssociateUserName",
    "IsNickNameUnique",
    "ValidateUser",
    "GetUserPresenceStatus",
    "SetUserPresenceStatus",
    "GetUserGroup",
    "SaveUserGroup",
    "GetAllUserGroups",
    "CreateUserGroup",
    "DeleteUserGroup",
    "GetUserGroupList",
    "GetUserInfo",
    "GetUserInfoList",
    "GetAccessGatewayInfo",
    "GetOrRegisterAccessGatewayInfo",
    "RegisterWithAccessGateway",
    "CheckAccessGatewayRegistration",
    "SaveCredential",
    "DeleteCredential",
    "FindCredentialsGroups",
    "FindCredentialUsers",
    "GetCredentialUsersInGroup",
    "GetRole",
    "CreateDefaultRoleEntity",
    "SaveRoleEntity",
    "GetRoleEntity",
    "DeleteRole",
    "GetAllRoles",
    "GetAllFunctionalRights",
    "GetAllDataRights",
    "GetFunctionalRights",
    "SetFunctionalRights",
    "SetDataRight",
    "GetDataRight",
    "GetDataRights",
    "CreateDefaultRoleEntityFromType",
    "FindRolesWithFunctionalRight",
    "FindRolesWithFunctionalRights",
    "FindRolesWithoutFunctionalRights",
    "CreateDefaultServiceAuth",
    "SaveServiceAuth",
    "DeleteServiceAuth",
    "GetServiceAuth",
    "SaveExternalTokens",
    "DecryptAndSaveExternalTokens",
    "GetExternalTokens",
    "CreateDefaultUntrustedCredentials",
    "CreateDefaultUser",
    "SaveUser",
    "DeleteUser",
    "SaveUserFromName",
    "DeleteUserFromName",
    "GetCredentialTypes",
    "GetCredentialTypesForUserType",
    "SaveUntrustedCredentials",
    "GetUntrustedCredentials",
    "GetUntrustedCredentialsForAssociate",
    "SaveUntrustedCredentialsForAssociate",
    "RemoveUntrustedCredentials",
    "RemoveUntrustedCredentialsForAssociate",
    "CreateExternalUser",
    "DeleteExternalUser",
    "SetExternalUserInfo",
    "GenerateNewPasswordForExternalUser",
    "CanChangePassword",
    "GetSupportedChangePasswordTypes",
    "ChangePassword",
    "SendChangePasswordEMail",
    "CreateDefaultUserFromUserTypeAndPersonId",
    "CreateDefaultUserFromUserType",
    "GetUserFromEjUserId",
    "ExchangeCodeAndSaveTokens",
];

#[derive(Default)]
pub struct Unimplemented;

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Unimplemented {
    /// Refuse an operation that is not implemented
    #[oai(path = "/:operation", method = "post", operation_id = "v1UserAgent_Unimplemented", hidden)]
    async fn refuse(&self, _caller: Caller, operation: Path<OperationName>) -> Result<(), ErrorResponse<NoOwn>> {
        let known = UNIMPLEMENTED.into_iter().find(|name| name.eq_ignore_ascii_case(&operation.0.0));
        Err(known.map_or(Error::NoRoute, Error::NotImplemented).into())
    }
}
