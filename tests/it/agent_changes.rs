//! Operations of the User agent that change users, passwords, groups and roles.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    agents::call,
    harness::{ABSENT, ANNA, BJORN, CHRIS, PASSWORD, Server},
};

/// The body of a successful operation, called by the administrator.
async fn answer(server: &Server, operation: &str, body: Value) -> Value {
    let got = call(server, "admin", operation, body).await;
    assert!(got.status.is_success(), "{operation}: {}", got.text);
    got.body
}

/// The message of an operation that is refused with 400 when the administrator calls it.
async fn refusal(server: &Server, operation: &str, body: Value) -> String {
    call(server, "admin", operation, body).await.error(StatusCode::BAD_REQUEST).1.to_owned()
}

async fn logs_in(server: &Server, name: &str, password: &str) -> bool {
    server.get("/api/v1/User/current").basic(name, password).send().await.status == StatusCode::OK
}

#[tokio::test]
async fn a_user_is_created_changed_retired_and_deleted() {
    let server = Server::demo().await;
    let mut user = answer(&server, "CreateDefaultUser", Value::Null).await;
    user["name"] = "eva".into();
    user.as_object_mut().expect("an object").shift_remove("Name");
    assert_eq!(answer(&server, "ValidateUser", json!({"user": user})).await, json!({}));
    let saved = answer(&server, "SaveUser", user).await;
    let id = saved["AssociateId"].as_i64().expect("an id");
    assert_eq!(saved["Person"]["FullName"], "eva");
    assert_eq!(answer(&server, "SetPassword", json!({"associateId": id, "password": "the first one"})).await, true);
    assert!(logs_in(&server, "eva", "the first one").await);
    let away = json!({"associateId": id, "userPresenceStatus": {"status": "StatusNotAvailable", "message": "Out"}});
    assert_eq!(answer(&server, "SetUserPresenceStatus", away).await["Message"], "Out");
    assert_eq!(
        answer(&server, "GetUserPresenceStatus", json!({"associateId": id})).await["Status"],
        "StatusNotAvailable"
    );
    let renamed = json!({"userName": "eva", "user": {"tooltip": "New here"}});
    assert_eq!(answer(&server, "SaveUserFromName", renamed).await["Tooltip"], "New here");
    let retire = |retired| call(&server, "admin", "MakeRetired", json!({"associateId": id, "retired": retired}));
    let retired = retire(true).await;
    assert_eq!((retired.status, retired.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert!(!logs_in(&server, "eva", "the first one").await);
    assert_eq!(retire(false).await.status, StatusCode::NO_CONTENT);
    assert!(logs_in(&server, "eva", "the first one").await);
    let deleted = call(&server, "admin", &format!("DeleteUser?UserId={id}"), Value::Null).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(answer(&server, &format!("GetUser?userId={id}"), Value::Null).await["Deleted"], true);
    let by_name = call(&server, "admin", "DeleteUserFromName", json!({"userName": "bjorn"})).await;
    assert_eq!(by_name.status, StatusCode::NO_CONTENT);
    assert!(server.user(BJORN).await.is_retired());
}

#[tokio::test]
async fn a_default_user_has_the_role_of_its_type_and_its_person() {
    let server = Server::demo().await;
    let external = answer(&server, "CreateDefaultUserFromUserType", json!({"userType": "ExternalAssociate"})).await;
    assert_eq!(external["Role"]["Value"], "ExternalUser");
    let body = json!({"userType": "InternalAssociate", "personId": 2});
    let of_anna = answer(&server, "CreateDefaultUserFromUserTypeAndPersonId", body).await;
    assert_eq!((&of_anna["Person"]["FullName"], &of_anna["AssociateId"]), (&"Anna Lindqvist".into(), &0.into()));
    let changed = json!({"user": {"associateId": ANNA}, "userType": "ExternalAssociate"});
    let changed = answer(&server, "ChangeUserType", changed).await;
    assert_eq!((&changed["Type"], &changed["Role"]["Value"]), (&"ExternalAssociate".into(), &"ExternalUser".into()));
    assert_eq!(server.user(ANNA).await.role.name, "ExternalUser");
}

#[tokio::test]
async fn only_administrators_change_others_through_the_agent() {
    let server = Server::demo().await;
    for (operation, body) in [
        ("SaveUser", json!({"Name": "eva"})),
        ("SaveUser", json!({"AssociateId": BJORN, "Tooltip": "x"})),
        ("SaveUserFromName", json!({"UserName": "absent", "User": {"Tooltip": "x"}})),
        ("ChangeUserType", json!({"User": {"AssociateId": ANNA}, "UserType": "SystemAssociate"})),
        ("DeleteUser?userId=3", Value::Null),
        ("DeleteUserFromName", json!({"UserName": "anna"})),
        ("MakeRetired", json!({"AssociateId": ANNA, "Retired": true})),
        ("SetUserPresenceStatus", json!({"AssociateId": BJORN, "UserPresenceStatus": {"Status": "StatusNone"}})),
        ("SetPassword", json!({"AssociateId": ANNA, "Password": "x"})),
        ("SetPasswordFromName", json!({"AssociateName": "bjorn", "Password": "x"})),
        ("SetGeneratedPassword", json!({"AssociateId": BJORN})),
        ("SetGeneratedPasswordFromName", json!({"AssociateName": "bjorn"})),
        ("ChangePassword", json!({"AssociateId": BJORN, "OldPassword": PASSWORD, "NewPassword": "x"})),
        ("ChangePasswordFromName", json!({"AssociateName": "bjorn", "OldPassword": PASSWORD, "NewPassword": "x"})),
        ("SaveCredential", json!({"UserId": BJORN, "Credential": {"Type": {"Type": "CRM5/PASSWORD"}, "Value": "x"}})),
        ("DeleteCredential", json!({"UserId": ANNA, "CredentialType": "CRM5/PASSWORD"})),
        ("SaveUserGroup", json!({"UserGroup": {"Value": "x"}})),
        ("DeleteUserGroup", json!({"UserGroupToDelete": 2, "UserGroupToMoveTo": 1})),
        ("SaveRoleEntity", json!({"Name": "x"})),
        ("DeleteRole", json!({"RoleIdToDelete": 3, "ReplacingRoleId": 2})),
        ("SetFunctionalRights", json!({"RoleId": 3, "FunctionalRightIds": [1]})),
    ] {
        let got = call(&server, "anna", operation, body).await;
        assert_eq!(got.error(StatusCode::FORBIDDEN).0, "SoIllegalOperationException", "{operation}");
    }
}

#[tokio::test]
async fn administrators_set_passwords_and_users_change_their_own() {
    let server = Server::demo().await;
    let change = |old: &str, new: &str| json!({"oldPassword": old, "newPassword": new});
    let own = |body| async { call(&server, "anna", "ChangeOwnPassword", body).await.body };
    assert_eq!(own(change("wrong", "the new one!")).await, false);
    assert_eq!(own(change(PASSWORD, "the new one!")).await, true);
    assert!(logs_in(&server, "anna", "the new one!").await && !logs_in(&server, "anna", PASSWORD).await);
    let of_anna = json!({"associateId": ANNA, "oldPassword": "the new one!", "newPassword": "the newer one"});
    assert_eq!(answer(&server, "ChangePassword", of_anna.clone()).await, true);
    assert_eq!(answer(&server, "ChangePassword", of_anna).await, false);
    let by_name = json!({"associateName": "anna", "oldPassword": "the newer one", "newPassword": PASSWORD});
    assert_eq!(answer(&server, "ChangePasswordFromName", by_name).await, true);
    let by_name = json!({"associateName": "bjorn", "password": "the set password"});
    assert_eq!(answer(&server, "SetPasswordFromName", by_name).await, true);
    assert!(logs_in(&server, "bjorn", "the set password").await);
    let generated = answer(&server, "SetGeneratedPassword", json!({"associateId": BJORN})).await;
    assert!(logs_in(&server, "bjorn", generated.as_str().expect("a password")).await);
    let generated = answer(&server, "SetGeneratedPasswordFromName", json!({"associateName": "chris"})).await;
    assert!(logs_in(&server, "chris", generated.as_str().expect("a password")).await);
    assert_eq!(
        refusal(&server, "SetPassword", json!({"AssociateId": ANNA, "Password": ""})).await,
        "Password: it has fewer than 12 characters."
    );
    let missing = call(&server, "admin", "SetPassword", json!({"AssociateId": ABSENT, "Password": PASSWORD})).await;
    missing.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn password_validation_checks_the_policy_only() {
    let server = Server::demo().await;
    for (password, can_be, reason) in [(PASSWORD, true, ""), ("elevenchars", false, "it has fewer than 12 characters")]
    {
        assert_eq!(answer(&server, "IsPasswordValid", json!({"password": password})).await, can_be);
        let told = answer(&server, "IsPasswordValidWithReason", json!({"password": password})).await;
        assert_eq!((&told["Result"], &told["Reason"]), (&can_be.into(), &reason.into()));
    }
    for (caller, id, may) in
        [("admin", ANNA, true), ("anna", ANNA, true), ("anna", BJORN, false), ("admin", ABSENT, false)]
    {
        let can = call(&server, caller, "CanChangePassword", json!({"associateId": id})).await;
        assert_eq!(can.body, may, "{caller} {id}");
        let how = call(&server, caller, "GetSupportedChangePasswordTypes", json!({"associateId": id})).await;
        assert_eq!(how.body, if may { json!(["Password"]) } else { json!([]) });
    }
}

#[tokio::test]
async fn the_only_credential_type_is_a_password() {
    let server = Server::demo().await;
    let types =
        server.post("/api/v1/Agents/User/GetCredentialTypes").by("chris").header("content-type", "application/json");
    assert_eq!(types.send().await.body[0]["Type"], "CRM5/PASSWORD");
    let of_type = |user_type: &str| answer(&server, "GetCredentialTypesForUserType", json!({"userType": user_type}));
    assert_eq!(of_type("InternalAssociate").await[0]["Type"], "CRM5/PASSWORD");
    assert_eq!(of_type("ResourceAssociate").await, json!([]));
    let save = |kind: &str| json!({"userId": ANNA, "credential": {"type": {"type": kind}, "value": "the saved one"}});
    assert_eq!(answer(&server, "SaveCredential", save("CRM5/PASSWORD")).await, true);
    assert!(logs_in(&server, "anna", "the saved one").await);
    assert_eq!(refusal(&server, "SaveCredential", save("Ticket")).await, "Credential: Type must be CRM5/PASSWORD.");
    let delete = |id| json!({"userId": id, "credentialType": "CRM5/PASSWORD"});
    assert_eq!(answer(&server, "DeleteCredential", delete(ANNA)).await, true);
    assert_eq!(answer(&server, "DeleteCredential", delete(ANNA)).await, false);
    assert!(!logs_in(&server, "anna", "the saved one").await);
    let last = call(&server, "admin", "DeleteCredential", delete(1)).await;
    last.error(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn user_names_are_validated_and_corrected() {
    let server = Server::demo().await;
    for (name, id, reason) in [
        ("eva", 0, ""),
        ("anna", 0, "`anna` is another user's Name or UserName"),
        ("anna", ANNA, ""),
        ("7", 0, "7 consists of digits only; in a path that would be an id"),
    ] {
        let body = json!({"associateId": id, "type": "InternalAssociate", "personId": 0, "userName": name});
        assert_eq!(answer(&server, "IsUserNameValid", body.clone()).await, reason.is_empty(), "{name}");
        let told = answer(&server, "IsUserNameValidWithReason", body).await;
        assert_eq!((&told["Result"], &told["Reason"]), (&reason.is_empty().into(), &reason.into()));
    }
    for (wish, name) in [
        ("eva", "eva"),
        ("Anna", "Anna2"),
        (" e v:a ", "eva"),
        ("12", "user12"),
        ("", "user"),
        ("Default", "userDefault"),
    ] {
        assert_eq!(answer(&server, "GetValidUserName", json!({"userName": wish})).await, name);
    }
    let new =
        json!({"user": {"name": "x", "person": {"firstname": "Eva", "lastname": "Dahl", "email": "eva@example.com"}}});
    assert_eq!(answer(&server, "GetValidUserNameForNewUser", new.clone()).await, "eva@example.com");
    assert_eq!(answer(&server, "GetDefaultAssociateUserName", new).await, "evadahl");
    answer(&server, "SaveUser", json!({"AssociateId": ANNA, "NickName": "An"})).await;
    let unique = |id| answer(&server, "IsNickNameUnique", json!({"associateId": id, "nickName": "An"}));
    assert_eq!((unique(ANNA).await, unique(0).await), (true.into(), false.into()));
    let hidden = call(&server, "chris", "IsUserNameValid", json!({"userName": "anna"})).await;
    hidden.error(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn groups_are_created_changed_and_replaced_when_deleted() {
    let server = Server::demo().await;
    let mut group = answer(&server, "CreateUserGroup", Value::Null).await;
    assert_eq!((&group["Id"], &group["Value"]), (&0.into(), &"".into()));
    group["Value"] = "Support".into();
    let saved = answer(&server, "SaveUserGroup", json!({"userGroup": group})).await;
    assert_eq!(answer(&server, &format!("GetUserGroup?userGroupId={}", saved["Id"]), Value::Null).await, saved);
    assert_eq!(answer(&server, "GetUserGroup?userGroupId=99", Value::Null).await, Value::Null);
    let taken = json!({"userGroup": {"value": "Support"}});
    assert_eq!(refusal(&server, "SaveUserGroup", taken).await, "Value: `Support` is another group's.");
    let listed = answer(&server, "GetUserGroupList", json!([saved["Id"], 99])).await;
    assert_eq!(listed, json!([saved]));
    assert_eq!(answer(&server, "GetUserGroupList", Value::Null).await, json!([]));
    // Anna's main group replaces Bjørn's, which is deleted.
    let delete = json!({"userGroupToDelete": 2, "userGroupToMoveTo": 1});
    assert_eq!(call(&server, "admin", "DeleteUserGroup", delete).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.user(BJORN).await.group.id, 1);
    assert_eq!(answer(&server, "GetUser?userId=2", Value::Null).await["OtherGroups"], json!([]));
    let names =
        |groups: Value| groups.as_array().expect("a list").iter().map(|one| one["Value"].clone()).collect::<Vec<_>>();
    let used = answer(&server, "GetAllUserGroups", Value::Null).await;
    assert_eq!(names(used), ["Head office", "Support"]);
    let all = answer(&server, "GetAllUserGroups", json!({"includeDeleted": true})).await;
    assert_eq!(names(all), ["Field sales", "Head office", "Support"]);
    let back = json!({"AssociateId": BJORN, "UserGroup": {"Id": 2}});
    assert_eq!(refusal(&server, "SaveUser", back).await, "UserGroup: the group 2 is deleted.");
}

#[tokio::test]
async fn roles_are_created_given_rights_and_replaced_when_deleted() {
    let server = Server::demo().await;
    let mut role = answer(&server, "CreateDefaultRoleEntityFromType", json!({"type": "ExternalUser"})).await;
    role["Name"] = "Partner".into();
    let saved = answer(&server, "SaveRoleEntity", role).await;
    let id = saved["RoleId"].as_i64().expect("an id");
    assert_eq!(answer(&server, &format!("GetRole?roleId={id}"), Value::Null).await["Value"], "Partner");
    assert_eq!(answer(&server, &format!("GetRoleEntity?roleEntityId={id}"), Value::Null).await, saved);
    assert_eq!(answer(&server, "GetRole?roleId=99", Value::Null).await, Value::Null);
    let rights = answer(&server, "GetAllFunctionalRights", json!({"roleType": "Employee"})).await;
    assert_eq!((&rights[0]["Id"], &rights[0]["Name"]), (&1.into(), &"read-users".into()));
    let of_role = || answer(&server, "GetFunctionalRights", json!({"roleId": id}));
    assert_eq!(of_role().await, json!([]));
    call(&server, "admin", "SetFunctionalRights", json!({"roleId": id, "functionalRightIds": [1]})).await;
    assert_eq!((&of_role().await[0]["Name"], &of_role().await[0]["Selected"]), (&"read-users".into(), &true.into()));
    answer(&server, "SaveUser", json!({"AssociateId": CHRIS, "Role": {"Id": id}})).await;
    assert_eq!(call(&server, "chris", "GetUser?userId=2", Value::Null).await.status, StatusCode::OK);
    let with = answer(&server, "FindRolesWithFunctionalRights", json!({"functionalRightNames": ["read-users"]})).await;
    assert!(with.as_array().is_some_and(|ids| ids.contains(&id.into())));
    let with = answer(&server, "FindRolesWithFunctionalRight", json!({"functionalRightName": "READ-USERS"})).await;
    assert_eq!(with[0]["Name"], "Administrator");
    let without =
        answer(&server, "FindRolesWithoutFunctionalRights", json!({"functionalRightNames": ["read-users"]})).await;
    assert!(without.as_array().is_some_and(|ids| ids.contains(&3.into()) && !ids.contains(&id.into())));
    let external = answer(&server, "GetAllRoles", json!({"roleType": "ExternalUser"})).await;
    assert_eq!(external.as_array().map(Vec::len), Some(2));
    let delete = json!({"roleIdToDelete": id, "replacingRoleId": 3});
    assert_eq!(call(&server, "admin", "DeleteRole", delete).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.user(CHRIS).await.role.id, 3);
    for (operation, body) in [
        ("DeleteRole", json!({"roleIdToDelete": 1, "replacingRoleId": 2})),
        ("SetFunctionalRights", json!({"roleId": 1, "functionalRightIds": []})),
        ("SaveRoleEntity", json!({"roleId": 1, "name": "Boss"})),
    ] {
        assert_eq!(refusal(&server, operation, body).await, "RoleId: the role Administrator cannot be changed.");
    }
    assert_eq!(
        refusal(&server, "SaveRoleEntity", json!({"name": "x", "rank": 31})).await,
        "Rank: it would outrank your own role."
    );
}

#[tokio::test]
async fn what_is_omitted_of_a_role_or_group_stays() {
    let server = Server::demo().await;
    let group = json!({"Value": "Sales", "Tooltip": "Sells", "Rank": 7, "Deleted": true});
    let id = answer(&server, "SaveUserGroup", json!({"UserGroup": group})).await["Id"].clone();
    let saved = answer(&server, "SaveUserGroup", json!({"UserGroup": {"Id": id, "Value": "Selling"}})).await;
    let shown = ["Value", "Tooltip", "Rank", "Deleted"].map(|name| saved[name].clone());
    assert_eq!(Value::from_iter(shown), json!(["Selling", "Sells", 7, true]));
    let rights = answer(&server, "GetRoleEntity?roleEntityId=1", Value::Null).await["DataRights"].clone();
    assert_eq!(
        refusal(&server, "SaveRoleEntity", json!({"Name": "Copy", "DataRights": rights})).await,
        "DataRights: SetDataRight changes them, not saving the role."
    );
    let blank = answer(&server, "CreateDefaultRoleEntity", Value::Null).await;
    let mut copy = blank;
    copy["Name"] = "Copy".into();
    let id = answer(&server, "SaveRoleEntity", copy).await["RoleId"].clone();
    // Two clients that change different properties do not undo each other.
    let save = |change: Value| call(&server, "admin", "SaveRoleEntity", change);
    for round in 0..5 {
        let (one, two) = (json!({"RoleId": id, "Rank": round}), json!({"RoleId": id, "Tooltip": format!("{round}")}));
        let (one, two) = tokio::join!(save(one), save(two));
        assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
        let role = answer(&server, &format!("GetRoleEntity?roleEntityId={id}"), Value::Null).await;
        assert_eq!((&role["Rank"], &role["Tooltip"]), (&round.into(), &format!("{round}").into()));
    }
}

#[tokio::test]
async fn user_infos_are_limited_to_users_the_caller_may_read() {
    let server = Server::demo().await;
    let anna = answer(&server, "GetUserInfo?userInfoId=2", Value::Null).await;
    assert_eq!((&anna["UserInfoId"], &anna["UserName"], &anna["CanLogon"]), (&2.into(), &"anna".into(), &true.into()));
    assert_eq!(answer(&server, "GetUserInfo?userInfoId=4711", Value::Null).await, Value::Null);
    let ids = json!([5, 2, 2, 4711]);
    let listed = answer(&server, "GetUserInfoList", ids.clone()).await;
    assert_eq!((&listed[0], &listed[1]["CanLogon"]), (&anna, &false.into()));
    assert_eq!(call(&server, "chris", "GetUserInfoList", ids).await.body, json!([]));
}
