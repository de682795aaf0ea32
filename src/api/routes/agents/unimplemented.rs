//! Operations and agents of upstream that this server does not implement. They are answered with 501.

use poem_openapi::{OpenApi, param::Path};

use crate::{
    api::{
        openapi::error_responses::{CommonErrors, ErrorResponse},
        openapi::tags::Tag,
        routes::upstream_resources,
    },
    auth::{Authenticated, Authenticator},
    error::Error,
};

/// The operations that are missing in agents of this server: the name of the agent, and those of its operations, in
/// upstream's order. The last one of `User` is only in upstream's client. A test compares this list with
/// docs/compatibility.md.
pub static UNIMPLEMENTED: [(&str, &[&str]); 4] = [
    (
        "User",
        &[
            "RemoveLicenses",
            "AddOwnerContact",
            "RemoveOwnerContact",
            "GetAccessGatewayInfo",
            "GetOrRegisterAccessGatewayInfo",
            "RegisterWithAccessGateway",
            "CheckAccessGatewayRegistration",
            "DecryptAndSaveExternalTokens",
            "SendChangePasswordEMail",
            "ExchangeCodeAndSaveTokens",
        ],
    ),
    ("MDO", &["GetListIdByListName", "SetSelected"]),
    ("Associate", &["LogOffWindowsUsers"]),
    (
        "Archive",
        &[
            "GetActivityFilter",
            "SetActivityFilter",
            "GetGroupAssociateIds",
            "GetArchiveConfiguration",
            "GetArchiveConfigurationWithContext",
            "SetColumnWidths",
            "SetChosenEntities",
            "SetChosenColumns",
            "GetArchiveConfigurationV2",
            "SetColumnWidthsV2",
            "SetChosenEntitiesV2",
            "SetChosenColumnsV2",
            "GetArchiveListByColumnsWithContext",
            "GetArchiveList",
            "GetArchiveListWithContext",
            "GetArchiveListByColumnsWithHeader",
            "GetArchiveListByColumnsWithHeaderWithContext",
            "GetArchiveListByColumnsWithContext2",
            "GetArchiveList2",
            "GetArchiveListWithContext2",
            "GetArchiveListByColumnsWithHeader2",
            "GetArchiveListByColumnsWithHeaderWithContext2",
            "ExportArchive",
            "CreateDefaultArchiveListResult",
            "GetRelatedData",
            "GetRelatedData2",
        ],
    ),
];

/// Whether a path is one of upstream's that are answered with 501.
pub fn is_not_served(path: &str) -> bool {
    let mut segments = path.rsplit('/');
    let (operation, agent) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    matches!(error(agent, operation), Error::NotImplemented(_)) || upstream_resources::of_path(path).is_some()
}

/// The error for an operation that no agent of this server has: 501 for one of upstream's, otherwise 404.
pub fn error(agent: &str, operation: &str) -> Error {
    if let Some(resource) = upstream_resources::agent(agent) {
        return Error::ResourceNotServed(resource);
    }
    let served = UNIMPLEMENTED.iter().find(|(name, _)| name.eq_ignore_ascii_case(agent));
    let known = served.and_then(|(_, names)| names.iter().find(|name| name.eq_ignore_ascii_case(operation)));
    known.map_or(Error::NoRoute, |name| Error::NotImplemented(name))
}

#[derive(Default)]
pub struct Unimplemented;

#[OpenApi(prefix_path = "/api/v1/Agents", tag = "Tag::UserAgent", ignore_case = true)]
impl Unimplemented {
    /// Refuse an operation that is not implemented
    #[oai(path = "/:agent/:operation", method = "post", operation_id = "v1Agents_Unimplemented", hidden)]
    async fn refuse(
        &self,
        caller: Authenticated,
        authenticator: &Authenticator,
        agent: Path<String>,
        operation: Path<String>,
    ) -> Result<(), ErrorResponse<CommonErrors>> {
        authenticator.check_agent(&caller, &agent.0)?;
        Err(error(&agent.0, &operation.0).into())
    }
}
