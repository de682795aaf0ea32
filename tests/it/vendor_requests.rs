//! Requests of the form that public collections and connectors send about users: the paths, methods and members are
//! upstream's, words and data are ours.
//!
//! Of 19 distinct requests, 15 are here. The other four are of the log-in of the online world, which this server does not
//! have: the page that asks for consent, the tokens for its code, refreshed tokens, and tickets of system users.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Server;

/// Method, path below the address of the API, body, and a part of the answer.
type Request = (Method, &'static str, Value, &'static str);

fn requests() -> [Request; 14] {
    let rows = json!({
        "ProviderName": "InternalUsers",
        "Columns": ["firstName", "lastName", "fullName", "personId", "title", "associateDbId"],
        "SortOrder": [{"Name": "associateDbId", "Direction": "ASC"}],
        "Restriction": [{"Name": "associateDbId", "Operator": ">", "Values": ["0"], "IsActive": true}],
        "Entities": ["all"],
        "Page": 0,
        "PageSize": 1_000_000,
    });
    let list = json!({"Name": "Associate", "ForceFlatList": false, "AdditionalInfo": "", "OnlyHistory": false});
    let (get, post) = (Method::GET, Method::POST);
    [
        (get.clone(), "", Value::Null, "\"Version\""),
        (get.clone(), "/v1/user/currentPrincipal", Value::Null, "\"Associate\":\"anna\""),
        (get.clone(), "/v1/user/currentAssociate", Value::Null, "\"Name\":\"anna\""),
        (get.clone(), "/v1/user/current", Value::Null, "\"AssociateId\":2"),
        (get.clone(), "/v1/user/currentToken", Value::Null, "\"8A:"),
        (get.clone(), "/v1/user?$orderBy=PrimaryKey%20asc&$top=20&$skip=0", Value::Null, "\"assocName\":\"bjorn\""),
        (get.clone(), "/v1/role?$orderBy=name%20asc&$top=20&$skip=0", Value::Null, "\"name\":\"Administrator\""),
        (
            post.clone(),
            "/v1/Agents/Associate/GetAssociatesByGroup?$select=AssociateId,Name",
            json!({"GroupId": 1, "Type": 2}),
            "\"AssociateId\":",
        ),
        (post.clone(), "/v1/Agents/Associate/GetAssociateList", json!([3, 4, 5, 6, 7, 8]), "\"Name\":\"bjorn\""),
        (post.clone(), "/v1/Agents/MDO/GetList", list, "\"Name\":\"Anna Lindqvist\""),
        (post, "/v1/Agents/Archive/GetArchiveListByColumns", rows, "\"DisplayValue\":\"Anna Lindqvist\""),
        (
            get.clone(),
            "/v1/archive/internalusers?$select=associateDbId,fullName,personId,personEmail",
            Value::Null,
            "\"personEmail\":\"anna@example.com\"",
        ),
        (get.clone(), "/v1/archive/AllUsers?$entities=all&$select=associateDbId", Value::Null, "\"associateDbId\":2"),
        (
            get,
            "/v1/archive/dynamic?$select=associate.associate_id,associate.name,associate.lastlogin",
            Value::Null,
            "\"associate.name\":\"anna\"",
        ),
    ]
}

#[tokio::test]
async fn requests_of_public_collections_are_answered() {
    let server = Server::with_settings(&["--tenant", "Cust12345"]).await;
    // A client asks for the address of the API first.
    let state = server.get("/api/state/Cust12345").header("accept", "application/json").send().await.body;
    let api = state["Api"].as_str().expect("an address").strip_prefix("http://127.0.0.1:8080").expect("this server");
    let token = server.get(format!("{api}/v1/user/currentToken")).by("anna").send().await.body;
    let bearer = format!("Bearer {}", token.as_str().expect("a token"));
    for (method, path, body, part) in requests() {
        let call = server.call(method.clone(), format!("{api}{path}"));
        let call = call.header("authorization", &bearer).header("accept", "application/json");
        let answer = match body {
            Value::Null => call.send().await,
            body => call.body("application/json", body.to_string()).send().await,
        };
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}: {}", answer.text);
        assert!(answer.text.contains(part), "{method} {path}: {}", answer.text);
    }
}
