//! The table: every route that takes a caller, and who may.

/// Whom an operation is for, by what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody who calls.
    Anybody,
    /// Everybody who is somebody: whoever is anonymous manages not even the own user.
    Named,
    /// About oneself; about others with the right to read users.
    Readers,
    /// The same, and a definition must allow the role: that of `hello` allows three.
    Runners,
    /// Everybody; but whom the caller may not read is left out of the answer.
    Filtered,
    /// Those with the right to read users, whomever it is about: they learn which names are taken.
    Seers,
    /// About oneself, unless anonymous; about others with the right to manage users, unless they outrank the caller.
    Managers,
    /// The same, of users who exist.
    ManagersOfSomebody,
    /// With the right to manage users, about oneself too.
    ManagersOfOthers,
    /// The same; but the last administrator stays.
    Removers,
    /// Those with the right to manage users: about somebody who does not exist yet.
    Makers,
    /// The same, with the person of somebody: also the right to manage that user.
    Sharers,
    /// Everybody; the answer tells whether they are among the managers.
    Told,
    /// Those of the managers; to others it does not exist.
    OwnTicket,
    /// Whoever ran it, and administrators; to others it does not exist.
    OwnExecution,
    Administrators,
    /// Nobody: upstream has it, and this server does not.
    NotImplemented,
}

use Who::*;

/// A route, who may, and what is asked: a path, or what follows the route's own, and a body. `$ID`, `$NAME` and so on are
/// filled in with what belongs to the user whom it is about.
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
    ("GET /api/v1/User/CustomField", Anybody, "", ""),
    ("GET /api/v1/User/CustomField/:param0", Anybody, "", ""),
    ("GET /api/v1/User/$metadata", Anybody, "", ""),
    ("GET /api/v1/User/CredentialTypes", Anybody, "", ""),
    ("GET /api/v1/User/Default", Anybody, "", ""),
    ("GET /api/v1/User/Default", Seers, "?personId=1", ""),
    ("POST /api/v1/User/Validate", Seers, "", r#"{"AssociateId":$ID}"#),
    ("GET /api/v1/User/current", Anybody, "", ""),
    ("GET /api/v1/User/currentAssociate", Anybody, "", ""),
    ("GET /api/v1/User/currentPrincipal", Anybody, "", ""),
    ("GET /api/v1/User/currentToken", Anybody, "", ""),
    ("GET /api/v1/TimeZone", Anybody, "", ""),
    ("DELETE /_ext/session", Anybody, "", ""),
    ("GET /_ext/tickets", Named, "", ""),
    ("GET /_ext/tickets", ManagersOfSomebody, "?user=$ID", ""),
    ("DELETE /_ext/tickets/:param0", OwnTicket, "/_ext/tickets/$TICKET", ""),
    ("GET /_ext/commands", Anybody, "", ""),
    ("GET /_ext/commands", Readers, "?user=$ID", ""),
    ("GET /_ext/executions", Anybody, "", ""),
    ("GET /_ext/executions/:param0", OwnExecution, "/_ext/executions/$EXECUTION", ""),
    ("GET /_ext/webhooks", Administrators, "", ""),
    ("POST /_ext/webhooks/:param0/redrive", Administrators, "", ""),
    ("POST /_ext/demo/reset", Administrators, "", ""),
];

/// The operations of the agent, by name; all are POST.
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
    ("CreateDefaultUser", Anybody, "", ""),
    ("CreateDefaultUserFromUserType", Anybody, "", r#"{"UserType":"InternalAssociate"}"#),
    ("CreateDefaultUserFromUserTypeAndPersonId", Anybody, "", r#"{"UserType":"InternalAssociate"}"#),
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
    // The servers of the matrix have an identity provider, which lets in those who have no password.
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
    ("IsPasswordValid", Anybody, "", r#"{"Password":"a long password"}"#),
    ("IsPasswordValidWithReason", Anybody, "", r#"{"Password":"a long password"}"#),
    ("GetCredentialTypes", Anybody, "", ""),
    ("GetCredentialTypesForUserType", Anybody, "", r#"{"UserType":"InternalAssociate"}"#),
    ("GetUserGroup", Anybody, "?userGroupId=1", ""),
    ("GetUserGroupList", Anybody, "", "[1]"),
    ("GetAllUserGroups", Anybody, "", "{}"),
    ("CreateUserGroup", Anybody, "", ""),
    ("SaveUserGroup", Administrators, "", r#"{"UserGroup":{"Value":"new"}}"#),
    ("DeleteUserGroup", Administrators, "", r#"{"UserGroupToDelete":2,"UserGroupToMoveTo":1}"#),
    ("GetRole", Anybody, "?roleId=1", ""),
    ("GetRoleEntity", Anybody, "?roleEntityId=1", ""),
    ("GetAllRoles", Anybody, "", "{}"),
    ("CreateDefaultRoleEntity", Anybody, "", ""),
    ("CreateDefaultRoleEntityFromType", Anybody, "", "{}"),
    ("SaveRoleEntity", Administrators, "", r#"{"Name":"new"}"#),
    ("DeleteRole", Administrators, "", r#"{"RoleIdToDelete":4,"ReplacingRoleId":2}"#),
    ("GetAllFunctionalRights", Anybody, "", "{}"),
    ("GetFunctionalRights", Anybody, "", r#"{"RoleId":1}"#),
    ("SetFunctionalRights", Administrators, "", r#"{"RoleId":4,"FunctionalRightIds":[1]}"#),
    ("FindRolesWithFunctionalRight", Anybody, "", r#"{"FunctionalRightName":"read-users"}"#),
    ("FindRolesWithFunctionalRights", Anybody, "", r#"{"FunctionalRightNames":["read-users"]}"#),
    ("FindRolesWithoutFunctionalRights", Anybody, "", r#"{"FunctionalRightNames":["read-users"]}"#),
];
