//! The same people and the same rights through every list: users, lists to choose from, associates, and archives.

use std::collections::BTreeSet;

use poem::http::{Method, StatusCode};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Server};

const ROUNDS: u64 = 6;
const USERS: usize = 25;
const TYPES: [&str; 4] = ["InternalAssociate", "ResourceAssociate", "ExternalAssociate", "SystemAssociate"];
/// An administrator, an employee, and an employee without the right to read others.
const CALLERS: [&str; 3] = ["admin", "anna", ALONE];
const ALONE: &str = "alone";

async fn ask(server: &Server, caller: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let call = server.call(method, format!("/api/v1/{}", path.replace(' ', "%20"))).by(caller);
    let answer = match body {
        Some(body) => call.body("application/json", body.to_string()).send().await,
        None => call.send().await,
    };
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
    answer.body
}

/// The ids in a list, by the name of the property.
fn ids(list: &Value, name: &str) -> BTreeSet<i64> {
    let items = list.get("value").unwrap_or(list).as_array().expect("a list").iter();
    let id = |item: &Value| item[name].as_i64().or_else(|| item[name].as_str()?.parse().ok()).expect("an id");
    items.map(id).collect()
}

/// Makes users of random types in random groups, of which some have left.
async fn people(server: &Server, random: &mut StdRng) -> Vec<i64> {
    let mut groups = Vec::new();
    for name in ["North", "South", "East"] {
        let body =
            json!({"Value": format!("{name} {}", random.random_range(0..1000)), "Rank": random.random_range(0..5)});
        groups.push(ask(server, "admin", Method::POST, "List/UserGroup/Items", Some(body)).await["Id"].clone());
    }
    for number in 0..USERS {
        let group = |random: &mut StdRng| groups[random.random_range(0..groups.len())].clone();
        let user = json!({
            "Name": format!("user{number}"),
            "Type": TYPES[random.random_range(0..TYPES.len())],
            "Rank": random.random_range(0..3),
            "UserGroup": {"Id": group(random)},
            "OtherGroups": [{"Id": group(random)}],
            "Person": {"Firstname": format!("P{}", random.random_range(0..9)), "Lastname": "Ås"},
        });
        let made = ask(server, "admin", Method::POST, "User", Some(user)).await;
        if random.random_range(0..4) == 0 {
            let path = format!("/api/v1/User/{}", made["AssociateId"]);
            let left = server.call(Method::DELETE, path).by("admin").send().await;
            assert_eq!(left.status, StatusCode::NO_CONTENT, "{}", left.text);
        }
    }
    groups.iter().map(|group| group.as_i64().expect("an id")).collect()
}

/// Makes an employee without rights. Returns the id.
async fn make_alone(server: &Server) -> i64 {
    let role = ask(server, "admin", Method::POST, "Role", Some(json!({"Name": "Without rights"}))).await;
    let user = json!({
        "Name": ALONE,
        "Role": {"Id": role["RoleId"]},
        "Credentials": [{"Type": {"Type": "CRM5/PASSWORD"}, "Value": PASSWORD}],
    });
    let made = ask(server, "admin", Method::POST, "User", Some(user)).await;
    made["AssociateId"].as_i64().expect("an id")
}

#[tokio::test]
async fn every_list_has_the_same_people_for_every_caller() {
    for seed in 0..ROUNDS {
        let mut random = StdRng::seed_from_u64(seed);
        let server = Server::demo().await;
        let groups = people(&server, &mut random).await;
        let alone = make_alone(&server).await;
        for caller in CALLERS {
            let get = async |path: &str| ask(&server, caller, Method::GET, path, None).await;
            let agent = async |path: &str, body| {
                ask(&server, caller, Method::POST, &format!("Agents/{path}"), Some(body)).await
            };
            let place = format!("round {seed}, {caller}");

            let all = ids(&get("User?$select=assocName").await, "PrimaryKey");
            assert_eq!(all == BTreeSet::from([alone]), caller == ALONE, "{place}: {all:?}");
            let everybody: Vec<i64> = (1..200).collect();
            assert_eq!(
                ids(&agent("Associate/GetAssociateList", json!(everybody)).await, "AssociateId"),
                all,
                "{place}"
            );
            assert_eq!(ids(&get("Archive/AllUsers?$select=assocName").await, "PrimaryKey"), all, "{place}");
            let rows = json!({"ProviderName": "AllUsers", "PageSize": 1_000_000});
            assert_eq!(ids(&agent("Archive/GetArchiveListByColumns", rows).await, "PrimaryKey"), all, "{place}");

            let filter = "isActive eq true and not assocType eq 3";
            let chosen = ids(&get(&format!("User?$select=assocName&$filter={filter}")).await, "PrimaryKey");
            assert!(chosen.contains(&alone), "{place}: {chosen:?}");
            assert_eq!(ids(&get("MDOList/associate?flat=true").await, "Id"), chosen, "{place}");
            assert_eq!(ids(&agent("MDO/GetSimpleList", json!({"Name": "associate"})).await, "Id"), chosen, "{place}");
            let grouped = get("MDOList/associate").await;
            let below = grouped.as_array().expect("groups").iter().flat_map(|group| ids(&group["ChildItems"], "Id"));
            assert_eq!(below.collect::<BTreeSet<_>>(), chosen, "{place}");
            let table = "archive/dynamic?$select=associate.name&$filter=associate.deleted eq false";
            assert_eq!(ids(&get(table).await, "PrimaryKey"), chosen, "{place}");

            for group in &groups {
                let filter = format!("isActive eq true and (usergroupId eq {group} or otherGroups eq {group})");
                let members = ids(&get(&format!("User?$select=assocName&$filter={filter}")).await, "PrimaryKey");
                let by_group = json!({"GroupId": group, "Type": 2});
                let associates = agent("Associate/GetAssociatesByGroup", by_group).await;
                assert_eq!(ids(&associates, "AssociateId"), members, "{place}, group {group}");
            }
        }
    }
}
