//! Operations of upstream's agent that this server does not implement. They are answered with 501.

use poem_openapi::{OpenApi, param::Path};

use crate::{
    api::{
        openapi::error_responses::{CommonErrors, ErrorResponse},
        openapi::tags::Tag,
    },
    auth::AgentCaller,
    error::Error,
};

/// The names of these operations, in upstream's order. The last one is only in upstream's client. A test compares this
/// list with docs/compatibility.md.
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
    async fn refuse(&self, _caller: AgentCaller, operation: Path<String>) -> Result<(), ErrorResponse<CommonErrors>> {
        let known = UNIMPLEMENTED.into_iter().find(|name| name.eq_ignore_ascii_case(&operation.0));
        Err(known.map_or(Error::NoRoute, Error::NotImplemented).into())
    }
}
