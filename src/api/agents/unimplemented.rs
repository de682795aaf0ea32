//! Operations of upstream's agent that this server does not have: they say so.

use poem_openapi::{OpenApi, param::Path};

use super::super::{
    Tag,
    parameters::OperationName,
    refusals::{ErrorResponse, NoOwn},
};
use crate::{auth::UserAgent, error::Error};

/// Their names, in upstream's order; the last one is known from the client only. The README has the same list, and a test
/// holds the two together.
pub const UNIMPLEMENTED: [&str; 38] = [
    "CreateDefaultUserFromUserTypeAndCredential",
    "RemoveLicenses",
    "AddOwnerContact",
    "RemoveOwnerContact",
    "ResolveUserFromInfo",
    "GetAccessToken",
    "GetAccessGatewayInfo",
    "GetOrRegisterAccessGatewayInfo",
    "RegisterWithAccessGateway",
    "CheckAccessGatewayRegistration",
    "FindCredentialsGroups",
    "FindCredentialUsers",
    "GetCredentialUsersInGroup",
    "GetAllDataRights",
    "SetDataRight",
    "GetDataRight",
    "GetDataRights",
    "CreateDefaultServiceAuth",
    "SaveServiceAuth",
    "DeleteServiceAuth",
    "GetServiceAuth",
    "SaveExternalTokens",
    "DecryptAndSaveExternalTokens",
    "GetExternalTokens",
    "CreateDefaultUntrustedCredentials",
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
    "SendChangePasswordEMail",
    "GetUserFromEjUserId",
    "ExchangeCodeAndSaveTokens",
];

#[derive(Default)]
pub struct Unimplemented;

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Unimplemented {
    /// Refuse an operation that is not implemented
    #[oai(path = "/:operation", method = "post", operation_id = "v1UserAgent_Unimplemented", hidden)]
    async fn refuse(&self, _caller: UserAgent, operation: Path<OperationName>) -> Result<(), ErrorResponse<NoOwn>> {
        let known = UNIMPLEMENTED.into_iter().find(|name| name.eq_ignore_ascii_case(&operation.0.0));
        Err(known.map_or(Error::NoRoute, Error::NotImplemented).into())
    }
}
