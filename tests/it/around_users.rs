//! What integrations read around users: lists, archives, associates, roles, groups, licences, and the tenant.

use std::collections::BTreeSet;

use kommando::users::{self, UserColumn};
use poem::http::{Method, StatusCode};
use sea_orm::ActiveEnum;
use serde_json::{Value, json};

use crate::harness::{ABSENT, ANNA, Answer, BJORN, CHRIS, DORA, Server};

async fn post(server: &Server, caller: &str, path: &str, body: Value) -> Answer {
    server.post(format!("/api/v1/Agents/{path}")).by(caller).body("application/json", body.to_string()).send().await
}

async fn get(server: &Server, caller: &str, path: &str) -> Answer {
    server.get(format!("/api/v1/{}", path.replace(' ', "%20"))).by(caller).send().await
}

fn names(items: &Value) -> Vec<&str> {
    items.as_array().expect("a list").iter().map(|item| item["Name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn the_list_of_users_has_the_active_employees_below_their_groups() {
    let server = Server::demo().await;
    let list = get(&server, "anna", "MDOList/associate").await.body;
    let groups: Vec<_> = list.as_array().expect("a list").iter().map(|group| group["Type"].clone()).collect();
    assert!(groups.iter().all(|group| group == "usergroup") && !groups.is_empty(), "{list}");
    let below: Vec<_> = list.as_array().expect("a list").iter().flat_map(|group| names(&group["ChildItems"])).collect();
    // Chris is external, and Dora has left.
    assert_eq!(below.iter().collect::<BTreeSet<_>>().len(), 3, "{below:?}");
    let flat = get(&server, "anna", "mdolist/Associate?flat=True").await.body;
    assert_eq!(names(&flat), ["Ada Admin", "Anna Lindqvist", "Bjørn Haugen"]);
    assert_eq!((&flat[1]["Id"], &flat[1]["Type"]), (&ANNA.into(), &"associate".into()));
    let found = get(&server, "anna", "MDOList/associate?query=BJØ").await.body;
    assert_eq!(names(&found), ["Bjørn Haugen"]);
}

#[tokio::test]
async fn a_caller_without_read_rights_finds_only_the_own_user() {
    let server = Server::demo().await;
    let value = (UserColumn::UserType, users::UserType::InternalAssociate.to_value().into());
    users::set_columns(server.app.store.writer(), CHRIS, vec![value]).await.expect("a change");
    assert_eq!(names(&get(&server, "chris", "MDOList/associate?flat=true").await.body), ["Chris Taylor"]);
    let rows = get(&server, "chris", "Archive/AllUsers?$select=associateDbId").await.body;
    assert_eq!(rows["value"].as_array().expect("rows").len(), 1);
    let associates = post(&server, "chris", "Associate/GetAssociateList", json!([ANNA, CHRIS])).await.body;
    assert_eq!(names(&associates), ["chris"]);
    let members = json!({"GroupId": associates[0]["GroupIdx"], "Type": 2});
    assert_eq!(names(&post(&server, "chris", "Associate/GetAssociatesByGroup", members).await.body), ["chris"]);
    let body = json!({"ListName": "associate", "Id": ANNA});
    assert_eq!(post(&server, "chris", "MDO/GetListItem", body).await.body, Value::Null);
    for path in
        [format!("Associate/GetAssociate?associateId={ANNA}"), format!("Associate/GetAssociate?associateId={ABSENT}")]
    {
        post(&server, "chris", &path, Value::Null).await.error(StatusCode::FORBIDDEN);
    }
    get(&server, "chris", &format!("License/User/{ANNA}")).await.error(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn lists_take_the_additional_information_that_upstream_documents() {
    let server = Server::demo().await;
    let list = async |path: &str| get(&server, "anna", &format!("MDOList/{path}")).await.body;
    assert_eq!(list("").await, json!(["associate", "functionrights", "roles", "usergroup"]));
    assert!(names(&list("roles").await).contains(&"Employee"));
    assert_eq!(names(&list("role?additional=1").await), ["ExternalUser"]);
    assert_eq!(names(&list("functionrights").await), ["read-users", "manage-users"]);
    let employee = list("functionrights/selectable?additional=role%3D2").await;
    assert_eq!((names(&employee), &employee[0]["Selected"]), (vec!["read-users"], &true.into()));
    let groups = list("usergroup").await;
    let first = groups[0]["Id"].as_i64().expect("an id");
    let others = list(&format!("usergroup?additional=exclude_ids%3D{first}")).await;
    assert_eq!(names(&others).len() + 1, names(&groups).len());
    for (path, takes) in [
        ("roles?additional=4", "0 (employees)"),
        ("associate?additional=x", "takes none"),
        ("usergroup?additional=1", "exclude_id="),
        ("functionrights?additional=2", "role="),
    ] {
        let got = get(&server, "anna", &format!("MDOList/{path}")).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains(takes), "{path}: {}", got.text);
    }
}

#[tokio::test]
async fn what_is_not_served_is_501_with_its_name() {
    let server = Server::demo().await;
    for (path, name) in [
        ("MDOList/category", "category"),
        ("Archive/FindContact", "FindContact"),
        ("Contact/7", "`Contact`"),
        ("List/Category/Items", "`List`"),
        ("License/SuperOffice", "`License`"),
        ("Webhook", "`Webhook`"),
        ("List/UserGroup/Headings", "`List`"),
    ] {
        let got = get(&server, "anna", path).await;
        assert!(got.error(StatusCode::NOT_IMPLEMENTED).1.contains(name), "{path}: {}", got.text);
    }
    for operation in [
        "GetList",
        "GetListWithHistory",
        "GetListWithRestriction",
        "GetSimpleList",
        "GetListItem",
        "GetSelectableList",
        "GetSelectableListWithHistory",
        "GetSelectableListWithRestriction",
        "GetSelectableSimpleList",
    ] {
        let got = post(
            &server,
            "anna",
            &format!("MDO/{operation}"),
            json!({"Name": "category", "ListName": "category", "Id": 1}),
        )
        .await;
        assert!(got.error(StatusCode::NOT_IMPLEMENTED).1.contains("category"), "{operation}: {}", got.text);
    }
    for operation in
        ["GetAvailableColumns", "GetAvailableEntities", "GetArchiveListByColumns", "GetArchiveListByColumns2"]
    {
        let got = post(&server, "anna", &format!("Archive/{operation}"), json!({"ProviderName": "FindContact"})).await;
        assert!(got.error(StatusCode::NOT_IMPLEMENTED).1.contains("FindContact"), "{operation}: {}", got.text);
    }
    for path in ["Webhook/GetAllWebhooks", "Appointment/GetAppointment"] {
        let got = post(&server, "anna", path, Value::Null).await;
        assert_eq!(got.error(StatusCode::NOT_IMPLEMENTED).0, "SoNotImplementedException");
    }
    for path in ["Coffee", "User/2/Coffee", "Role/2/Coffee"] {
        get(&server, "anna", path).await.error(StatusCode::NOT_FOUND);
    }
    post(&server, "anna", "Coffee/Make", Value::Null).await.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_archive_takes_the_options_of_the_user_list() {
    let server = Server::demo().await;
    let rows = async |path: &str| get(&server, "anna", path).await.body["value"].clone();
    let list = rows("User?$select=associateDbId,fullName&$orderBy=fullName").await;
    assert_eq!(rows("archive/allusers?$select=associateDbId,fullName&$orderBy=fullName&$entities=all").await, list);
    let internal = rows("Archive/InternalUsers?$select=assocName&$filter=isActive eq true").await;
    let internal: Vec<_> = internal.as_array().expect("rows").iter().map(|row| row["assocName"].clone()).collect();
    assert_eq!(internal, ["admin", "anna", "bjorn"]);
    let table = "archive/dynamic?$select=associate.associate_id,associate.name,associate.lastlogin";
    let first = &rows(&format!("{table}&$filter=associate.registered thisYear&$top=1")).await[0];
    assert_eq!((&first["associate.associate_id"], &first["associate.name"]), (&1.into(), &"admin".into()));
    assert_eq!((&first["EntityName"], &first["PrimaryKey"]), (&"associate".into(), &"1".into()));
    let safe = rows("archive/dynamic?$select=associate.type&$filter=associate.associate_id eq 1&$jsonSafe=true").await;
    assert_eq!(safe[0]["associate_type"], 0);
    let roles = rows("Role?$select=name,roleType&$filter=roleType eq 'System'").await;
    assert_eq!((&roles[0]["name"], roles.as_array().map(Vec::len)), (&"System".into(), Some(1)));
    for (path, message) in [
        ("archive/dynamic?$select=contact.name", "there is no column `contact.name`"),
        ("archive/AllUsers?$entities=retired", "has no entities `retired`"),
        ("archive/AllUsers?$mode=Full", "$mode"),
        ("Role?$filter=tooltip eq 'x'", "cannot be filtered by tooltip"),
    ] {
        let got = get(&server, "anna", path).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains(message), "{path}: {}", got.text);
    }
}

#[tokio::test]
async fn pages_of_an_archive_have_each_row_once() {
    let server = Server::demo().await;
    for archive in ["Role", "Archive/Role", "Archive/InternalUsers", "archive/dynamic"] {
        let (mut path, mut ids) = (format!("{archive}?$top=2"), Vec::new());
        // $top is the number of all rows, so pages of a thousand are not reached here: the token is given by hand.
        let all = get(&server, "anna", archive).await.body["value"].as_array().expect("rows").len();
        while ids.len() < all {
            let page = get(&server, "anna", &path).await.body;
            let rows = page["value"].as_array().expect("rows");
            ids.extend(rows.iter().map(|row| row["PrimaryKey"].as_str().expect("an id").to_owned()));
            path = format!("{archive}?$top=2&$skiptoken={}", ids.last().expect("an id"));
        }
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), all, "{archive}: {ids:?}");
    }
}

#[tokio::test]
async fn a_caller_without_read_rights_learns_nothing_from_pages() {
    let server = Server::demo().await;
    for list in ["User", "Archive/AllUsers", "archive/dynamic"] {
        let order = if list == "archive/dynamic" { "associate.name" } else { "lastName" };
        for id in 0..6 {
            let path = format!("{list}?$orderBy={order}&$skiptoken={id}");
            let page = get(&server, "chris", &path).await;
            assert_eq!((page.status, &page.body["value"]), (StatusCode::OK, &json!([])), "{path}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn the_archive_agent_reads_rows_by_restrictions() {
    let server = Server::demo().await;
    let ask = async |request: Value| post(&server, "anna", "Archive/GetArchiveListByColumns", request).await;
    let request = |restriction: Value| {
        json!({
            "providerName": "AllUsers", "columns": ["associateDbId", "fullName", "isActive", "lastLogin"],
            "sortOrder": [{"name": "associateDbId", "direction": "DESC"}], "restriction": restriction,
            "entities": ["all"], "page": 0, "pageSize": 1_000_000,
        })
    };
    let rows =
        ask(request(json!([{"Name": "associateDbId", "Operator": ">", "Values": ["[I:3]"], "IsActive": true}]))).await;
    let ids: Vec<_> = rows.body.as_array().expect("rows").iter().map(|row| row["PrimaryKey"].clone()).collect();
    assert_eq!(ids, [DORA, CHRIS]);
    let data = &rows.body[1]["ColumnData"];
    assert_eq!(data["associateDbId"]["DisplayValue"], "[I:4]");
    assert_eq!(
        (&data["fullName"]["DisplayValue"], &data["isActive"]["DisplayValue"]),
        (&"Chris Taylor".into(), &"[I:1]".into())
    );
    let grouped = request(json!([
        {"Name": "associateDbId", "Operator": "=", "Values": ["2"], "InterParenthesis": 1, "InterOperator": "Or"},
        {"Name": "associateDbId", "Operator": "=", "Values": ["5"], "InterParenthesis": -1, "InterOperator": "And"},
        {"Name": "isActive", "Operator": "=", "Values": ["true"]},
        {"Name": "associateDbId", "Operator": "=", "Values": ["3"], "IsActive": false},
    ]));
    let rows = ask(grouped).await.body;
    assert_eq!(rows.as_array().expect("rows").iter().map(|row| row["PrimaryKey"].clone()).collect::<Vec<_>>(), [ANNA]);
    let page =
        json!({"ProviderName": "AllUsers", "Columns": "assocName", "SortOrder": "assocName", "Page": 1, "PageSize": 2});
    let rows = post(&server, "anna", "Archive/GetArchiveListByColumns2", page).await.body;
    let found: Vec<_> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["ColumnData"]["assocName"]["DisplayValue"].clone())
        .collect();
    assert_eq!(found, ["bjorn", "chris"]);
    for (request, message) in [
        (
            request(json!([{"Name": "shoe", "Operator": "=", "Values": ["1"]}])),
            "Body: Restriction, item 1: there is no column `shoe`",
        ),
        (
            request(json!([{"Name": "fullName", "Operator": "=", "Values": ["1"], "InterParenthesis": 1}])),
            "a parenthesis is not closed",
        ),
        (json!({"ProviderName": "AllUsers", "Page": -1}), "Body: Page must not be negative."),
    ] {
        let got = ask(request).await;
        assert!(got.error(StatusCode::BAD_REQUEST).1.contains(message), "{}", got.text);
    }
}

#[tokio::test]
async fn hostile_names_stay_as_they_are_in_every_list() {
    let server = Server::demo().await;
    let name = "US:\"x\";NO:\"y\"";
    let values = vec![(UserColumn::Name, name.into()), (UserColumn::UserName, "[SR_COLUMN_ROLE]".into())];
    let id = users::find(server.app.store.reader(), BJORN).await.expect("an answer").expect("a user");
    let person = id.person.expect("a person").id;
    users::set_columns(server.app.store.writer(), BJORN, values).await.expect("a change");
    let db = server.app.store.writer();
    let sql = format!(
        "UPDATE persons SET firstname = 'US:\"a\";NO:\"b\"', middle_name = '', lastname = '' WHERE id = {person}"
    );
    sea_orm::ConnectionTrait::execute_unprepared(db, &sql).await.expect("a change");
    let (full_name, user_name) = ("US:\"a\";NO:\"b\"", "[SR_COLUMN_ROLE]");
    let archive = "archive/AllUsers?$filter=associateDbId eq 3&$select=fullName,assocName,userName";
    let table = "archive/dynamic?$filter=associate.associate_id eq 3&$select=associate.name,associate.userName";
    let rows =
        json!({"ProviderName": "AllUsers", "Restrictions": "associateDbId eq 3", "Columns": "fullName,assocName"});
    let credentials = json!({"Type": "CRM5/PASSWORD", "SearchString": "US:"});
    let cases = [
        ("MDOList/associate?flat=true&query=US:", None, "/0/Name", full_name),
        (archive, None, "/value/0/fullName", full_name),
        (archive, None, "/value/0/assocName", name),
        (archive, None, "/value/0/userName", user_name),
        (table, None, "/value/0/associate.name", name),
        (table, None, "/value/0/associate.userName", user_name),
        ("Agents/Archive/GetArchiveListByColumns2", Some(&rows), "/0/ColumnData/fullName/DisplayValue", full_name),
        ("Agents/Archive/GetArchiveListByColumns2", Some(&rows), "/0/ColumnData/assocName/DisplayValue", name),
        ("Agents/Associate/GetAssociateList", Some(&json!([BJORN])), "/0/Name", name),
        ("Agents/Associate/GetAssociateList", Some(&json!([BJORN])), "/0/FullName", full_name),
        ("Agents/User/FindCredentialUsers", Some(&credentials), "/Users/0/Value", name),
        ("Agents/User/FindCredentialUsers", Some(&credentials), "/Users/0/DisplayValue", full_name),
    ];
    for (path, body, property, expected) in cases {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let call = server.call(method, format!("/api/v1/{}", path.replace(' ', "%20")));
        let call = call.by("anna").header("so-language", "en");
        let got = match body {
            Some(body) => call.body("application/json", body.to_string()).send().await,
            None => call.send().await,
        };
        assert_eq!(got.body.pointer(property), Some(&expected.into()), "{path} {property}: {}", got.text);
    }
}

#[tokio::test]
async fn roles_and_groups_are_resources() {
    let server = Server::demo().await;
    let admin = |method: Method, path: &str, body: Value| {
        server.call(method, format!("/api/v1/{path}")).by("admin").body("application/json", body.to_string()).send()
    };
    let made = admin(Method::POST, "Role", json!({"Name": "Auditor", "Rank": 12})).await.body;
    let id = made["RoleId"].as_i64().expect("an id");
    assert_eq!(made["_Links"]["Self"], format!("http://127.0.0.1:8080/api/v1/role/{id}"));
    let role = format!("Role/{id}");
    let set = admin(Method::PUT, &format!("{role}/FunctionRight"), json!([1])).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    assert_eq!(names(&get(&server, "anna", &format!("{role}/FunctionRight")).await.body), ["read-users"]);
    assert!(names(&get(&server, "anna", "Role/WithFunctionRight/read-users").await.body).contains(&"Auditor"));
    assert!(names(&get(&server, "anna", "Role/employee").await.body).contains(&"Auditor"));
    assert_eq!(names(&get(&server, "anna", "Role/System/FunctionRight").await.body).len(), 2);
    assert_eq!(get(&server, "anna", "Role/System/Default").await.body["RoleType"], "System");
    assert_eq!(admin(Method::PUT, &role, json!({"Name": "Auditors"})).await.body["Name"], "Auditors");
    admin(Method::PUT, &role, json!({"RoleId": 1, "Name": "x"})).await.error(StatusCode::BAD_REQUEST);
    admin(Method::PUT, "Role/0", json!({"Name": "x"})).await.error(StatusCode::BAD_REQUEST);
    get(&server, "anna", "Role/4711").await.error(StatusCode::NOT_FOUND);
    get(&server, "anna", "Role/Coffee").await.error(StatusCode::BAD_REQUEST);
    assert_eq!(
        admin(Method::DELETE, &format!("{role}?replacingRoleId=2"), Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    get(&server, "anna", &role).await.error(StatusCode::NOT_FOUND);

    let items = "List/UserGroup/Items";
    let group = admin(Method::POST, items, json!({"Value": "Night shift"})).await.body;
    let one = format!("{items}/{}", group["Id"]);
    assert_eq!(admin(Method::PUT, &one, json!({"Value": "Late shift", "Rank": 3})).await.body["Rank"], 3);
    assert_eq!(admin(Method::DELETE, &one, Value::Null).await.status, StatusCode::NO_CONTENT);
    let is_listed = |list: &Value| list.as_array().expect("a list").iter().any(|item| item["Value"] == "Late shift");
    assert!(!is_listed(&get(&server, "anna", items).await.body));
    assert!(is_listed(&get(&server, "anna", &format!("{items}?includeDeleted=true")).await.body));
    assert_eq!(get(&server, "anna", &one).await.body["Deleted"], true);
    get(&server, "anna", &format!("{items}/4711")).await.error(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_administrators_learn_which_roles_and_groups_can_be_changed() {
    let server = Server::demo().await;
    for id in [2, 4711] {
        for (method, path) in [
            (Method::PUT, format!("Role/{id}")),
            (Method::DELETE, format!("Role/{id}?replacingRoleId=1")),
            (Method::PUT, format!("List/UserGroup/Items/{id}")),
            (Method::DELETE, format!("List/UserGroup/Items/{id}")),
        ] {
            let call = server.call(method, format!("/api/v1/{path}")).by("anna");
            call.body("application/json", r#"{"Name":"x","Value":"x"}"#).send().await.error(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn a_role_keeps_what_a_change_leaves_out() {
    let server = Server::demo().await;
    let save = |body: Value| {
        server.post("/api/v1/Agents/User/SaveRoleEntity").by("admin").body("application/json", body.to_string()).send()
    };
    let before = post(&server, "anna", "User/GetRoleEntity?roleEntityId=2", Value::Null).await.body;
    let after = save(json!({"RoleId": 2, "Tooltip": "Sells"})).await.body;
    assert_eq!(after["Tooltip"], "Sells");
    for name in ["Name", "Rank", "RoleType", "FunctionalRights"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    let type_of_externals = save(json!({"RoleId": 2, "RoleType": "External"})).await;
    assert!(type_of_externals.error(StatusCode::BAD_REQUEST).1.contains("RoleType"), "{}", type_of_externals.text);
    let mut rights = before;
    rights["DataRights"]["Rights"][0][0]["Value"] = "R".into();
    let changed = save(rights).await;
    assert!(changed.error(StatusCode::BAD_REQUEST).1.contains("DataRights"), "{}", changed.text);
}

#[tokio::test]
async fn a_retired_group_keeps_its_members_and_the_last_group_stays() {
    let server = Server::demo().await;
    let items = "/api/v1/List/UserGroup/Items";
    let admin = |method: Method, path: String, body: Value| {
        server.call(method, path).by("admin").body("application/json", body.to_string()).send()
    };
    let user = get(&server, "admin", "User/2").await.body;
    let group = user["UserGroup"]["Id"].as_i64().expect("an id");
    let all = get(&server, "admin", "List/UserGroup/Items").await.body;
    let others = all.as_array().expect("groups").iter().filter_map(|item| item["Id"].as_i64());
    let others: Vec<_> = others.filter(|id| *id != group).collect();
    assert_eq!(admin(Method::DELETE, format!("{items}/{group}"), Value::Null).await.status, StatusCode::NO_CONTENT);
    let user = admin(Method::PUT, "/api/v1/User/2".to_owned(), json!({"Tooltip": "stays", "UserGroup": {"Id": group}}));
    let user = user.await.body;
    assert_eq!((&user["Tooltip"], &user["UserGroup"]["Id"]), (&"stays".into(), &group.into()));
    let new = json!({"Name": "new", "UserGroup": {"Id": group}});
    admin(Method::POST, "/api/v1/User".to_owned(), new).await.error(StatusCode::BAD_REQUEST);
    for (index, id) in others.iter().enumerate() {
        let retired = admin(Method::DELETE, format!("{items}/{id}"), Value::Null).await;
        match index + 1 == others.len() {
            true => assert!(retired.error(StatusCode::BAD_REQUEST).1.contains("last group in use")),
            false => assert_eq!(retired.status, StatusCode::NO_CONTENT),
        }
    }
}

#[tokio::test]
async fn data_rights_are_a_stored_matrix() {
    let server = Server::demo().await;
    let set = |value: &str| {
        let path = format!("/api/v1/Role/2/DataRight/Contact/myown?dataRightValue={value}");
        server.call(Method::PUT, path).by("admin").send()
    };
    assert_eq!(get(&server, "anna", "Role/2/DataRight/contact/MyOwn").await.body, "");
    assert_eq!(set("cru").await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, "anna", "Role/2/DataRight/contact/MyOwn").await.body, "CRU");
    assert_eq!(get(&server, "anna", "Role/2/DataRight/contact").await.body["MyOwn"], "CRU");
    assert_eq!(get(&server, "anna", "Role/2/DataRight/MyOwn").await.body["contact"], "CRU");
    let entity = post(&server, "anna", "User/GetRoleEntity?roleEntityId=2", Value::Null).await.body;
    let rights = &entity["DataRights"];
    assert_eq!(
        (&rights["RowsInfo"][0]["TableName"], &rights["ColumnsInfo"][0]["Value"]),
        (&"contact".into(), &"MyOwn".into())
    );
    assert_eq!((&rights["Rights"][0][0]["Value"], &rights["Rights"][1][0]["Value"]), (&"CRU".into(), &"".into()));
    // A client that read the role may save it as it is.
    assert_eq!(post(&server, "admin", "User/SaveRoleEntity", entity.clone()).await.body, entity);
    assert_eq!(set("None").await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, "anna", "Role/2/DataRight/contact/MyOwn").await.body, "");
    set("CUD").await.error(StatusCode::BAD_REQUEST);
    for path in ["Role/2/DataRight/shoe/MyOwn", "Role/2/DataRight/contact/CustomObjects", "Role/4711/DataRight/contact"]
    {
        get(&server, "anna", path).await.error(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn external_users_are_made_changed_and_deactivated() {
    let server = Server::demo().await;
    let agent = |operation: &str, body: Value| {
        let path = format!("/api/v1/Agents/User/{operation}");
        server.post(path).by("admin").body("application/json", body.to_string()).send()
    };
    let made =
        agent("CreateExternalUser", json!({"UserName": "guest@example.com", "Password": "a long password"})).await;
    let id = made.body.as_i64().expect("an id");
    let user = get(&server, "admin", &format!("User/{id}")).await.body;
    assert_eq!((&user["Type"], &user["Role"]["Value"]), (&"ExternalAssociate".into(), &"ExternalUser".into()));
    let login = async |password: &str| {
        server.get("/api/v1/User/currentPrincipal").basic("guest@example.com", password).send().await.status
    };
    assert_eq!(login("a long password").await, StatusCode::OK);
    let change = json!({"AssociateId": id, "Password": "another password", "ExternalUserInfoModification": "Password"});
    assert_eq!(agent("SetExternalUserInfo", change).await.status, StatusCode::NO_CONTENT);
    assert_eq!(login("another password").await, StatusCode::OK);
    // As the official client sends several values: UserName 1 and Password 2.
    for (several, name) in [(json!(3), "guest2@example.com"), (json!("UserName, Password"), "guest@example.com")] {
        let change = json!({
            "AssociateId": id,
            "UserName": name,
            "Password": "another password",
            "ExternalUserInfoModification": several,
        });
        assert_eq!(agent("SetExternalUserInfo", change).await.status, StatusCode::NO_CONTENT);
        assert_eq!(get(&server, "admin", &format!("User/{id}")).await.body["UserName"], name);
    }
    let refused = agent("SetExternalUserInfo", json!({"AssociateId": id, "ExternalUserInfoModification": 16})).await;
    assert!(refused.error(StatusCode::BAD_REQUEST).1.contains("not one of Unknown, UserName"), "{}", refused.text);
    let missing =
        agent("SetExternalUserInfo", json!({"AssociateId": id, "ExternalUserInfoModification": "UserName"})).await;
    assert_eq!(missing.error(StatusCode::BAD_REQUEST).1, "Body: UserName is missing.");
    let generated =
        agent("GenerateNewPasswordForExternalUser", json!({"AssociateName": "guest@example.com"})).await.body;
    assert_eq!(login(generated.as_str().expect("a password")).await, StatusCode::OK);
    assert_eq!(agent("DeleteExternalUser", json!({"AssociateId": id})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, "admin", &format!("User/{id}")).await.body["Deleted"], true);
    let other = agent("DeleteExternalUser", json!({"AssociateId": ANNA})).await;
    assert!(other.error(StatusCode::BAD_REQUEST).1.contains("the user 2 is not an external user"), "{}", other.text);
    let empty = agent("CreateExternalUser", json!({"UserName": "x@example.com", "Password": ""})).await;
    assert_eq!(empty.error(StatusCode::BAD_REQUEST).1, "Body: Password is empty.");
}

#[tokio::test]
async fn a_user_is_found_or_made_from_what_is_known() {
    let server = Server::demo().await;
    let resolve = |body: Value| {
        server
            .post("/api/v1/Agents/User/ResolveUserFromInfo")
            .by("admin")
            .body("application/json", body.to_string())
            .send()
    };
    let found = resolve(json!({"Emails": ["ANNA@example.com"], "UserType": "InternalAssociate"})).await.body;
    assert_eq!((&found["User"]["AssociateId"], &found["PersonCreated"]), (&ANNA.into(), &false.into()));
    let request = json!({
        "PersonName": "Eva Berg", "Emails": ["eva@example.com"], "PhoneNumbers": ["+47 1"], "ContactId": 7,
        "UserType": "InternalAssociate",
        "Credential": {"Type": {"Type": "CRM5/PASSWORD"}, "Value": "a long password"},
    });
    let made = resolve(request.clone()).await.body;
    assert_eq!(made["PersonCreated"], true);
    let person = &made["User"]["Person"];
    assert_eq!(
        (&person["FullName"], &person["Email"], &person["ContactId"]),
        (&"Eva Berg".into(), &"eva@example.com".into(), &7.into())
    );
    let again = resolve(request).await.body;
    assert_eq!(again["User"]["AssociateId"], made["User"]["AssociateId"]);
    let by_name =
        resolve(json!({"PersonName": "eva BERG", "ContactId": 7, "UserType": "ExternalAssociate"})).await.body;
    assert_eq!(
        (&by_name["PersonCreated"], &by_name["User"]["Person"]["PersonId"]),
        (&false.into(), &person["PersonId"])
    );
    assert_eq!(by_name["User"]["Type"], "ExternalAssociate");
    resolve(json!({"UserType": "InternalAssociate"})).await.error(StatusCode::BAD_REQUEST);
    let retired = server.call(Method::DELETE, format!("/api/v1/User/{}", made["User"]["AssociateId"])).by("admin");
    assert_eq!(retired.send().await.status, StatusCode::NO_CONTENT);
    let left = resolve(json!({"Emails": ["eva@example.com"], "UserType": "InternalAssociate"})).await;
    assert!(left.error(StatusCode::BAD_REQUEST).1.contains("is retired; reactivate"), "{}", left.text);
    let unknown_type = resolve(json!({"Emails": ["anna@example.com"], "UserType": "Unknown"})).await.body;
    assert_eq!(unknown_type["User"]["AssociateId"], ANNA);
}

#[tokio::test]
async fn users_are_found_by_their_credentials() {
    let server = Server::demo().await;
    let find =
        async |operation: &str, body: Value| post(&server, "anna", &format!("User/{operation}"), body).await.body;
    let users = find("FindCredentialUsers", json!({"Type": "CRM5/PASSWORD", "SearchString": "LIND"})).await;
    assert_eq!((&users["Users"][0]["Value"], users["Users"].as_array().map(Vec::len)), (&"anna".into(), Some(1)));
    let groups = find("FindCredentialsGroups", json!({"Type": "CRM5/PASSWORD"})).await;
    let group = groups[0]["Name"].clone();
    let members = find("GetCredentialUsersInGroup", json!({"Type": "CRM5/PASSWORD", "GroupName": group})).await;
    assert!(!members["Users"].as_array().expect("users").is_empty(), "{members}");
    let value = (UserColumn::EjUserId, 9.into());
    users::set_columns(server.app.store.writer(), BJORN, vec![value]).await.expect("a change");
    let found = find("GetUserFromEjUserId", json!({"EjUserId": 9})).await;
    assert_eq!((&found[0]["Name"], found.as_array().map(Vec::len)), (&"bjorn".into(), Some(1)));
    assert_eq!(find("GetUserFromEjUserId", json!({"EjUserId": 0})).await, json!([]));
    let token = find("GetAccessToken", json!({})).await;
    let bearer = format!("Bearer {}", token.as_str().expect("a token"));
    let caller = server.get("/api/v1/User/currentAssociate").header("authorization", &bearer).send().await;
    assert_eq!(caller.body["Name"], "anna");
    let wrong = post(&server, "anna", "User/GetAccessToken", json!({"AppToken": "nothing"})).await;
    assert_eq!(wrong.error(StatusCode::BAD_REQUEST).1, "Body: AppToken is not the token of an application.");
}

#[tokio::test]
async fn the_tenant_begins_paths_and_links() {
    let server = Server::with_settings(&["--tenant", "Cust12345"]).await;
    let user = server.get("/cust12345/api/v1/User/2").by("anna").send().await.body;
    assert_eq!(user["_Links"]["Self"], "http://127.0.0.1:8080/Cust12345/api/v1/user/2");
    let list = server.get("/Cust12345/api/v1/User?$top=1").by("anna").send().await.body;
    assert_eq!(list["odata.metadata"], "http://127.0.0.1:8080/Cust12345/api/v1/User/$metadata");
    assert_eq!(
        server.get("/api/v1/User/2").by("anna").send().await.body["_Links"]["Self"],
        "http://127.0.0.1:8080/api/v1/user/2"
    );
    server.get("/Cust54321/api/v1/User/2").by("anna").send().await.error(StatusCode::NOT_FOUND);
    let state = server.get("/api/state/Cust12345").send().await.body;
    assert_eq!((&state["State"], &state["IsRunning"]), (&"Running".into(), &true.into()));
    assert_eq!(
        (&state["Endpoint"], &state["Api"]),
        (&"http://127.0.0.1:8080/Cust12345".into(), &"http://127.0.0.1:8080/Cust12345/api".into())
    );
    let other = server.get("/api/state/Cust54321").send().await.body;
    assert_eq!((&other["State"], &other["IsRunning"], &other["Api"]), (&"Unknown".into(), &false.into(), &"".into()));
}

#[tokio::test]
async fn a_misspelt_restriction_is_not_ignored() {
    let server = Server::demo().await;
    let list = json!({"ProviderName": "AllUsers", "Columns": "assocName", "Restriction": "associateDbId = 2"});
    let refused = post(&server, "anna", "Archive/GetArchiveListByColumns2", list).await;
    let message = "Body: Restriction is unknown; write Restrictions.";
    assert_eq!(refused.error(StatusCode::BAD_REQUEST).1, message);
    // Clients may send members that the server does not know.
    let list = json!({"ProviderName": "AllUsers", "Columns": "assocName", "Title": "Users"});
    let answer = post(&server, "anna", "Archive/GetArchiveListByColumns2", list).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn a_deleted_group_heads_its_users_as_deleted() {
    let server = Server::demo().await;
    let deleted = server.call(Method::DELETE, "/api/v1/List/UserGroup/Items/1").by("admin").send().await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    for path in ["MDOList/associate", "MDOList/associate/Selectable"] {
        let list = get(&server, "anna", path).await.body;
        let headings = list.as_array().expect("a list").iter();
        let deleted: Vec<_> = headings.filter(|group| group["Deleted"] == true).map(|group| &group["Id"]).collect();
        assert_eq!(deleted, [&json!(1)], "{path}: {list}");
    }
}
