//! Reading users, the current caller and the version pages.

use kommando::users::{credential, user_group};
use poem::http::{Method, StatusCode};
use sea_orm::{ActiveModelTrait, IntoActiveModel, NotSet};
use serde_json::{Value, json};

use crate::harness::{ANNA, Server};

/// The properties of upstream's User, in upstream's order.
const USER: [&str; 27] = [
    "AssociateId",
    "Name",
    "Rank",
    "Tooltip",
    "LicenseOwners",
    "Role",
    "UserGroup",
    "OtherGroups",
    "Person",
    "Deleted",
    "Lastlogin",
    "Lastlogout",
    "EjUserId",
    "RequestSignature",
    "Type",
    "IsPersonRetired",
    "IsOnTravel",
    "Credentials",
    "UserName",
    "TicketCategories",
    "NickName",
    "WaitingForApproval",
    "ExtraFields",
    "CustomFields",
    "PostSaveCommands",
    "TableRight",
    "FieldProperties",
];

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_user_by_id_has_links_and_upstreams_property_order() {
    let server = Server::demo().await;
    let got = server.get("/api/v1/User/2").by("admin").send().await;
    assert_eq!(keys(&got.body), [&USER[..], &["_Links"]].concat());
    assert_eq!(got.body["_Links"]["Self"], "http://127.0.0.1:8080/api/v1/user/2");
    assert_eq!(got.body["_Links"]["Archive"], "http://127.0.0.1:8080/api/v1/user");
    assert_eq!(got.body["Person"]["FullName"], "Anna Lindqvist");
    assert_eq!(got.body["Role"]["Value"], "Employee");
    assert_eq!(got.body["UserGroup"]["Value"], "Head office");
    assert_eq!(got.body["OtherGroups"][0]["Value"], "Field sales");
    assert_eq!((&got.body["Lastlogin"], &got.body["TableRight"]), (&"0001-01-01T00:00:00".into(), &Value::Null));
    assert_eq!(got.body["Credentials"][0]["Type"]["Type"], "CRM5/PASSWORD");
    assert!(!got.text.contains("argon2"));
}

#[tokio::test]
async fn other_groups_and_credentials_are_listed_once_and_in_order() {
    let server = Server::demo().await;
    let db = server.app.store.writer();
    let mut ids = Vec::new();
    for (name, rank) in [("late", 9), ("b", 5), ("a", 5)] {
        let group = user_group::Model { name: name.to_owned(), rank, ..Default::default() };
        let group = user_group::ActiveModel { id: NotSet, ..group.into_active_model().reset_all() };
        ids.push(group.insert(db).await.expect("a group").id);
    }
    let groups: Vec<_> = ids.iter().map(|id| json!({"Id": id})).collect();
    let change = server.call(Method::PATCH, "/api/v1/User/2").by("admin").json(json!({"OtherGroups": groups}));
    assert_eq!(change.send().await.status, StatusCode::OK);
    let password = credential::find_password(db, ANNA).await.expect("an answer").expect("a password");
    let other = credential::Model { credential_type: "OTHER".to_owned(), ..password };
    let other = credential::ActiveModel { id: NotSet, ..other.into_active_model().reset_all() };
    other.insert(db).await.expect("a credential");
    for path in ["/api/v1/User/2", "/api/v1/User/anna"] {
        let got = server.get(path).by("admin").send().await.body;
        let all = |property: &str, name: &str| -> Vec<_> {
            got[property].as_array().expect("an array").iter().map(|one| one.pointer(name).cloned()).collect()
        };
        assert_eq!(all("OtherGroups", "/Value"), ["a", "b", "late"].map(|name| Some(name.into())), "{path}");
        let types = ["CRM5/PASSWORD", "OTHER"].map(|name| Some(name.into()));
        assert_eq!(all("Credentials", "/Type/Type"), types, "{path}");
    }
}

#[tokio::test]
async fn a_user_by_name_is_the_same_without_links() {
    let server = Server::demo().await;
    let by_id = server.get("/api/v1/User/2").by("admin").send().await;
    for name in ["anna", "ANNA", "anna@example.com", "anna%40example.com"] {
        let by_name = server.get(format!("/api/v1/User/{name}")).by("admin").send().await;
        assert_eq!(keys(&by_name.body), USER, "{name}");
        assert!(USER.iter().all(|property| by_name.body[property] == by_id.body[property]));
    }
}

#[tokio::test]
async fn digits_are_an_id_and_everything_else_is_a_name() {
    let server = Server::demo().await;
    let status = |segment: &'static str| {
        let call = server.get(format!("/api/v1/User/{segment}")).by("admin");
        async { call.send().await.status }
    };
    assert_eq!(status("2").await, StatusCode::OK);
    assert_eq!(status("0002").await, StatusCode::OK);
    assert_eq!(status("%32").await, StatusCode::OK);
    assert_eq!(status("2147483648").await, StatusCode::BAD_REQUEST);
    assert_eq!(status("99999999999999999999999999").await, StatusCode::BAD_REQUEST);
    assert_eq!(status("-2").await, StatusCode::NOT_FOUND);
    assert_eq!(status("2x").await, StatusCode::NOT_FOUND);
    assert_eq!(status("%D9%A2").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_word_of_upstreams_paths_is_not_a_name() {
    let server = Server::demo().await;
    for word in ["validate", "VALIDATE"] {
        let got = server.get(format!("/api/v1/User/{word}")).by("chris").send().await;
        assert_eq!(got.error(StatusCode::METHOD_NOT_ALLOWED).1, "This path allows the methods POST.", "{word}");
    }
}

#[tokio::test]
async fn the_documented_example_is_anna_of_the_demo() {
    let server = Server::demo().await;
    let served = server.get("/api/v1/User/2").by("admin").send().await.body;
    let example = &kommando::api::document()["components"]["schemas"]["UserWithLinks"]["example"];
    for property in USER.iter().filter(|name| !["Lastlogin", "OtherGroups", "Credentials"].contains(name)) {
        assert_eq!(served[property], example[property], "{property}");
    }
}

#[tokio::test]
async fn current_is_the_caller_and_literal_paths_win_in_any_case() {
    let server = Server::demo().await;
    for path in ["/api/v1/User/current", "/api/v1/user/CURRENT/", "/API/V1/USER/Current"] {
        let got = server.get(path).by("anna").send().await;
        assert_eq!((keys(&got.body), &got.body["AssociateId"]), (USER.to_vec(), &ANNA.into()), "{path}");
    }
}

#[tokio::test]
async fn the_current_principal_has_group_role_and_rights() {
    let server = Server::demo().await;
    let got = server.get("/api/v1/User/currentPrincipal").by("anna").send().await;
    assert_eq!((keys(&got.body).len(), &got.body["Associate"]), (27, &"anna".into()));
    assert_eq!((&got.body["RoleName"], &got.body["RoleType"]), (&"Employee".into(), &"Employee".into()));
    assert_eq!(got.body["FunctionRights"], serde_json::json!(["read-users"]));
    assert_eq!(got.body["SecondaryGroups"], serde_json::json!([2]));
}

#[tokio::test]
async fn the_version_pages_are_public() {
    let server = Server::demo().await;
    let version = server.get("/api").send().await;
    assert_eq!(version.body["v1"], "http://127.0.0.1:8080/api/v1");
    assert_eq!(version.body["Version"], "v1");
    let offers = server.get("/api/v1").send().await;
    let execute = "http://127.0.0.1:8080/api/v1/User/{id}/CustomCommand/{commandName}";
    assert_eq!(offers.body[execute]["POST"], "Run a custom command on a user");
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let server = Server::demo().await;
    let got = server.call(poem::http::Method::HEAD, "/api/v1/User/2").by("admin").send().await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, ""));
}
