//! The list of users: what the query options mean, and what they cannot do.

use poem::http::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::{ANNA, Answer, BJORN, Server};
use kommando::users::{self, UserColumn};

/// A query in which a blank is a plus and the rest is escaped where it must be.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

async fn list(server: &Server, caller: &str, options: &[(&str, &str)]) -> Answer {
    let query: Vec<_> = options.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    server.get(format!("/api/v1/User?{}", query.join("&"))).by(caller).send().await
}

fn rows(answer: &Answer) -> &Vec<Value> {
    answer.body["value"].as_array().unwrap_or_else(|| panic!("{}", answer.text))
}

fn column<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    rows(answer).iter().map(|row| row[name].as_str().unwrap_or_else(|| panic!("{row}"))).collect()
}

async fn names(server: &Server, filter: &str) -> Vec<String> {
    let got = list(server, "admin", &[("$select", "assocName"), ("$filter", filter)]).await;
    column(&got, "assocName").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_column_is_there_with_the_values_of_the_database() {
    let server = Server::demo().await;
    let got = list(&server, "admin", &[]).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert_eq!((rows(&got).len(), &got.body["odata.nextLink"]), (5, &Value::Null));
    assert_eq!(got.body["odata.metadata"], "http://127.0.0.1:8080/api/v1/User/$metadata");
    let anna = &rows(&got)[1];
    for (name, value) in [
        ("PrimaryKey", json!("2")),
        ("EntityName", json!("all")),
        ("associateDbId", json!(2)),
        ("assocName", json!("anna")),
        ("userName", json!("anna@example.com")),
        ("fullName", json!("Anna Lindqvist")),
        ("personEmail", json!("anna@example.com")),
        ("isActive", json!(true)),
        ("isActiveText", json!("[SR_USER_ACTIVE]")),
        ("canLogin", json!(true)),
        ("credentialType", json!("CRM5/PASSWORD")),
        ("lastLogout", json!("0001-01-01T00:00:00")),
    ] {
        assert_eq!(anna[name], value, "{name}: {anna}");
    }
    assert!(anna.get("getAllRows").is_none(), "a switch is shown to whoever selects it");
}

#[tokio::test]
async fn filters_mean_what_they_say() {
    let server = Server::demo().await;
    let travels = vec![(UserColumn::LastLogin, chrono::Utc::now().into())];
    users::set_columns(server.app.store.writer(), ANNA, travels).await.expect("a change");
    for (filter, expected) in [
        ("getAllRows eq 1", &["admin", "anna", "bjorn", "chris", "dora"][..]),
        ("getNoRows eq 1", &[]),
        ("assocName is 'ANNA'", &["anna"]),
        ("assocName begins 'a'", &["admin", "anna"]),
        ("assocName notBegins 'a'", &["bjorn", "chris", "dora"]),
        ("assocName contains 'n'", &["admin", "anna", "bjorn"]),
        ("assocName contains '_'", &[]),
        ("assocName contains '%'", &[]),
        ("assocName in ('anna', 'DORA', 'x')", &["anna", "dora"]),
        ("assocName between ('b', 'cz')", &["bjorn", "chris"]),
        ("substringof('or', assocName)", &["bjorn", "dora"]),
        ("startswith(assocName, 'c') or endswith(assocName, 'a')", &["anna", "chris", "dora"]),
        ("associateDbId ge 3 and associateDbId lt 5", &["bjorn", "chris"]),
        ("associateDbId between (2, 3)", &["anna", "bjorn"]),
        ("associateDbId oneOf (1, 5)", &["admin", "dora"]),
        ("associateDbId associateIsNotOneOf (1, 5)", &["anna", "bjorn", "chris"]),
        ("associateDbId currentAssociate", &["admin"]),
        ("isActive eq false", &["dora"]),
        ("not isActive set true", &["dora"]),
        ("not (assocName is 'anna' or isActive eq false) and associateDbId gt 1", &["bjorn", "chris"]),
        ("lastLogin today", &["anna"]),
        ("lastLogin beforeToday", &["bjorn", "chris", "dora"]),
        ("lastLogin after '2009-1-1' and lastLogin before '2999-12-31' and associateDbId gt 1", &["anna"]),
        ("lastLogin dateBetween ('0001-01-01', '2009-01-01')", &["bjorn", "chris", "dora"]),
    ] {
        let found = names(&server, filter).await;
        let found: Vec<_> =
            found.iter().map(String::as_str).filter(|name| *name != "admin" || expected.contains(name)).collect();
        assert_eq!(found, expected, "{filter}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place_and_nothing_of_it_reaches_the_database() {
    let server = Server::demo().await;
    for (option, value, message) in [
        ("$filter", "nobody eq 1", "Parameter $filter, character 1: there is no column `nobody`"),
        ("$filter", "assocName like 'a'", "Parameter $filter, character 11: `like` is no operator of assocName"),
        ("$filter", "assocName is 7", "Parameter $filter, character 1"),
        ("$filter", "lastLogin before 'soon'", "Parameter $filter, character 18: 'soon' is no day"),
        ("$filter", "assocName is 'x'; DROP TABLE users", "Parameter $filter, character 17: `;` has no meaning here"),
        ("$filter", "assocName is 'x' --", "Parameter $filter, character 18"),
        ("$filter", "portraitThumbnail set", "Parameter $filter, character 1: there is no column"),
        ("$filter", "credentialType is 'x'", "Parameter $filter, character 1: the list cannot be filtered by"),
        ("$select", "assocName,secret", "Parameter $select, character 11: there is no column `secret`"),
        ("$orderBy", "assocTooltip", "Parameter $orderBy, character 1: the list cannot be ordered by assocTooltip"),
        ("$orderBy", "assocName; x", "Parameter $orderBy, character 10"),
        ("$top", "-1", "Parameter $top: "),
        ("$skip", "x", "Parameter $skip: "),
        ("$format", "csv", "Parameter $format: `csv` is not one of JSON, XML."),
        ("$mode", "Full", "Parameter $mode: this list does not take it."),
    ] {
        let got = list(&server, "admin", &[(option, value)]).await;
        let (_, told) = got.error(StatusCode::BAD_REQUEST);
        assert!(told.starts_with(message), "{option}={value}: {told}");
    }
    for harmless in ["' OR 1=1 --", "'); DELETE FROM users; --", "\\", "%", "å' UNION SELECT secret FROM credentials"]
    {
        let filter = format!("assocName is '{}'", harmless.replace('\'', "''"));
        assert!(names(&server, &filter).await.is_empty(), "{filter}");
    }
    assert_eq!(names(&server, "getAllRows set").await.len(), 5);
}

#[tokio::test]
async fn whoever_may_not_see_others_sees_the_own_user() {
    let server = Server::demo().await;
    let got = list(&server, "chris", &[("$select", "assocName"), ("$filter", "getAllRows eq 1")]).await;
    assert_eq!(column(&got, "assocName"), ["chris"]);
}

#[tokio::test]
async fn order_select_format_and_names_are_as_asked_for() {
    let server = Server::demo().await;
    let got =
        list(&server, "admin", &[("$select", "assocName,isActive"), ("$orderBy", "isActive desc, assocName DESC")])
            .await;
    assert_eq!(column(&got, "assocName"), ["chris", "bjorn", "anna", "admin", "dora"]);
    let keys: Vec<_> = rows(&got)[0].as_object().expect("a row").keys().map(String::as_str).collect();
    assert_eq!(keys, ["PrimaryKey", "EntityName", "assocName", "isActive"]);

    let safe = list(&server, "admin", &[("$jsonSafe", "true"), ("$top", "1")]).await;
    assert!(safe.body["odata_metadata"].is_string() && safe.body.get("odata.metadata").is_none(), "{}", safe.text);
    let xml = list(&server, "admin", &[("$format", "xml"), ("$select", "isActiveText"), ("$top", "1")]).await;
    assert_eq!(xml.header("content-type"), Some("application/xml; charset=utf-8"));
    assert!(xml.text.contains("<Entry><Key>isActiveText</Key><Value>"), "{}", xml.text);
    let call = server.get("/api/v1/User?$select=isActiveText&$filter=associateDbId%20eq%205").by("admin");
    let norwegian = call.header("so-language", "nb").send().await;
    assert_eq!(column(&norwegian, "isActiveText"), ["Sluttet"]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    const USERS: usize = 3210;
    let server = Server::demo().await;
    let copy = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {USERS}) \
         INSERT INTO users (name, user_name, nick_name, tooltip, rank, user_type, deleted, is_on_travel, \
         waiting_for_approval, ej_user_id, presence_status, presence_message, extra_fields, custom_fields, role_id, \
         user_group_id, created_at, updated_at) \
         SELECT 'u' || i, '', 'same', '', 0, user_type, deleted, is_on_travel, waiting_for_approval, ej_user_id, \
         presence_status, presence_message, extra_fields, custom_fields, role_id, user_group_id, created_at, updated_at \
         FROM users, n WHERE users.id = {BJORN}"
    );
    server.app.store.writer().execute_unprepared(&copy).await.expect("more users");
    let start = "/api/v1/User?$select=assocName&$filter=assocName%20begins%20'u'";
    for (options, expected) in [
        ("&$orderBy=ejDisplayName", USERS),
        ("&$orderBy=isActive%20desc,assocName%20desc&$skip=10", USERS - 10),
        ("&$orderBy=lastLogin,fullName", USERS),
        ("&$top=2500", 2500),
        ("&$orderBy=ejDisplayName&$top=1000", 1000),
        ("&$orderBy=assocName&$top=7", 7),
    ] {
        let (mut seen, mut next) = (Vec::new(), Some(format!("{start}{options}")));
        while let Some(path) = next {
            let page = server.get(&path).by("admin").send().await;
            assert!(rows(&page).len() <= 1000);
            seen.extend(column(&page, "assocName").into_iter().map(str::to_owned));
            // The part that reads further on costs the same however far that is: it counts no rows.
            assert!(!page.body["odata.nextLink"].to_string().contains("$skip="), "{}", page.body["odata.nextLink"]);
            next = page.body["odata.nextLink"].as_str().map(|link| link.replace("http://127.0.0.1:8080", ""));
        }
        assert_eq!(seen.len(), expected, "{options}");
        if options.contains("assocName%20desc") {
            assert!(seen.is_sorted_by(|one, next| one > next), "{options}");
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), expected, "{options}");
    }
}

#[tokio::test]
async fn texts_of_persons_are_found_and_not_said_of_users_without_one() {
    let server = Server::demo().await;
    let orphan = format!("UPDATE users SET person_id = NULL WHERE id = {BJORN}");
    server.app.store.writer().execute_unprepared(&orphan).await.expect("a user without a person");
    for (filter, expected) in [
        ("lastName eq 'LINDQVIST'", vec!["anna"]),
        ("lastName begins 'lind' and firstName begins 'a'", vec!["anna"]),
        ("not (lastName begins 'lind')", vec!["admin", "bjorn", "chris", "dora"]),
        ("lastName begins ''", vec!["admin", "anna", "bjorn", "chris", "dora"]),
        ("lastName eq ''", vec!["bjorn"]),
        ("lastName in ('', 'nilsen')", vec!["bjorn", "dora"]),
        ("lastName begins '%'", vec![]),
        ("personEmail in ('anna@example.com', 'dora@example.com')", vec!["anna", "dora"]),
    ] {
        let got = list(&server, "admin", &[("$select", "assocName"), ("$filter", filter)]).await;
        assert_eq!(column(&got, "assocName"), expected, "{filter}");
    }
}
