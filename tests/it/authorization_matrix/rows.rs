//! The table of the matrix: every route that needs credentials, and who may use it.

/// Who may use an operation. "Self" is a caller who is also the target user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Every caller.
    Callers,
    /// Every caller except anonymous users, who may not even manage themselves.
    Named,
    /// Self; for others, callers with the right to read users.
    Readers,
    /// Readers with a role that the definition allows; `hello` allows three roles.
    Runners,
    /// Every caller; the response leaves out users that the caller may not read.
    Filtered,
    /// Callers with the right to read users, even for themselves: the response reveals which names are taken.
    Seers,
    /// Self unless anonymous; for others, callers with the right to manage users, if the target does not outrank them.
    Managers,
    /// Managers, of existing users only.
    ManagersOfExisting,
    /// Callers with the right to manage users, even for themselves.
    ManagersOfOthers,
    /// The same, except for the last administrator.
    Removers,
    /// Callers with the right to manage users; the target is a new user.
    Makers,
    /// Makers who give the new user the person of a user they may manage.
    Sharers,
    /// Every caller; the response says whether the caller is one of the Managers.
    Told,
    /// Managers of the ticket's owner; 404 for other callers.
    OwnTicket,
    /// The caller of the execution, and administrators; 404 for others.
    OwnExecution,
    Administrators,
    /// No caller: upstream has the operation, and this server does not.
    NotImplemented,
}

use Who::*;

/// A route, who may use it, the path (or a suffix of the route's path), and the body. `$ID`, `$NAME` and the like are
/// replaced with values of the target user.
pub type Row = (&'static str, Who, &'static str, &'static str);

pub const ROWS: &[Row] = &[
    ("GET /api/v1/User", Filtered, "?$select=assocName&$filter=associateDbId eq $ID", ""),
    ("POST /api/v1/User", Makers, "", r#"{"Name":"new"}"#),
    ("POST /api/v1/User", Sharers, "", r#"{"Name":"new","Person":{"PersonId":$PERSON}}"#),
    ("POST /api/v1/User", Managers, "", r#"{"AssociateId":$ID,"Tooltip":"x"}"#),
    ("GET /api/v1/User/:param0", Readers, "", ""),
    ("GET /api/v1/User/:param0", Readers, "/api/v1/User/$NAME", ""),
    ("PUT /api/v1/User/:param0", Managers, "", r#"{"Tooltip":"x"}"#),
    ("PUT /api/v1/User/:param0", Managers, "/api/v1/User/$NAME", r#"{"Tooltip":"x"}"#),
    ("PUT /api/v1/User/:param0", ManagersOfOthers, "", r#"{"Name":"other"}"#),
    ("PUT /api/v1/User/:param0", Sharers, "/api/v1/User/5", r#"{"Person":{"PersonId":$PERSON}}"#),
    ("PATCH /api/v1/User/:param0", Managers, "", r#"{"Tooltip":"x"}"#),
    ("PATCH /api/v1/User/:param0", Sharers, "/api/v1/User/5", r#"{"Person":{"PersonId":$PERSON}}"#),
    ("DELETE /api/v1/User/:param0", Removers, "", ""),
    ("DELETE /api/v1/User/:param0", Removers, "/api/v1/User/$NAME", ""),
    ("GET /api/v1/User/:param0/CustomCommand", Readers, "", ""),
    ("POST /api/v1/User/:param0/CustomCommand/:param1", Runners, "/api/v1/User/$ID/CustomCommand/hello", ""),
    ("GET /api/v1/User/:param0/ForeignKey", Readers, "", ""),
    ("GET /api/v1/User/:param0/UserPresenceStatus", Readers, "", ""),
    ("PUT /api/v1/User/:param0/UserPresenceStatus", Managers, "", r#"{"Status":"StatusNormal"}"#),
    ("GET /api/v1/User/CustomField", Callers, "", ""),
    ("GET /api/v1/User/CustomField/:param0", Callers, "", ""),
    ("GET /api/v1/User/$metadata", Callers, "", ""),
    ("GET /api/v1/User/CredentialTypes", Callers, "", ""),
    ("GET /api/v1/User/Default", Callers, "", ""),
    ("GET /api/v1/User/Default", Seers, "?personId=1", ""),
    ("POST /api/v1/User/Validate", Seers, "", r#"{"AssociateId":$ID}"#),
    ("GET /api/v1/User/current", Callers, "", ""),
    ("GET /api/v1/User/currentAssociate", Callers, "", ""),
    ("GET /api/v1/User/currentPrincipal", Callers, "", ""),
    ("GET /api/v1/User/currentToken", Callers, "", ""),
    ("GET /api/v1/TimeZone", Callers, "", ""),
    ("DELETE /_ext/session", Callers, "", ""),
    ("GET /_ext/tickets", Named, "", ""),
    ("GET /_ext/tickets", ManagersOfExisting, "?user=$ID", ""),
    ("DELETE /_ext/tickets/:param0", OwnTicket, "/_ext/tickets/$TICKET", ""),
    ("GET /_ext/commands", Callers, "", ""),
    ("GET /_ext/commands", Readers, "?user=$ID", ""),
    ("GET /_ext/commands/:param0/definition", Administrators, "/_ext/commands/hello/definition", ""),
    ("GET /_ext/executions", Callers, "", ""),
    ("GET /_ext/executions/:param0", OwnExecution, "/_ext/executions/$EXECUTION", ""),
    ("GET /_ext/audit", Callers, "", ""),
    ("GET /_ext/webhooks", Administrators, "", ""),
    ("POST /_ext/webhooks/:param0/redrive", Administrators, "", ""),
    ("POST /_ext/demo/reset", Administrators, "", ""),
];

/// The operations of the User agent, by name; all are POST.
pub const AGENT_ROWS: &[Row] = &[
    ("GetUser", Readers, "?userId=$ID", ""),
    ("GetUserFromName", Readers, "", r#"{"UserName":"$NAME"}"#),
    ("GetUserFromPersonId", Filtered, "", r#"{"PersonId":$PERSON}"#),
    ("GetUserInfo", Readers, "?userInfoId=$ID", ""),
    ("GetUserInfoList", Filtered, "", "[$ID]"),
    ("GetUserPresenceStatus", Readers, "", r#"{"AssociateId":$ID}"#),
    ("GetUserCommands", Readers, "", r#"{"AssociateId":$ID}"#),
    ("ExecuteUserCommand", Runners, "", r#"{"CommandName":"hello","User":{"AssociateId":$ID}}"#),
    ("SaveUser", Managers, "", r#"{"AssociateId":$ID,"Tooltip":"x"}"#),
    ("SaveUser", ManagersOfOthers, "", r#"{"AssociateId":$ID,"Name":"other"}"#),
    ("SaveUser", Makers, "", r#"{"Name":"new"}"#),
    ("SaveUser", Sharers, "", r#"{"Name":"new","Person":{"PersonId":$PERSON}}"#),
    ("SaveUserFromName", Managers, "", r#"{"UserName":"$NAME","User":{"Tooltip":"x"}}"#),
    ("ChangeUserType", Removers, "", r#"{"User":{"AssociateId":$ID},"UserType":"InternalAssociate"}"#),
    ("DeleteUser", Removers, "?userId=$ID", ""),
    ("DeleteUserFromName", Removers, "", r#"{"UserName":"$NAME"}"#),
    ("MakeRetired", Removers, "", r#"{"AssociateId":$ID,"Retired":true}"#),
    ("SetUserPresenceStatus", Managers, "", r#"{"AssociateId":$ID,"UserPresenceStatus":{"Status":"StatusNone"}}"#),
    ("CreateDefaultUser", Callers, "", ""),
    ("CreateDefaultUserFromUserType", Callers, "", r#"{"UserType":"InternalAssociate"}"#),
    ("CreateDefaultUserFromUserTypeAndPersonId", Callers, "", r#"{"UserType":"InternalAssociate"}"#),
    ("CreateDefaultUserFromUserTypeAndPersonId", Seers, "", r#"{"UserType":"InternalAssociate","PersonId":1}"#),
    ("ValidateUser", Seers, "", r#"{"User":{"AssociateId":$ID}}"#),
    ("IsUserNameValid", Seers, "", r#"{"UserName":"$NAME"}"#),
    ("IsUserNameValidWithReason", Seers, "", r#"{"UserName":"$NAME"}"#),
    ("GetValidUserName", Seers, "", r#"{"UserName":"$NAME"}"#),
    ("GetValidUserNameForNewUser", Seers, "", r#"{"User":{"Name":"$NAME"}}"#),
    ("GetDefaultAssociateUserName", Seers, "", r#"{"User":{"Person":{"Firstname":"A","Lastname":"B"}}}"#),
    ("IsNickNameUnique", Seers, "", r#"{"NickName":"$NAME"}"#),
    ("SetPassword", ManagersOfOthers, "", r#"{"AssociateId":$ID,"Password":"a long password"}"#),
    ("SetPasswordFromName", ManagersOfOthers, "", r#"{"AssociateName":"$NAME","Password":"a long password"}"#),
    ("SetGeneratedPassword", ManagersOfOthers, "", r#"{"AssociateId":$ID}"#),
    ("SetGeneratedPasswordFromName", ManagersOfOthers, "", r#"{"AssociateName":"$NAME"}"#),
    (
        "SaveCredential",
        ManagersOfOthers,
        "",
        r#"{"UserId":$ID,"Credential":{"Type":{"Type":"CRM5/PASSWORD"},"Value":"a long password"}}"#,
    ),
    // The servers of the matrix have an identity provider, so users may be left without a password.
    ("DeleteCredential", ManagersOfOthers, "", r#"{"UserId":$ID,"CredentialType":"CRM5/PASSWORD"}"#),
    ("ChangeOwnPassword", Named, "", r#"{"OldPassword":"wrong","NewPassword":"a long password"}"#),
    ("ChangePassword", Managers, "", r#"{"AssociateId":$ID,"OldPassword":"wrong","NewPassword":"a long password"}"#),
    (
        "ChangePasswordFromName",
        Managers,
        "",
        r#"{"AssociateName":"$NAME","OldPassword":"wrong","NewPassword":"a long password"}"#,
    ),
    ("CanChangePassword", Told, "", r#"{"AssociateId":$ID}"#),
    ("GetSupportedChangePasswordTypes", Told, "", r#"{"AssociateId":$ID}"#),
    ("IsPasswordValid", Callers, "", r#"{"Password":"a long password"}"#),
    ("IsPasswordValidWithReason", Callers, "", r#"{"Password":"a long password"}"#),
    ("GetCredentialTypes", Callers, "", ""),
    ("GetCredentialTypesForUserType", Callers, "", r#"{"UserType":"InternalAssociate"}"#),
    ("GetUserGroup", Callers, "?userGroupId=1", ""),
    ("GetUserGroupList", Callers, "", "[1]"),
    ("GetAllUserGroups", Callers, "", "{}"),
    ("CreateUserGroup", Callers, "", ""),
    ("SaveUserGroup", Administrators, "", r#"{"UserGroup":{"Value":"new"}}"#),
    ("DeleteUserGroup", Administrators, "", r#"{"UserGroupToDelete":2,"UserGroupToMoveTo":1}"#),
    ("GetRole", Callers, "?roleId=1", ""),
    ("GetRoleEntity", Callers, "?roleEntityId=1", ""),
    ("GetAllRoles", Callers, "", "{}"),
    ("CreateDefaultRoleEntity", Callers, "", ""),
    ("CreateDefaultRoleEntityFromType", Callers, "", "{}"),
    ("SaveRoleEntity", Administrators, "", r#"{"Name":"new"}"#),
    ("DeleteRole", Administrators, "", r#"{"RoleIdToDelete":4,"ReplacingRoleId":2}"#),
    ("GetAllFunctionalRights", Callers, "", "{}"),
    ("GetFunctionalRights", Callers, "", r#"{"RoleId":1}"#),
    ("SetFunctionalRights", Administrators, "", r#"{"RoleId":4,"FunctionalRightIds":[1]}"#),
    ("FindRolesWithFunctionalRight", Callers, "", r#"{"FunctionalRightName":"read-users"}"#),
    ("FindRolesWithFunctionalRights", Callers, "", r#"{"FunctionalRightNames":["read-users"]}"#),
    ("FindRolesWithoutFunctionalRights", Callers, "", r#"{"FunctionalRightNames":["read-users"]}"#),
];
